"""Log-cosh loss."""

from __future__ import annotations

from typing import ClassVar

from torch import Tensor

from benchmark.functional.residuals import log_cosh
from benchmark.methods.base import Method


class LogCosh(Method):
    """delta^2 log cosh(r / delta): a smooth Huber loss; targets are standardized, so delta is in standard deviations.

    Green, 1990, IEEE Transactions on Medical Imaging 9(1). The default was chosen on the development task diamonds, as huber's. One forward and one
    backward pass.
    """

    kinds = frozenset({"continuous"})
    native = frozenset({"regression"})
    follows: ClassVar[dict[str, str]] = {
        "schedule": "as the paper: none of its own",
        "normalisation": "as the paper: the mean over units",
        "batch_statistics": "as the paper: training's passes alone",
        "predicts": "as the paper: the network",
    }
    family = "robust loss"
    cites = "Green, 1990, IEEE Transactions on Medical Imaging 9(1)"
    developed_on: ClassVar[tuple[str, ...]] = ("diamonds",)

    def __init__(self, delta: float = 0.2) -> None:
        super().__init__()
        self.delta = delta

    def loss(self, output: Tensor, target: Tensor) -> Tensor:
        """output (U, 1), target (U,) -> (U,)."""
        return log_cosh(output, target, self.delta)
