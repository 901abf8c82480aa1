"""General robust loss."""

from __future__ import annotations

from typing import ClassVar

from torch import Tensor

from benchmark.functional.residuals import barron
from benchmark.methods.base import Method


class Barron(Method):
    """|a - 2| / a (((r / c)^2 / |a - 2| + 1)^(a / 2) - 1): squared error (a = 2), Charbonnier (1), Cauchy (0), Geman-McClure (-2) in one family.

    Barron, 2019, arXiv:1701.03077, with a fixed shape ``alpha`` and ``scale`` c in standard deviations of the targets; the paper's adaptive variant, which
    learns both, is not offered. One forward and one backward pass.
    """

    kinds = frozenset({"continuous"})
    native = frozenset({"regression"})
    follows: ClassVar[dict[str, str]] = {
        "schedule": "as the paper: none of its own",
        "normalisation": "ours, because shape and scale are fixed, not learned: the mean over units",
        "batch_statistics": "as the paper: training's passes alone",
        "predicts": "as the paper: the network",
    }
    family = "robust loss"
    cites = "Barron, 2019, arXiv:1701.03077"
    differs = "shape and scale are fixed, not learned"

    def __init__(self, alpha: float = 0.0, scale: float = 0.5) -> None:
        super().__init__()
        self.alpha, self.scale = alpha, scale

    def loss(self, output: Tensor, target: Tensor) -> Tensor:
        """output (U, 1), target (U,) -> (U,)."""
        return barron(output, target, self.alpha, self.scale)
