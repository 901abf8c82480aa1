"""The nine convolutions of the co-teaching experiments."""

from __future__ import annotations

from itertools import pairwise
from typing import ClassVar

from torch import Tensor, nn

from benchmark.core.errors import ConfigError
from benchmark.models.base import InputShape, Network
from benchmark.models.stem import Stem

LEAST = 28  # pixels: a quarter of them is left for three convolutions without padding


class CNN9(Network):
    """Three stages of three 3 x 3 convolutions with batch norm and leaky ReLU (slope .01); the last stage without padding.

    Han et al., 2018, arXiv:1804.06872, table 2: channels 128, 256, then 512, 256, 128; max pooling and dropout of whole maps between the stages,
    the mean over positions at the end. 4.43 million parameters for ten classes.

    Raises:
        ConfigError: images of fewer than 28 pixels.
    """

    inputs: ClassVar[frozenset[str]] = frozenset({"image"})

    def __init__(self, inputs: InputShape, outputs: int, width: int = 128, dropout: float = 0.25) -> None:
        super().__init__()
        if min(inputs.shape[1:]) < LEAST:
            raise ConfigError(f"model cnn9 needs images of at least {LEAST} pixels, these have {inputs.shape[1]} x {inputs.shape[2]}: take model=cnn")
        channels = [inputs.shape[0], *(width * n for n in (1, 1, 1, 2, 2, 2, 4, 2, 1))]
        body: list[nn.Module] = [Stem()]
        for i, (a, b) in enumerate(pairwise(channels)):
            body += [nn.Conv2d(a, b, 3, padding=int(i < 6)), nn.BatchNorm2d(b), nn.LeakyReLU(0.01, inplace=True)]
            body += [nn.MaxPool2d(2), nn.Dropout2d(dropout)] if i in (2, 5) else []
        self.body = nn.Sequential(*body)
        self.head = nn.Linear(width, outputs)

    def encode(self, x: Tensor) -> Tensor:
        """(B, C, H, W) -> (B, width)."""
        features: Tensor = self.body(x)
        return features.mean((2, 3))
