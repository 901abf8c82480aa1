"""Image files of any size and format as bytes of one size."""

from __future__ import annotations

from collections.abc import Sequence
from pathlib import Path

import numpy as np
import torch
from PIL import Image
from torch import Tensor

from benchmark.errors import ConfigError, DataError

SUFFIXES = frozenset({".png", ".jpg", ".jpeg", ".bmp", ".gif", ".tif", ".tiff", ".webp"})


def decode(files: Sequence[Path], size: int, channels: int) -> Tensor:
    """(E, channels, size, size) uint8. Images are stretched to a square (bilinear); one channel is luminance, transparency is dropped.

    Raises:
        ConfigError: a size or number of channels that cannot be. DataError: a file that is missing or no image.
    """
    if size < 4 or channels not in (1, 3):
        raise ConfigError(f"task.size={size} and task.channels={channels} cannot be: give a size of at least 4 and 1 or 3 channels")
    out = np.empty((len(files), size, size, channels), dtype=np.uint8)
    for row, file in enumerate(files):
        try:
            with Image.open(file) as image:
                small = image.convert("L" if channels == 1 else "RGB").resize((size, size), Image.Resampling.BILINEAR)
        except FileNotFoundError as error:
            raise DataError(f"{file} is missing: correct the table, or add the image") from error
        except (OSError, SyntaxError, ValueError, Image.DecompressionBombError) as error:
            reason = str(error).splitlines()[0] if str(error) else type(error).__name__
            raise DataError(f"{file} cannot be decoded as an image ({reason}): repair or remove it") from error
        out[row] = np.asarray(small).reshape(size, size, channels)
    return torch.from_numpy(out).permute(0, 3, 1, 2).contiguous()
