"""Image files of any size and format as bytes of one size."""

from __future__ import annotations

import io
import struct
import zlib
from collections.abc import Iterable, Sequence
from pathlib import Path

import numpy as np
import torch
from PIL import Image
from torch import Tensor

from benchmark.core.errors import ConfigError, DataError
from benchmark.core.files import opened

SUFFIXES = frozenset({".png", ".jpg", ".jpeg", ".bmp", ".gif", ".tif", ".tiff", ".webp"})
UNREADABLE = (  # what Pillow's many decoders raise
    OSError, SyntaxError, ValueError, TypeError, KeyError, IndexError, AttributeError, ArithmeticError, EOFError, RuntimeError, MemoryError,
    struct.error, zlib.error, Image.DecompressionBombError,
)  # fmt: skip
LARGEST = 1 << 27  # pixels of one image
JPEG = b"\xff\xd8\xff"


def decode(files: Sequence[Path], size: int, channels: int) -> Tensor:
    """(E, channels, size, size) uint8. Images are stretched to a square (bilinear); one channel is luminance, transparency is
    dropped, gray levels of 16 bits are scaled to their largest one.

    Raises:
        ConfigError: a size or number of channels that cannot be. DataError: a file that is missing or no image.
    """
    if size < 4 or channels not in (1, 3):
        raise ConfigError(f"task.size={size} and task.channels={channels} cannot be: give a size of at least 4 and 1 or 3 channels")
    out = np.empty((len(files), channels, size, size), dtype=np.uint8)
    for row, file in enumerate(files):
        image = _opened(file, str(file), channels).resize((size, size), Image.Resampling.BILINEAR)
        out[row] = np.asarray(image).reshape(size, size, channels).transpose(2, 0, 1)
    return torch.from_numpy(out)


def pixels(encoded: Iterable[bytes | None], count: int, shape: tuple[int, int, int], where: str) -> np.ndarray:
    """(count, C, H, W) uint8 from ``count`` encoded images of that very size, such as the cells of a table called ``where``.

    Raises:
        DataError: one of them is no image, of another size, or JPEG, which alters pixels: published scores do not hold for such copies.
    """
    channels, height, width = shape
    out = np.empty((count, *shape), dtype=np.uint8)
    for row, content in enumerate(encoded):
        if not content:
            raise DataError(f"{where} image {row} is empty: take the data set with its images inside")
        if content.startswith(JPEG):
            raise DataError(f"{where} image {row} is a JPEG copy, which alters pixels: take the lossless data set")
        image = _opened(io.BytesIO(content), f"{where} image {row}", channels)
        if image.size != (width, height):
            raise DataError(f"{where} image {row} has {image.size[0]} x {image.size[1]} pixels, expected {width} x {height}: take the original data set")
        out[row] = np.asarray(image).reshape(height, width, channels).transpose(2, 0, 1)
    return out


def _eight_bits(image: Image.Image) -> Image.Image:
    """Gray levels of more than 8 bits (radiographs have 10 to 16) as bytes, the largest one as 255; they would be cut at 255 otherwise."""
    level = np.asarray(image).astype(np.float64)
    return Image.fromarray(np.clip(level / max(level.max(), 1) * 255, 0, 255).round().astype(np.uint8))


def _opened(file: Path | io.BytesIO, name: str, channels: int) -> Image.Image:
    try:
        with opened(file) if isinstance(file, Path) else file as stream, Image.open(stream) as image:
            if image.width * image.height > LARGEST:
                raise DataError(f"{name} has {image.width} x {image.height} pixels, more than {LARGEST}: make it smaller")
            return (_eight_bits(image) if image.mode[:1] in "IF" else image).convert("L" if channels == 1 else "RGB")
    except FileNotFoundError as error:
        raise DataError(f"{name} is missing: correct the table, or add the image") from error
    except UNREADABLE as error:
        reason = str(error).splitlines()[0] if str(error) else type(error).__name__
        raise DataError(f"{name} cannot be decoded as an image ({reason}): repair or remove it") from error
