"""Three convolutions on 16 pixels: the network that memorizes wrong labels within a CPU minute."""

from __future__ import annotations

from collections.abc import Sequence
from itertools import pairwise
from typing import ClassVar

from torch import Tensor, nn

from benchmark.models.base import InputShape, Network
from benchmark.models.stem import Stem


class CNN3(Network):
    """Three 3 x 3 convolutions of stride 2 with ReLU, and one hidden layer on all their outputs.

    Neither batch norm nor dropout nor pooling at the end: the hidden layer sees every position, which is what fits 10,000 wrong labels in
    few epochs. Images of twice ``size`` pixels and more are shrunk first.
    """

    inputs: ClassVar[frozenset[str]] = frozenset({"image"})

    def __init__(self, inputs: InputShape, outputs: int, channels: Sequence[int] = (32, 64, 128), hidden: int = 256, size: int = 16) -> None:
        super().__init__()
        depth, height, width = inputs.shape
        factor = max(1, min(height, width) // size)
        layers: list[nn.Module] = []
        for a, b in pairwise([depth, *channels]):
            layers += [nn.Conv2d(a, b, 3, stride=2, padding=1), nn.ReLU()]
        left = [-(-(side // factor) // 2 ** len(channels)) for side in (height, width)]
        self.stem = Stem(size)
        self.body = nn.Sequential(*layers, nn.Flatten(), nn.Linear(channels[-1] * left[0] * left[1], hidden), nn.ReLU())
        self.head = nn.Linear(hidden, outputs)

    def encode(self, x: Tensor) -> Tensor:
        """(B, C, H, W) -> (B, hidden)."""
        features: Tensor = self.body(self.stem(x))
        return features
