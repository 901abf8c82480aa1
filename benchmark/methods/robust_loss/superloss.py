"""SuperLoss."""

from __future__ import annotations

import math
from typing import ClassVar

import torch
from torch import Tensor

from benchmark.functional.residuals import superloss_weight
from benchmark.methods.base import Method, RunInfo
from benchmark.methods.step import Step


class SuperLoss(Method):
    """(l - tau) sigma + lam log(sigma)^2 at its minimum over sigma: hard units weigh less, easy ones more, sigma = exp(-W(max(-2 / e, (l - tau) / lam) / 2)).

    Castells, Weinzaepfel and Revaud, NeurIPS 2020. There is no official code. tau is log K for classes and a moving average (.9) of the mean loss for
    numbers; sigma carries no gradient, so it is the weight of l. Lambert's W is kept off its branch point, where it is no number.
    One forward and one backward pass.
    """

    native = frozenset({"multiclass", "regression"})
    follows: ClassVar[dict[str, str]] = {
        "schedule": "as the paper: tau is log K, or a moving average",
        "normalisation": "as the paper: the mean over units",
        "batch_statistics": "as the paper: training's passes alone",
        "predicts": "as the paper: the network",
    }
    family = "robust loss"
    cites = "Castells, Weinzaepfel and Revaud, 2020, NeurIPS"

    tau: Tensor

    def __init__(self, lam: float = 0.25, momentum: float = 0.9) -> None:
        super().__init__()
        self.lam, self.momentum = lam, momentum

    def setup(self, run: RunInfo) -> None:
        """tau of classes; that of numbers is unknown until the first batch."""
        self.register_buffer("tau", torch.tensor(math.log(run.num_classes) if run.kind == "categorical" else float("nan"), device=run.device))

    def objective(self, step: Step) -> Tensor:
        """Mean SuperLoss."""
        units = step.units()
        loss = self.loss(units.output, units.target)
        if units.target.is_floating_point() and step.repeat == 0:
            mean = loss.detach().mean()
            self.tau = mean if self.tau.isnan() else self.momentum * self.tau + (1 - self.momentum) * mean
        sigma = superloss_weight(loss, float(self.tau), self.lam)
        return ((loss - self.tau) * sigma + self.lam * sigma.log().square()).mean()
