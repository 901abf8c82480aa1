"""Batched image augmentation: pure functions of images (B, C, H, W), bytes or numbers in [0, 1], and of one draw per image.

What is drawn is an argument, so a function has no randomness of its own; images keep their type.
"""

from __future__ import annotations

import math
from collections.abc import Callable

import torch
from torch import Tensor
from torch.nn import functional as F  # noqa: N812

GRAY = 128  # what uncovered pixels become: the center of networks' inputs


def crop(x: Tensor, top: Tensor, left: Tensor, padding: int) -> Tensor:
    """Window of the original size from the image padded with zeros; ``top`` and ``left`` (B,) in 0 ... 2 padding, ``padding`` = where it was.

    >>> crop(torch.arange(1, 5).view(1, 1, 2, 2), torch.tensor([2]), torch.tensor([1]), 1).tolist()
    [[[[3, 4], [0, 0]]]]
    """
    height, width = x.shape[2:]
    windows = F.pad(x, (padding,) * 4).unfold(2, height, 1).unfold(3, width, 1)  # a view of every position
    return windows[torch.arange(len(x), device=x.device), :, top, left]


def flip(x: Tensor, chosen: Tensor) -> Tensor:
    """Mirror the chosen (B,) images left to right.

    >>> flip(torch.arange(4).view(2, 1, 1, 2), torch.tensor([True, False])).flatten().tolist()
    [1, 0, 2, 3]
    """
    return torch.where(chosen.view(-1, 1, 1, 1), x.flip(3), x)


def cutout(x: Tensor, row: Tensor, column: Tensor, size: int) -> Tensor:
    """Gray a square of ``size`` pixels around (row, column), (B,) each; what lies outside the image is lost. DeVries and Taylor, 2017, arXiv:1708.04552.

    >>> cutout(torch.zeros(1, 1, 1, 4, dtype=torch.uint8), torch.tensor([0]), torch.tensor([3]), 2).flatten().tolist()
    [0, 0, 128, 128]
    """

    def inside(center: Tensor, length: int) -> Tensor:
        at = torch.arange(length, device=x.device) - center.view(-1, 1)
        return (at >= -(size // 2)) & (at < size - size // 2)

    square = inside(row, x.shape[2])[:, None, :, None] & inside(column, x.shape[3])[:, None, None, :]
    return x.masked_fill(square, GRAY if x.dtype == torch.uint8 else GRAY / 255)


def rand_augment(x: Tensor, operation: Tensor, magnitude: Tensor) -> Tensor:
    """Apply to each image its ``operation`` (B,), a position in ``OPERATIONS``, with a ``magnitude`` (B,) in [-1, 1].

    The fourteen operations of RandAugment (Cubuk et al., 2019, arXiv:1909.13719) at the strengths of AutoAugment for 32 pixels: shear .3, shift 10 of 32
    pixels, rotation 30 degrees, factors 1 +- .9, four bits. Where a sign means nothing, its size counts.
    """
    levels = x.float() if x.dtype == torch.uint8 else x * 255
    out = levels.clone()
    for number, operate in enumerate(OPERATIONS.values()):
        at = (operation == number).nonzero()[:, 0]
        if len(at):
            out[at] = operate(levels[at], magnitude[at])
    return out.round_().to(torch.uint8) if x.dtype == torch.uint8 else out / 255


def _affine(x: Tensor, matrix: Tensor) -> Tensor:
    """Nearest pixel of the position matrix (B, 2, 3) @ (x, y, 1) around the center, in units of half the size; gray outside."""
    grid = F.affine_grid(matrix, list(x.shape), align_corners=False)
    return F.grid_sample(x - GRAY, grid, mode="nearest", align_corners=False) + GRAY


def _moved(name: str) -> Callable[[Tensor, Tensor], Tensor]:
    def operate(x: Tensor, m: Tensor) -> Tensor:
        one, zero = torch.ones_like(m), torch.zeros_like(m)
        cos, sin = torch.cos(m * math.pi / 6), torch.sin(m * math.pi / 6)
        rows = {
            "shear_x": (one, 0.3 * m, zero, zero, one, zero),
            "shear_y": (one, zero, zero, 0.3 * m, one, zero),
            "translate_x": (one, zero, 0.625 * m, zero, one, zero),
            "translate_y": (one, zero, zero, zero, one, 0.625 * m),
            "rotate": (cos, -sin, zero, sin, cos, zero),
        }
        return _affine(x, torch.stack(rows[name], 1).view(-1, 2, 3))

    return operate


def _blend(other: Tensor, x: Tensor, m: Tensor) -> Tensor:
    """other + (1 + .9 m) (x - other): less or more of what ``other`` lacks."""
    return (other + (1 + 0.9 * m).view(-1, 1, 1, 1) * (x - other)).clamp(0, 255)


def _gray(x: Tensor) -> Tensor:
    """Luminance (B, 1, H, W) by ITU-R 601; the mean of the channels where they are not three."""
    weight = x.new_tensor([0.299, 0.587, 0.114]) if x.shape[1] == 3 else x.new_full((x.shape[1],), 1 / x.shape[1])
    return (x * weight.view(1, -1, 1, 1)).sum(1, keepdim=True)


def _contrast(x: Tensor, m: Tensor) -> Tensor:
    return _blend(_gray(x).mean((1, 2, 3), keepdim=True), x, m)


def _sharpness(x: Tensor, m: Tensor) -> Tensor:
    kernel = x.new_tensor([[1, 1, 1], [1, 5, 1], [1, 1, 1]]) / 13
    smooth = x.clone()
    if min(x.shape[2:]) > 2:
        smooth[:, :, 1:-1, 1:-1] = F.conv2d(x, kernel.expand(x.shape[1], 1, 3, 3), groups=x.shape[1])
    return _blend(smooth, x, m)


def _posterize(x: Tensor, m: Tensor) -> Tensor:
    step = 2 ** (4 * m.abs()).round().view(-1, 1, 1, 1)
    return (x / step).floor() * step


def _solarize(x: Tensor, m: Tensor) -> Tensor:
    return torch.where(x >= (256 * (1 - m.abs())).round().view(-1, 1, 1, 1), 255 - x, x)


def _autocontrast(x: Tensor, _: Tensor) -> Tensor:
    low, high = x.amin((2, 3), keepdim=True), x.amax((2, 3), keepdim=True)
    return torch.where(high > low, (x - low) * (255 / (high - low).clamp(min=1e-6)), x)


def _equalize(x: Tensor, _: Tensor) -> Tensor:
    """Levels replaced by their rank, so that each is used as often, per image and channel; integer arithmetic as in Pillow."""
    level = x.round().long().clamp(0, 255).flatten(2)
    count = torch.zeros(*level.shape[:2], 256, dtype=torch.long, device=x.device).scatter_add_(2, level, torch.ones_like(level))
    last = count.gather(2, level.amax(2, keepdim=True))
    step = (count.sum(2, keepdim=True) - last) // 255
    table = ((step // 2 + count.cumsum(2) - count) // step.clamp(min=1)).clamp(0, 255)
    return torch.where(step > 0, table.gather(2, level), level).view(x.shape).to(x.dtype)


OPERATIONS: dict[str, Callable[[Tensor, Tensor], Tensor]] = {
    "identity": lambda x, _: x,
    **{name: _moved(name) for name in ("shear_x", "shear_y", "translate_x", "translate_y", "rotate")},
    "brightness": lambda x, m: _blend(torch.zeros_like(x), x, m),
    "color": lambda x, m: _blend(_gray(x).expand_as(x), x, m),
    "contrast": _contrast,
    "sharpness": _sharpness,
    "posterize": _posterize,
    "solarize": _solarize,
    "autocontrast": _autocontrast,
    "equalize": _equalize,
}
