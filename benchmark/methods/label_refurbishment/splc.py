"""SPLC: negatives that look positive are taken for positives."""

from __future__ import annotations

from typing import ClassVar

from torch import Tensor

from benchmark import functional
from benchmark.methods.base import Reduction
from benchmark.methods.shared.multilabel import Grid, MultiLabelMethod
from benchmark.methods.step import Step


class SPLC(MultiLabelMethod):
    """Focal loss with positives at z - margin; after the first epoch, negatives with p > tau are trained as positives.

    Zhang et al., 2021, arXiv:2112.07368 (self-paced loss correction). The reduction is the sum, as released. One forward and one
    backward pass.
    """

    release = "xinyu1205/robust-loss-mlml@dcfa4d5"
    follows: ClassVar[dict[str, str]] = {
        "schedule": "as released: corrected from the second epoch on",
        "normalisation": "as released: the sum over batch and labels",
        "batch_statistics": "as released: training's passes alone",
        "predicts": "ours, because weights are not averaged: the network (released: the better on test of it and its average)",
    }
    family = "label refurbishment"
    cites = "Zhang et al., 2021, arXiv:2112.07368"
    differs = "the network predicts (released: the better on test of it and the average of its weights)"
    reduction: ClassVar[Reduction] = "sum"
    version: ClassVar[int] = 2  # weight decay of SGD and Adam is that of a sum

    def __init__(self, tau: float = 0.6, margin: float = 1.0, gamma: float = 2.0) -> None:
        super().__init__()
        self.tau, self.margin, self.gamma = tau, margin, gamma

    def layout_loss(self, grid: Grid, step: Step) -> Tensor:
        """Sum over the live entries."""
        threshold = self.tau if step.epoch >= 1 else 1.0  # no probability is above one
        return grid.total(functional.splc_loss(grid.logit, grid.label, threshold, self.margin, self.gamma))
