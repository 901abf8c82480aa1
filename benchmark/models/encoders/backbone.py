"""Pretrained backbones for images: loading, scaling, pooling."""

from __future__ import annotations

from collections.abc import Sequence
from typing import Any

import torch
from torch import Tensor, nn
from torch.nn import functional as F  # noqa: N812

from benchmark.core.errors import ConfigError


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

    def __init__(self, size: int, mean: Sequence[float], deviation: Sequence[float]) -> None:
        super().__init__()
        self.size = size
        self.register_buffer("mean", torch.tensor(mean).view(1, 3, 1, 1), persistent=False)
        self.register_buffer("deviation", torch.tensor(deviation).view(1, 3, 1, 1), persistent=False)

    def forward(self, x: Tensor) -> Tensor:
        """(B, C, H, W) in [0, 1] -> (B, 3, size, size); C is 1 or 3."""
        x = F.interpolate(x, (self.size, self.size), mode="bicubic", align_corners=False, antialias=True).clamp(0, 1)
        return (x.expand(-1, 3, -1, -1) - self.mean) / self.deviation
