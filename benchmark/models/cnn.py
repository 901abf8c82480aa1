"""A small convolutional network for small images."""

from __future__ import annotations

from collections.abc import Sequence
from typing import ClassVar

from torch import Tensor, nn

from benchmark.models.base import InputShape, Network


class CNN(Network):
    """Two 3 x 3 convolutions with ReLU, the second with stride 2 (pooling is slow on a CPU), and one hidden layer."""

    inputs: ClassVar[frozenset[str]] = frozenset({"image"})

    def __init__(self, inputs: InputShape, outputs: int, channels: Sequence[int] = (16, 32), hidden: int = 64) -> None:
        super().__init__()
        depth, height, width = inputs.shape
        first, second = channels
        self.body = nn.Sequential(
            nn.Conv2d(depth, first, 3, padding=1),
            nn.ReLU(),
            nn.Conv2d(first, second, 3, stride=2, padding=1),
            nn.ReLU(),
            nn.Flatten(),
            nn.Linear(second * -(-height // 2) * -(-width // 2), hidden),
            nn.ReLU(),
        )
        self.head = nn.Linear(hidden, outputs)

    def encode(self, x: Tensor) -> Tensor:
        """(B, C, H, W) -> (B, hidden)."""
        features: Tensor = self.body(x)
        return features
