"""Generalized cross entropy."""

from __future__ import annotations

from torch import Tensor

from benchmark import functional
from benchmark.methods.base import Method


class GCE(Method):
    """(1 - p_y^q) / q: q -> 0 is cross entropy, q = 1 is the mean absolute error / 2.

    Zhang and Sabuncu, 2018, arXiv:1805.07836. output (U, K) logits, target (U,) long -> (U,). One forward and one
    backward pass.
    """

    kinds = frozenset({"categorical"})

    def __init__(self, q: float = 0.7) -> None:
        super().__init__()
        self.q = q

    def loss(self, output: Tensor, target: Tensor) -> Tensor:
        """(1 - p_y^q) / q."""
        return functional.gce(output, target, self.q)
