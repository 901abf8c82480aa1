"""Assume that what is not observed as positive is negative: AN, WAN and LSAN."""

from __future__ import annotations

from typing import ClassVar, Literal

from torch import Tensor

from benchmark import functional
from benchmark.methods.shared.multilabel import Grid, MultiLabelMethod
from benchmark.methods.step import Step


class AssumeNegative(MultiLabelMethod):
    """Mean over entries of w [(1 - c) l(p, o) + c l(p, 1 - o)], l(p, 1) = -log(p + 1e-5), l(p, 0) = l(1 - p, 1).

    Cole et al., 2021, arXiv:2106.09708. AN: ``weak`` 0, c = 0 (erm up to the 1e-5). WAN: negatives weigh w = 1 / (C - 1). LSAN: ``swap``
    c = .1 of the mass changes sides, twice what label smoothing with eps = .1 moves. One forward and one backward pass.
    """

    plugin_name: ClassVar[str] = "assume_negative"  # several yamls are presets of it

    release = "elijahcole/single-positive-multi-label@89152d5"
    follows: ClassVar[dict[str, str]] = {
        "schedule": "as released: none of its own",
        "normalisation": "as released: the mean over entries, 1e-5 in the logarithm",
        "batch_statistics": "as released: training's passes alone",
        "predicts": "as released: the network",
    }
    family = "baseline"
    cites = "Cole et al., 2021, arXiv:2106.09708"

    def __init__(self, weight: Literal["equal", "weak"] = "equal", swap: float = 0.0) -> None:
        super().__init__()
        self.weight, self.swap = weight, swap

    def layout_loss(self, grid: Grid, step: Step) -> Tensor:
        """Mean over the live entries."""
        target = grid.label * (1 - self.swap) + (1 - grid.label) * self.swap
        loss = functional.soft_binary(grid.logit.sigmoid(), target)
        if self.weight == "weak":
            loss = loss * (grid.label + (1 - grid.label) / max(grid.label.shape[1] - 1, 1))
        return grid.mean(loss)
