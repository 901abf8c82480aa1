"""The learning rate of a pretrained encoder, and the features that a frozen one gives again and again."""

from __future__ import annotations

import math
import weakref
from collections.abc import Callable
from typing import Any

import torch
from torch import Tensor, nn

from benchmark.core.errors import ConfigError

MOST_BYTES = 1 << 30  # of kept features: 700,000 tokens of 384 numbers


def checked_lr_scale(lr_scale: float, frozen: bool) -> float:
    """Return an encoder's learning rate over the trainer's.

    Raises:
        ConfigError: it is no positive number, or the encoder is frozen and has no learning rate.
    """
    if not (lr_scale > 0 and math.isfinite(lr_scale)):
        raise ConfigError(f"model.lr_scale={lr_scale} is outside (0, inf): give the encoder's learning rate as a multiple of the head's")
    if frozen and lr_scale != 1:
        raise ConfigError(f"model.lr_scale={lr_scale} has no effect on a frozen encoder: add model.frozen=false, or leave model.lr_scale out")
    return lr_scale


class FrozenFeatures:
    """Keep the features that an encoder which never changes gives to a sentence, up to a number of bytes.

    A sentence is encoded alone. Its features are then the same bits whatever it is asked beside and
    whoever asks first, so it does not matter to a run what is kept, what was predicted before it, or
    that several networks, methods and seeds of a process share what is kept.

    Args:
        most: bytes of features that are kept; further sentences are encoded whenever they are asked.
    """

    def __init__(self, most: int = MOST_BYTES) -> None:
        self._most = most
        self._kept: dict[tuple[object, ...], Tensor] = {}
        self.bytes = 0

    def __deepcopy__(self, memo: dict[int, Any]) -> FrozenFeatures:
        return self  # copies of a frozen encoder are equal to it

    def __len__(self) -> int:
        return len(self._kept)

    def of(self, pieces: Tensor, encode: Callable[[Tensor], Tensor]) -> Tensor:
        """Return the features (L, D) of a sentence's tokens.

        Args:
            pieces: (L, S) ids of the subwords of each token, -1 = none.
            encode: (1, L, S) -> (1, L, D), called where they are not kept.
        """
        device = pieces.device
        casts = torch.is_autocast_enabled(device.type)
        precision = torch.get_autocast_dtype(device.type) if casts else None
        # Other devices, and other numbers of threads, add up in another order.
        where = (device, precision, torch.get_num_threads())
        key = (pieces.cpu().numpy().tobytes(), tuple(pieces.shape), *where)
        found = self._kept.get(key)
        if found is None:
            found = encode(pieces.unsqueeze(0))[0].detach()
            size = found.numel() * found.element_size()
            if self.bytes + size <= self._most:
                self._kept[key] = found
                self.bytes += size
        return found


_OF_ENCODERS: weakref.WeakKeyDictionary[nn.Module, FrozenFeatures] = weakref.WeakKeyDictionary()


def features_of(encoder: nn.Module) -> FrozenFeatures:
    """Return what is kept of an encoder, for as long as it lives; its copies are to use the same."""
    return _OF_ENCODERS.setdefault(encoder, FrozenFeatures())
