"""What a training batch of images looks like to a method: views that are augmented anew in every step.

Draws depend on the training seed, the epoch and the step, and on nothing of the method, so that methods with the same batches see the same images.
Evaluation is never augmented.
"""

from __future__ import annotations

from collections.abc import Collection, Sequence
from dataclasses import dataclass
from typing import Any

import torch
from torch import Tensor

from benchmark.core.seeds import generator
from benchmark.functional import images


@dataclass(frozen=True)
class Augmentation:
    """Makes the views of a batch of images (B, C, H, W), bytes or numbers; the result has the same type.

    Strengths: ``crop_flip`` (a window of the image padded by an eighth of its side, mirrored half of the time), ``cutout`` (the same, and a gray
    square of half the side), ``strong`` (the same, with two of RandAugment's operations at uniform magnitudes before the square).

    Args:
        strength: of the trainer; ``none`` leaves all views equal to the image.
        views: how many.
        strong: views that are ``strong`` wherever the trainer augments at all.
    """

    strength: str
    views: int = 1
    strong: Collection[int] = ()

    def serves(self, x: Tensor) -> bool:
        """Whether these inputs are changed: images, where the trainer asks for it."""
        return self.strength != "none" and x.dim() == 4 and (x.dtype == torch.uint8 or x.is_floating_point())

    def __call__(self, x: Tensor, *axes: Any) -> Sequence[Tensor]:
        """The views of a batch; ``axes`` name the step."""
        return [augment(x, "strong" if view in self.strong else self.strength, generator("augment", *axes, view)) for view in range(self.views)]


def augment(x: Tensor, strength: str, rng: torch.Generator) -> Tensor:
    """One view of images (B, C, H, W). Draws are made on the CPU, where every device gets the same ones; pixels are moved where they are."""
    size, (height, width) = len(x), x.shape[2:]
    padding = max(1, min(height, width) // 8)

    def integers(high: int, *shape: int) -> Tensor:
        return torch.randint(high, (*shape, size), generator=rng).to(x.device)

    top, left = integers(2 * padding + 1, 2)
    out = images.flip(images.crop(x, top, left, padding), integers(2) == 1)
    if strength == "strong":
        operations, magnitude = integers(len(images.OPERATIONS), 2), (2 * torch.rand(2, size, generator=rng) - 1).to(x.device)
        for layer in (0, 1):
            out = images.rand_augment(out, operations[layer], magnitude[layer])
    if strength in ("cutout", "strong"):
        out = images.cutout(out, integers(height), integers(width), min(height, width) // 2)
    return out
