"""Operations on images against independent formulas and Pillow."""

from __future__ import annotations

from typing import Any

import numpy as np
import pytest
import torch
from PIL import Image, ImageEnhance, ImageOps
from support.pictures import pictures

from benchmark.functional import images

OPERATIONS = list(images.OPERATIONS)


def test_crop_is_a_window_of_the_padded_image() -> None:
    x, rng = pictures(), np.random.default_rng(1)
    top, left = rng.integers(0, 5, 6), rng.integers(0, 5, 6)
    padded = np.pad(x.numpy(), ((0, 0), (0, 0), (2, 2), (2, 2)))
    expected = np.stack([image[:, t : t + 16, m : m + 16] for image, t, m in zip(padded, top, left, strict=True)])
    found = images.crop(x, torch.from_numpy(top), torch.from_numpy(left), 2)
    assert found.dtype == torch.uint8
    assert np.array_equal(found.numpy(), expected)
    assert torch.equal(images.crop(x, torch.full((6,), 2), torch.full((6,), 2), 2), x)


@pytest.mark.parametrize("size", [3, 8])
def test_cutout_grays_the_square_and_nothing_else(size: int) -> None:
    x = pictures(3)
    row, column = torch.tensor([0, 7, 15]), torch.tensor([8, 15, 3])
    found = images.cutout(x, row, column, size)
    for before, after, r, c in zip(x.numpy(), found.numpy(), row.tolist(), column.tolist(), strict=True):
        expected = before.copy()
        expected[:, max(0, r - size // 2) : r + size - size // 2, max(0, c - size // 2) : c + size - size // 2] = images.GRAY
        assert np.array_equal(after, expected)


def applied(name: str, x: torch.Tensor, magnitude: float) -> np.ndarray:
    found = images.rand_augment(x, torch.full((len(x),), OPERATIONS.index(name)), torch.full((len(x),), magnitude))
    assert found.dtype == x.dtype
    return found.numpy().transpose(0, 2, 3, 1)


PILLOW: dict[str, Any] = {
    "brightness": lambda image, m: ImageEnhance.Brightness(image).enhance(1 + 0.9 * m),
    "color": lambda image, m: ImageEnhance.Color(image).enhance(1 + 0.9 * m),
    "contrast": lambda image, m: ImageEnhance.Contrast(image).enhance(1 + 0.9 * m),
    "sharpness": lambda image, m: ImageEnhance.Sharpness(image).enhance(1 + 0.9 * m),
    "posterize": lambda image, m: ImageOps.posterize(image, 8 - round(4 * abs(m))),
    "solarize": lambda image, m: ImageOps.solarize(image, round(256 * (1 - abs(m)))),
    "autocontrast": lambda image, m: ImageOps.autocontrast(image),
    "equalize": lambda image, m: ImageOps.equalize(image),
    "rotate": lambda image, m: image.rotate(30 * m, fillcolor=(images.GRAY,) * 3),
    "translate_x": lambda image, m: image.transform(image.size, Image.Transform.AFFINE, (1, 0, 5 * m, 0, 1, 0), fillcolor=(images.GRAY,) * 3),
    "translate_y": lambda image, m: image.transform(image.size, Image.Transform.AFFINE, (1, 0, 0, 0, 1, 5 * m), fillcolor=(images.GRAY,) * 3),
    "identity": lambda image, m: image,
}


@pytest.mark.parametrize("name", PILLOW)
@pytest.mark.parametrize("magnitude", [-0.6, 0.25, 1.0])
def test_operations_are_those_of_pillow(name: str, magnitude: float) -> None:
    """Up to a level, where Pillow cuts to whole numbers on the way, and for turned images but for a pixel in ten that lies on an edge."""
    x = pictures()
    found = applied(name, x, magnitude).astype(int)
    expected = np.stack([np.asarray(PILLOW[name](Image.fromarray(image), magnitude)) for image in x.numpy().transpose(0, 2, 3, 1)]).astype(int)
    if name in ("rotate", "translate_x", "translate_y"):
        assert (found == expected).mean() > 0.9
    else:
        assert np.abs(found - expected).max() <= 2


def test_every_operation_but_the_identity_changes_the_image_and_keeps_its_range() -> None:
    x = pictures()
    for name in OPERATIONS:
        found = applied(name, x, 0.8)
        assert (name == "identity") == np.array_equal(found, x.numpy().transpose(0, 2, 3, 1))
        as_numbers = applied(name, x.float() / 255, 0.8)
        assert np.abs(as_numbers * 255 - found).max() <= 1
    assert len(OPERATIONS) == 14


def test_shear_moves_rows_by_their_distance_from_the_center() -> None:
    x = torch.zeros(1, 1, 16, 16, dtype=torch.uint8)
    x[:, :, :, 8] = 255
    found = applied("shear_x", x, 1.0)[0, :, :, 0]
    columns = [int(row.argmax()) for row in found]
    expected = [8 - 0.3 * (row - 7.5) for row in range(16)]
    assert np.abs(np.array(columns) - expected).max() <= 1
