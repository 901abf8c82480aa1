"""JoCoR."""

from __future__ import annotations

from typing import ClassVar

from torch import Tensor

from benchmark import functional
from benchmark.methods.sample_selection.small_loss import SmallLoss
from benchmark.methods.step import Step


class JoCoR(SmallLoss):
    """(1 - lam) (CE_1 + CE_2) + lam (KL(p_1 || p_2) + KL(p_2 || p_1)) of two networks, on the units where this joint loss is small.

    Wei et al., 2020, arXiv:2003.02752. One selection for both networks, R(t) = r min(t / T_k, 1) as in Co-teaching (T_k = 10 of 200 epochs);
    both directions of KL reach both networks. One optimizer over both is the same as one each, but for clipping. ``lam`` is .1, the
    released code's default; the authors' notes have .9 for CIFAR-10 (.65 at 80 % noise) and .85 for CIFAR-100, with 200 epochs (setting=paper).
    Prediction: the mean of both. Two forward and two backward passes; knows the noise rate.
    """

    kinds = frozenset({"categorical"})
    networks = 2
    release = "hongxin001/JoCoR@86db359"
    follows: ClassVar[dict[str, str]] = {
        "schedule": "ours, because every epoch counts: R(0) = 0, R full at T_k (released: r / 9 at first, full two epochs earlier)",
        "normalisation": "ours, because no share is lost: it is rounded up (released: down); the mean over kept units",
        "batch_statistics": "as released: training mode, both networks on one batch",
        "predicts": "ours, because a row has one prediction: the mean of both networks (released: each by itself)",
    }
    cites = "Wei et al., 2020, arXiv:2003.02752"
    fidelity = "exact"
    differs = "an optimizer for each network; their momentum and rate follow the trainer's schedule"

    def __init__(self, lam: float = 0.1, ramp: float = 0.05) -> None:
        super().__init__(ramp)
        self.lam = lam

    def objective(self, step: Step) -> Tensor:
        """Mean joint loss of the units that both networks agree on and fit."""
        one, two = step.units(0), step.units(1)
        supervised = self.loss(one.output, one.target) + self.loss(two.output, two.target)
        joint = (1 - self.lam) * supervised + self.lam * functional.symmetric_kl(one.output, two.output)
        return joint[self.select(one, joint, step)].mean()
