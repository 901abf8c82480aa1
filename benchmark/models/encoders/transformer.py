"""Any vision model of the ``transformers`` library as a frozen encoder: DINOv2 and others, by name or from a folder."""

from __future__ import annotations

import functools
from collections.abc import Callable, Sequence
from typing import Any

import torch
from torch import Tensor, nn

from benchmark.core.digests import digest
from benchmark.core.errors import ConfigError
from benchmark.core.files import FileName
from benchmark.models.encoder import Encoder
from benchmark.models.encoders.backbone import Scaled, load_backbone, pooled


class Transformer(Encoder):
    """Features of ``models.pretrained.pooled``: the class token, or the mean over positions.

    Args:
        backbone: name of a model on the hub or in its local cache, or a folder.
        size: pixels that images are scaled to (bicubic).
        mean, deviation: of the channels, as the model saw them.
    """

    def __init__(
        self,
        backbone: FileName | None = None,
        size: int = 224,
        mean: Sequence[float] = (0.485, 0.456, 0.406),
        deviation: Sequence[float] = (0.229, 0.224, 0.225),
    ) -> None:
        if backbone is None:
            raise ConfigError("encoder transformer needs a name: give that of a transformers model, or a folder that holds one, in its place")
        self.backbone, self.size, self.mean, self.deviation = backbone, size, mean, deviation

    def identity(self) -> str:
        """Digest of the scaling and of all weights."""
        return digest("transformer", self.size, self.mean, self.deviation, *self._state())

    def weights(self) -> str:
        """Digest of all weights."""
        return digest("transformer", *self._state())

    def _state(self) -> list[Any]:
        state = _model(self.backbone).state_dict()
        return [part for name in sorted(state) for part in (name, state[name])]

    def load(self) -> Callable[[Tensor], Tensor]:
        """Images to (B, D)."""
        model, scale = _model(self.backbone), Scaled(self.size, self.mean, self.deviation)

        @torch.no_grad()
        def encode(images: Tensor) -> Tensor:
            return pooled(model, scale(images))

        return encode


@functools.lru_cache(maxsize=1)
def _model(name: str) -> nn.Module:
    return load_backbone(name, "encoder")
