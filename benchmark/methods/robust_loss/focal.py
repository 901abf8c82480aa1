"""Focal loss."""

from __future__ import annotations

from typing import ClassVar

from torch import Tensor

from benchmark import functional
from benchmark.methods.base import Method


class Focal(Method):
    """-(1 - p_y)^gamma log p_y, with a gradient through the weight.

    Lin et al., 2017, arXiv:1708.02002, without its class weight alpha. On multi-label units p_y is the sigmoid's probability of the given
    value. One forward and one backward pass.
    """

    kinds = frozenset({"categorical"})
    native = frozenset({"multiclass", "multilabel"})
    follows: ClassVar[dict[str, str]] = {
        "schedule": "as the paper: none of its own",
        "normalisation": "as the paper: the mean over units",
        "batch_statistics": "as the paper: training's passes alone",
        "predicts": "as the paper: the network",
    }
    family = "robust loss"
    cites = "Lin et al., 2017, arXiv:1708.02002"

    def __init__(self, gamma: float = 2.0) -> None:
        super().__init__()
        self.gamma = gamma

    def loss(self, output: Tensor, target: Tensor) -> Tensor:
        """output (U, K), target (U,) -> (U,)."""
        return functional.focal_loss(output, target, self.gamma)
