"""Small-loss selection with one network."""

from __future__ import annotations

from typing import ClassVar

import torch
from torch import Tensor

from benchmark import functional
from benchmark.core.types import Units
from benchmark.methods.base import Fidelity, Method, RunInfo
from benchmark.methods.step import Step


class SmallLoss(Method):
    """Trains on the (1 - R(t)) share of each batch that has the smallest loss, R(t) = r min(t / T_k, 1).

    The selection of Co-teaching (Han et al., 2018, arXiv:1804.06872) without its second network: the control that tells how
    much of that method's gain is the selection. ``ramp`` = T_k / epochs. Tokens and multi-label units are selected inside
    each column and observed class with its own rate (adapted). ``balanced`` keeps equally many units of every observed class (UNICON's rule, Karim et
    al., 2022, arXiv:2203.14542). One forward and one backward pass; knows the noise rate.
    """

    native = frozenset({"multiclass"})
    needs = frozenset({"noise_rate"})
    keeps = "2 N"
    follows: ClassVar[dict[str, str]] = {
        "schedule": "as the paper: R(t) of co-teaching",
        "normalisation": "as the paper: the mean over kept units",
        "batch_statistics": "as the paper: training's passes alone",
        "predicts": "ours, because it is a control: one network",
    }
    family = "sample selection"
    cites = "Han et al., 2018, arXiv:1804.06872"
    fidelity: ClassVar[Fidelity] = "adapted"
    differs = "one network: the control of co-teaching; the kept share is rounded up"

    rate: Tensor
    seen: Tensor
    left_out: Tensor

    def __init__(self, ramp: float = 0.05, balanced: bool = False) -> None:
        super().__init__()
        self.ramp, self.balanced = ramp, balanced

    def setup(self, run: RunInfo) -> None:
        """Rates, and how often each unit was seen and left out."""
        self.epochs, self.per_class = run.epochs, run.problem in ("tagging", "multilabel")
        rate = run.need("noise_rate")
        self.register_buffer("rate", rate if self.per_class else functional.overall_rate(rate, run.observed["train"]))
        self.register_buffer("seen", torch.zeros(run.num_units, device=run.device))
        self.register_buffer("left_out", torch.zeros(run.num_units, device=run.device))

    def select(self, units: Units, loss: Tensor, step: Step) -> Tensor:
        """(U,) bool: the small-loss units of this batch."""
        rate, group = functional.group_rates(self.rate, units.target, units.column, self.per_class)
        forget = rate * functional.forget_schedule(step.epoch, self.epochs, self.ramp)
        if self.balanced and units.output.shape[1] > 1:
            mask = functional.class_balanced(loss, units.target, 1 - float(forget.mean()), units.output.shape[1])
        else:
            mask = functional.small_loss(loss, forget, group)
        if step.repeat == 0:
            self.seen[units.index] += 1
            self.left_out[units.index] += (~mask).to(self.left_out.dtype)
        return mask

    def objective(self, step: Step) -> Tensor:
        """Mean loss of the selected units."""
        units = step.units()
        loss = self.loss(units.output, units.target)
        return loss[self.select(units, loss, step)].mean()

    def suspicion(self) -> Tensor:
        """How often a unit was left out when it was seen."""
        return self.left_out / self.seen.clamp(min=1)
