"""Any vision backbone of the ``transformers`` library, by name or from a folder."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from typing import Any, ClassVar

import torch
from torch import Tensor, nn

from benchmark.core.errors import ConfigError
from benchmark.core.files import FileName
from benchmark.models.base import InputShape, Network
from benchmark.models.encoder import Encoder
from benchmark.models.encoders.backbone import Scaled, load_backbone, pooled
from benchmark.models.fine_tuning import checked_lr_scale


class Pretrained(Network):
    """A pretrained backbone with a new linear head. Its scores are no scores of networks that saw this data alone: compare its cells with each other.

    ``frozen``: the backbone gets no gradient and stays in evaluation mode. Then every epoch computes the same features again: computing them once
    (``make features``, ``task.features=``) with ``model=linear`` is the same model for a fraction of the time, unless images are augmented.

    Args:
        backbone: name of a ``transformers`` model, or a folder that holds one.
        size: pixels that images are scaled to.
        lr_scale: learning rate of the backbone over that of the head.

    Raises:
        ConfigError: no name, the library is missing, the model cannot be loaded, or ``lr_scale`` is out of range.
    """

    pretrained: ClassVar[bool] = True
    inputs: ClassVar[frozenset[str]] = frozenset({"image"})
    files: ClassVar[tuple[str, ...]] = ("backbone",)  # where it is a folder

    def __init__(
        self,
        inputs: InputShape,
        outputs: int,
        backbone: FileName | None = None,
        frozen: bool = True,
        size: int = 224,
        mean: Sequence[float] = (0.485, 0.456, 0.406),
        deviation: Sequence[float] = (0.229, 0.224, 0.225),
        lr_scale: float = 1.0,
    ) -> None:
        super().__init__()
        self.lr_scale = checked_lr_scale(lr_scale, frozen)
        if backbone is None:
            raise ConfigError("model.backbone is missing: give a transformers model such as facebook/dinov2-small, or a folder")
        self.scale, self.frozen = Scaled(size, mean, deviation), frozen
        self.backbone = load_backbone(backbone, "model.backbone")
        self.backbone.requires_grad_(not frozen)
        with torch.no_grad():
            width = pooled(self.backbone, self.scale(torch.zeros(1, *inputs.shape))).shape[1]
        self.head = nn.Linear(width, outputs)

    @classmethod
    def begins_as(cls, config: Mapping[str, Any]) -> Encoder | None:
        """Its backbone."""
        from benchmark.models.encoders.transformer import Transformer  # which reads backbones with this module

        return Transformer(**{key: config[key] for key in ("backbone", "size", "mean", "deviation")})

    def train(self, mode: bool = True) -> Pretrained:
        """A frozen backbone stays in evaluation mode."""
        super().train(mode)
        if self.frozen:
            self.backbone.eval()
        return self

    def encode(self, x: Tensor) -> Tensor:
        """(B, C, H, W) -> (B, D)."""
        with torch.set_grad_enabled(torch.is_grad_enabled() and not self.frozen):
            return pooled(self.backbone, self.scale(x))
