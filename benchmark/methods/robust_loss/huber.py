"""Huber loss."""

from __future__ import annotations

from typing import ClassVar

from torch import Tensor

from benchmark import functional
from benchmark.methods.base import Method


class Huber(Method):
    """Squared error up to ``delta``, absolute error beyond; targets are standardised, so delta is in standard deviations.

    Huber, 1964, Annals of Mathematical Statistics 35(1): 1.345 sd of right residuals, which a network makes far smaller than the sd of the targets. The
    default was chosen on the development task diamonds: .2 costs nothing there on right targets, and 1 is nearly squared error. One forward and
    one backward pass.
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
    cites = "Huber, 1964, Annals of Mathematical Statistics 35(1)"
    developed_on: ClassVar[tuple[str, ...]] = ("diamonds",)

    def __init__(self, delta: float = 0.2) -> None:
        super().__init__()
        self.delta = delta

    def loss(self, output: Tensor, target: Tensor) -> Tensor:
        """output (U, 1), target (U,) -> (U,)."""
        return functional.huber(output, target, self.delta)
