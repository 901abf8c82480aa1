"""A network is an encoder and a linear head; structured models add a last step on the head's scores."""

from __future__ import annotations

from collections.abc import Mapping
from contextlib import AbstractContextManager, nullcontext
from dataclasses import dataclass
from typing import Any, ClassVar

import torch
from torch import Tensor, nn

from benchmark.models.encoder import Encoder


@dataclass(frozen=True)
class InputShape:
    """What a model must know of a task's inputs: the shape of one example, its type, and the sizes of id vocabularies."""

    shape: tuple[int, ...]
    dtype: torch.dtype
    vocabulary: tuple[int, ...] = ()  # one size per embedded id column of token inputs
    surfaces: tuple[str, ...] = ()  # tokens as they are written, if a further last column has their places here


class Network(nn.Module):
    """Base of the backbones. ``encode`` gives features (B, ..., D), ``head`` is linear.

    With ``places`` features are those of every place of an image, (B, P, D), and ``finish`` takes the mean of the head's scores over places.
    """

    version: ClassVar[int] = 1  # raised when the network's numbers change on purpose
    places: ClassVar[bool] = False
    pretrained: ClassVar[bool] = False  # begins as an encoder that other data trained: a tier of its own on the board
    inputs: ClassVar[frozenset[str]] = frozenset({"vector", "image"})  # kinds of inputs that it reads
    files: ClassVar[tuple[str, ...]] = ()  # options that name a file or folder which it reads
    head: nn.Module
    precision: torch.dtype | None = None  # of the encoder's passes where it is lower than that of the weights

    @classmethod
    def begins_as(cls, config: Mapping[str, Any]) -> Encoder | None:
        """The pretrained encoder that a network of this configuration begins as; None: it begins from random weights."""
        return None

    def casting(self, device: torch.device) -> AbstractContextManager[object]:
        """Autocast for ``encode``, the bulk of the work; the head, losses and memories stay in float32."""
        return nullcontext() if self.precision is None else torch.autocast(device.type, self.precision)

    @property
    def feature_width(self) -> int:
        """D, the size of a feature vector: what the linear head takes in."""
        return next(layer.in_features for layer in self.head.modules() if isinstance(layer, nn.Linear))

    def encode(self, x: Tensor) -> Tensor:
        """Inputs (B, ...) -> features (B, ..., D)."""
        raise NotImplementedError

    def finish(self, scores: Tensor, x: Tensor) -> Tensor:
        """Head scores -> output; a CRF turns emissions into log-marginals here."""
        return scores

    def forward(self, x: Tensor) -> Tensor:
        """finish(head(encode(x)))."""
        return self.finish(self.head(self.encode(x)), x)
