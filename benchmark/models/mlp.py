"""A multilayer perceptron on flattened inputs."""

from __future__ import annotations

from collections.abc import Sequence
from itertools import pairwise

from torch import Tensor, nn

from benchmark.models.base import InputShape, Network


class MLP(Network):
    """Linear layers with ReLU between; ``hidden`` are their widths, the last one is the feature width."""

    def __init__(self, inputs: InputShape, outputs: int, hidden: Sequence[int] = (128, 128), dropout: float = 0.0) -> None:
        super().__init__()
        size = 1
        for n in inputs.shape:
            size *= n
        layers: list[nn.Module] = []
        for a, b in pairwise([size, *hidden]):
            layers += [nn.Linear(a, b), nn.ReLU()] + ([nn.Dropout(dropout)] if dropout else [])
        self.body = nn.Sequential(*layers)
        self.head = nn.Linear(hidden[-1], outputs)

    def encode(self, x: Tensor) -> Tensor:
        """(B, ...) -> (B, hidden[-1])."""
        features: Tensor = self.body(x.flatten(1))
        return features
