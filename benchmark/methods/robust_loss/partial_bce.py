"""Partial binary cross entropy."""

from __future__ import annotations

from typing import ClassVar, Literal

from torch import Tensor
from torch.nn import functional as F  # noqa: N812

from benchmark import functional
from benchmark.methods.shared.multilabel import Grid, MultiLabelMethod
from benchmark.methods.step import Step


class PartialBCE(MultiLabelMethod):
    """g(r_i) times the mean BCE over the known labels of example i, averaged over examples; r_i is its known share, g(r) = alpha r^gamma + beta.

    Durand, Mehrasa and Mori, 2019, arXiv:1902.09720: g(.1) = 5, g(1) = 1. ``over=all`` divides by the number of all labels, as the
    paper's equation does: g then makes up for the labels that are missing. An example of which nothing is known counts zero. One
    forward and one backward pass.
    """

    follows: ClassVar[dict[str, str]] = {
        "schedule": "as the paper: none of its own",
        "normalisation": "as the paper: by known labels, or over=all",
        "batch_statistics": "as the paper: training's passes alone",
        "predicts": "as the paper: the network",
    }
    family = "robust loss"
    cites = "Durand et al., 2019, arXiv:1902.09720"

    def __init__(self, over: Literal["known", "all"] = "known", gamma: float = 1.0, alpha: float = -4.45, beta: float = 5.45) -> None:
        super().__init__()
        self.over, self.gamma, self.alpha, self.beta = over, gamma, alpha, beta

    def layout_loss(self, grid: Grid, step: Step) -> Tensor:
        """Mean over the examples of the batch."""
        loss = (F.binary_cross_entropy_with_logits(grid.logit, grid.label, reduction="none") * grid.live).sum(1)
        known = grid.live.sum(1)
        share = known / grid.live.shape[1]
        weight = functional.known_share_weight(share, self.gamma, self.alpha, self.beta)
        return (weight * loss / (known.clamp(min=1) if self.over == "known" else grid.live.shape[1])).mean()
