"""Hill loss: negatives that look positive are weighed down."""

from __future__ import annotations

from typing import ClassVar

from torch import Tensor

from benchmark import functional
from benchmark.methods.base import Reduction
from benchmark.methods.shared.multilabel import Grid, MultiLabelMethod
from benchmark.methods.step import Step


class Hill(MultiLabelMethod):
    """Sum of (lam - p) p^2 over negatives, whose gradient fades where p is large, and of -(1 - p_m)^gamma log p_m, p_m = sigmoid(z - margin), over positives.

    Zhang et al., 2021, arXiv:2112.07368. The reduction is the sum, as released. One forward and one backward pass.
    """

    release = "xinyu1205/robust-loss-mlml@dcfa4d5"
    follows: ClassVar[dict[str, str]] = {
        "schedule": "as released: none of its own",
        "normalisation": "as released: the sum over batch and labels",
        "batch_statistics": "as released: training's passes alone",
        "predicts": "ours, because weights are not averaged: the network (released: the better on test of it and its average)",
    }
    family = "robust loss"
    cites = "Zhang et al., 2021, arXiv:2112.07368"
    differs = "the network predicts (released: the better on test of it and the average of its weights)"
    reduction: ClassVar[Reduction] = "sum"
    version: ClassVar[int] = 2  # weight decay of SGD and Adam is that of a sum

    def __init__(self, lam: float = 1.5, margin: float = 1.0, gamma: float = 2.0) -> None:
        super().__init__()
        self.lam, self.margin, self.gamma = lam, margin, gamma

    def layout_loss(self, grid: Grid, step: Step) -> Tensor:
        """Sum over the live entries."""
        return grid.total(functional.hill_loss(grid.logit, grid.label, self.lam, self.margin, self.gamma))
