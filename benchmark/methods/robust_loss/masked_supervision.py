"""Masked supervised learning."""

from __future__ import annotations

from typing import ClassVar

import torch
from torch import Tensor
from torch.nn import functional as F  # noqa: N812

from benchmark.methods.base import Price, RunInfo
from benchmark.methods.shared.multilabel import Grid, MultiLabelMethod
from benchmark.methods.step import Step

BANK, STROKES = 64, 4  # masks of a run, strokes of a mask


class MaskedSupervision(MultiLabelMethod):
    """.3 BCE(z, y) + .2 BCE(z_m, y) + .5 MSE(p, p_m): the prediction for an input and for the same input under a mask agree.

    Hassan and Vu, 2022, arXiv:2210.00923. Images are masked by random strokes, drawn once per run as a bank of 64 masks; vectors lose each
    value with chance ``share``. Gradients flow into both branches. Not a method against wrong labels by itself. Two forward and two
    backward passes.
    """

    release = "hasibzunair/msl-recognition@ffcb853"
    follows: ClassVar[dict[str, str]] = {
        "schedule": "as released: none of its own",
        "normalisation": "as released: .3, .2 and .5 of means over entries",
        "batch_statistics": "as released: a pass for each branch, in training mode",
        "predicts": "as released: the network on the whole input",
    }
    family = "robust loss"
    cites = "Hassan and Vu, 2022, arXiv:2210.00923"
    differs = "strokes are our own random walks, not the released mask files; the head is the model's, not class-specific residual attention"

    bank: Tensor

    def __init__(self, share: float = 0.2, weight: float = 0.3, weight_masked: float = 0.2, weight_agreement: float = 0.5) -> None:
        super().__init__()
        self.share, self.weight, self.weight_masked, self.weight_agreement = share, weight, weight_masked, weight_agreement

    def passes(self, epochs: int) -> Price:
        """The input and its masked copy."""
        return Price(2, 2)

    def setup(self, run: RunInfo) -> None:
        """A generator of its own; masks are drawn at the first batch, when the shape of an input is known."""
        self.rng = run.generator("masks")
        self.masks: dict[tuple[int, ...], Tensor] = {}

    def layout_loss(self, grid: Grid, step: Step) -> Tensor:
        """Both branches and their agreement."""
        x = step.inputs()
        shape = tuple(x.shape[1:])
        if shape not in self.masks:
            self.masks[shape] = self._bank(shape).to(x.device)
        drawn = torch.from_numpy(self.rng.integers(0, BANK, len(x))).to(x.device)
        z = step.forward(x=x * self.masks[shape][drawn])
        agreement = (grid.logit.sigmoid() - z.sigmoid()) ** 2
        loss, masked = (F.binary_cross_entropy_with_logits(logit, grid.label, reduction="none") for logit in (grid.logit, z))
        return grid.mean(self.weight * loss + self.weight_masked * masked + self.weight_agreement * agreement)

    def _bank(self, shape: tuple[int, ...]) -> Tensor:
        """(64, ...) masks of 0 and 1 that broadcast over channels."""
        if len(shape) < 3:
            return torch.from_numpy(self.rng.random((BANK, *shape)) >= self.share).float()
        height, width = shape[-2:]
        length = max(1, round(self.share * height * width / STROKES / 2))
        start = self.rng.integers(0, (height, width), (BANK, STROKES, 1, 2))
        path = start + self.rng.integers(-1, 2, (BANK, STROKES, length, 2)).cumsum(2)
        keep = torch.ones(BANK, 1, height, width)
        number = torch.arange(BANK)[:, None, None].expand(BANK, STROKES, length)
        for thick in ((0, 0), (0, 1), (1, 0)):  # strokes are two places wide
            at = torch.from_numpy(path + thick)
            keep[number, 0, at[..., 0].remainder(height), at[..., 1].remainder(width)] = 0
        return keep
