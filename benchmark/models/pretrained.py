"""Any vision backbone of the ``transformers`` library, by name or from a folder."""

from __future__ import annotations

from collections.abc import Mapping
from typing import Any, ClassVar

import torch
from torch import Tensor, nn
from torch.nn import functional as F  # noqa: N812

from benchmark.encoders.base import Encoder
from benchmark.errors import ConfigError
from benchmark.files import FileName
from benchmark.models.base import InputShape, Network


def load_backbone(name: str, where: str) -> nn.Module:
    """A model of ``transformers`` in evaluation mode, of one of images and texts the side that sees. Weights are read from safetensors or with
    ``weights_only``, and become float32 whatever the file holds: lower precision is the trainer's to ask for.

    Args:
        name: of a model on the hub or in its local cache, or a folder.
        where: the setting that names it, for messages.

    Raises:
        ConfigError: the library is not installed, or there is no such model here.
    """
    try:
        from transformers import AutoModel
    except ImportError as error:
        raise ConfigError(f"{where}={name!r} needs the transformers library: run 'make setup-encoders', or pip install transformers") from error
    try:
        model: Any = AutoModel.from_pretrained(name, trust_remote_code=False)
    except (OSError, ValueError) as error:
        reason = str(error).strip().splitlines()[0]
        raise ConfigError(f"{where}={name!r} cannot be loaded ({reason}): give a folder with the model, or a name where the hub can be reached") from error
    made: nn.Module = getattr(model, "vision_model", model)
    return made.float().eval()


def pooled(model: nn.Module, x: Tensor) -> Tensor:
    """(B, D): the class token where the model has one, else the mean over positions of its last tokens (B, L, D) or map (B, D, h, w).

    Raises:
        ConfigError: the model takes no images, or none of this size.
    """
    try:
        last: Tensor = model(pixel_values=x).last_hidden_state
    except (TypeError, ValueError, AttributeError) as error:
        name, reason, size = type(model).__name__, str(error).strip().splitlines()[0], " x ".join(map(str, x.shape[2:]))
        raise ConfigError(f"{name} takes no images of {size} pixels ({reason}): give a vision model and the size that it was made for") from error
    if last.dim() == 4:
        return last.mean((2, 3))
    has_token = any(name.endswith(("cls_token", "class_embedding")) for name, _ in model.named_parameters())
    return last[:, 0] if has_token else last.mean(1)


class Scaled(nn.Module):
    """Images in [0, 1] as a pretrained network saw them: 3 channels, ``size`` pixels, minus ``mean`` over ``deviation``."""

    mean: Tensor
    deviation: Tensor

    def __init__(self, size: int, mean: list[float], deviation: list[float]) -> None:
        super().__init__()
        self.size = size
        self.register_buffer("mean", torch.tensor(mean).view(1, 3, 1, 1), persistent=False)
        self.register_buffer("deviation", torch.tensor(deviation).view(1, 3, 1, 1), persistent=False)

    def forward(self, x: Tensor) -> Tensor:
        """(B, C, H, W) in [0, 1] -> (B, 3, size, size); C is 1 or 3."""
        x = F.interpolate(x, (self.size, self.size), mode="bicubic", align_corners=False, antialias=True).clamp(0, 1)
        return (x.expand(-1, 3, -1, -1) - self.mean) / self.deviation


class Pretrained(Network):
    """A pretrained backbone with a new linear head. Its scores are no scores of networks that saw this data alone: compare its cells with each other.

    ``frozen``: the backbone gets no gradient and stays in evaluation mode. Then every epoch computes the same features again: computing them once
    (``make features``, ``task.features=``) with ``model=linear`` is the same model for a fraction of the time, unless images are augmented.

    Args:
        backbone: name of a ``transformers`` model, or a folder that holds one.
        size: pixels that images are scaled to.

    Raises:
        ConfigError: no name, the library is missing, or the model cannot be loaded.
    """

    pretrained: ClassVar[bool] = True
    inputs: ClassVar[frozenset[str]] = frozenset({"image"})
    files: ClassVar[tuple[str, ...]] = ("backbone",)  # where it is a folder

    def __init__(self, inputs: InputShape, outputs: int, backbone: FileName | None, frozen: bool, size: int, mean: list[float], deviation: list[float]) -> None:
        super().__init__()
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
        from benchmark.encoders.transformer import Transformer  # which reads backbones with this module

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
