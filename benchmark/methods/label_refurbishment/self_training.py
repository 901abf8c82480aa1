"""Self-training on a teacher's confident, sharpened predictions."""

from __future__ import annotations

from collections.abc import Sequence
from typing import ClassVar

import torch
from torch import Tensor

from benchmark import functional
from benchmark.core.types import Evaluate, Phase
from benchmark.methods.base import Method, Price, RunInfo
from benchmark.methods.step import Step


class SelfTraining(Method):
    """Learns the given labels until it is stopped early, then its own teacher's soft labels, renewed again and again.

    BOND: Liang et al., 2020, arXiv:2006.15509. Stage one takes a share ``first`` of the epochs. Then the teacher is a copy of the network, renewed
    every ``period`` share of the epochs; targets are p^2 / f, renormalised, f = mass of the class among the teacher's predictions in the
    batch, and only units whose target is above ``threshold`` train. A fixed teacher in evaluation mode is a table of its predictions. One
    forward and one backward pass, and a forward pass over training whenever the teacher is renewed.
    """

    kinds = frozenset({"categorical"})
    native = frozenset({"tagging"})
    warm_up = True
    keeps = "2 N K"
    release = "cliang1453/BOND@32f2698"
    follows: ClassVar[dict[str, str]] = {
        "schedule": "ours, because networks begin from nothing: stages are shares of the epochs (released: of some hundred steps)",
        "normalisation": "as the paper: the mean over confident tokens",
        "batch_statistics": "as released: the teacher in evaluation mode",
        "predicts": "as the paper: the student",
    }
    family = "label refurbishment"
    cites = "Liang et al., 2020, arXiv:2006.15509"
    fidelity = "adapted"
    differs = "stages are shares of the epochs, long ones for networks that begin from nothing; the released code stops at 350 to 900 steps of a language model"

    teacher: Tensor

    def __init__(self, first: float = 0.4, period: float = 0.2, threshold: float = 0.9) -> None:
        super().__init__()
        self.first, self.period, self.threshold = first, period, threshold

    def passes(self, epochs: int) -> Price:
        """One of each, and the teachers' looks."""
        return Price(1 + len(self._renewals(epochs)) / epochs, 1)

    def _renewals(self, epochs: int) -> range:
        """The epochs that begin with a new teacher."""
        return range(max(1, round(self.first * epochs)), epochs, max(1, round(self.period * epochs)))

    def setup(self, run: RunInfo) -> None:
        """Before the first teacher the given labels count."""
        self.renewals = self._renewals(run.epochs)
        self.register_buffer("given", run.observed["train"].value.to(run.device))
        self.register_buffer("teacher", torch.zeros(run.num_units, run.num_classes, device=run.device))

    def phases(self, epoch: int, evaluate: Evaluate) -> Sequence[Phase]:
        """A new teacher where one is due."""
        if epoch in self.renewals:
            self.teacher.copy_(evaluate("train"))
        return (Phase(),)

    def objective(self, step: Step) -> Tensor:
        """Cross entropy with given labels, or with the teacher's confident soft labels."""
        units = step.units()
        if step.epoch < self.renewals.start:
            return self.loss(units.output, units.target).mean()
        soft = functional.squared_targets(self.teacher[units.index])
        sure = (soft.max(1).values > self.threshold).to(units.output.dtype)
        return (sure * functional.soft_cross_entropy(units.output, soft)).sum() / sure.sum().clamp(min=1)

    def suspicion(self) -> Tensor:
        """1 - teacher's probability of the given label."""
        return 1 - self.teacher.gather(1, self.get_buffer("given").clamp(min=0).unsqueeze(1)).squeeze(1)
