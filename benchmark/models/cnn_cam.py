"""A small convolutional network with a class activation map."""

from __future__ import annotations

from collections.abc import Sequence
from typing import ClassVar

from torch import Tensor, nn

from benchmark.models.base import InputShape, Network


class CNNCAM(Network):
    """3 x 3 convolutions of stride 2 with ReLU. The head is applied at every place of the last map, and the output is its mean over places."""

    inputs: ClassVar[frozenset[str]] = frozenset({"image"})
    places = True

    def __init__(self, inputs: InputShape, outputs: int, channels: Sequence[int] = (16, 32, 64)) -> None:
        super().__init__()
        layers: list[nn.Module] = []
        depth = inputs.shape[0]
        for width in channels:
            layers += [nn.Conv2d(depth, width, 3, stride=2, padding=1), nn.ReLU()]
            depth = width
        self.body = nn.Sequential(*layers)
        self.head = nn.Linear(depth, outputs)

    def encode(self, x: Tensor) -> Tensor:
        """(B, C, H, W) -> (B, places, channels[-1])."""
        features: Tensor = self.body(x).flatten(2).transpose(1, 2)
        return features

    def finish(self, scores: Tensor, x: Tensor) -> Tensor:
        """(B, places, outputs) -> (B, outputs)."""
        return scores.mean(1)
