"""A linear model on flattened inputs: logistic, binary logistic per label, or linear regression."""

from __future__ import annotations

from torch import Tensor, nn

from benchmark.models.base import InputShape, Network


class Linear(Network):
    """head(flatten(x))."""

    def __init__(self, inputs: InputShape, outputs: int) -> None:
        super().__init__()
        size = 1
        for n in inputs.shape:
            size *= n
        self.head = nn.Linear(size, outputs)

    def encode(self, x: Tensor) -> Tensor:
        """(B, ...) -> (B, D), as it is."""
        return x.flatten(1)
