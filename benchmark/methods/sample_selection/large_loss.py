"""Large loss matters: reject or correct the unobserved labels that the network contradicts."""

from __future__ import annotations

import math
from typing import ClassVar, Literal

import torch
from torch import Tensor, nn
from torch.nn import functional as F  # noqa: N812

from benchmark.methods.base import RunInfo
from benchmark.methods.shared.multilabel import Grid, MultiLabelMethod
from benchmark.methods.step import Step

Scheme = Literal["reject", "temporary", "permanent"]


class LargeLoss(MultiLabelMethod):
    """Mean BCE over entries, in which the unobserved entries of largest loss of a batch count nothing (reject) or as positives (temporary, permanent).

    Kim et al., 2022, arXiv:2206.03740. Negatives are assumed. The first epoch is plain; from the second on, entries without a positive label whose
    loss is at least the k-th largest of them are touched. reject and temporary: k = ceil(live entries x delta (epoch - 1)); permanent:
    k = ceil(live entries x delta), and the label stays positive in later epochs. ``delta`` is in per cent per epoch of a run of 10 epochs and
    scaled to the run, so the share at the end does not depend on its length; the paper searches .1 to .5. The denominator stays the number of
    entries. One forward and one backward pass; permanent keeps N x C bits.
    """

    release = "snucml/LargeLossMatters@5025d16"
    follows: ClassVar[dict[str, str]] = {
        "schedule": "ours, because nothing stops on clean validation (released: 3 points below the best); delta an epoch, scaled to the run's length",
        "normalisation": "as released: the mean over all entries",
        "batch_statistics": "as released: training's passes alone",
        "predicts": "as released: the network",
    }
    family = "sample selection"
    cites = "Kim et al., 2022, arXiv:2206.03740"
    keeps = "N C bits"
    differs = (
        "permanent is what the paper says (a comparison by identity in the released code runs "
        "temporary in its place), and writes the k-th entry back too; no stop on clean validation"
    )

    def __init__(self, scheme: Scheme = "reject", delta: float = 0.2) -> None:
        super().__init__()
        self.scheme = scheme
        self.delta = delta

    def setup(self, run: RunInfo) -> None:
        """Begin without a corrected label."""
        self.large = LargeEntries(run, self.scheme, self.delta)

    def layout_loss(self, grid: Grid, step: Step) -> Tensor:
        """Return the mean over the live entries of a batch (B, C)."""
        return self.large.loss(grid, step)


class LargeEntries(nn.Module):
    """Hold which labels were corrected for good, and touch the entries of large loss by one of the three schemes."""

    corrected: Tensor

    def __init__(self, run: RunInfo, scheme: Scheme, delta: float) -> None:
        super().__init__()
        self.scheme = scheme
        self.per_epoch = delta / 100 * 10 / run.epochs
        self.register_buffer("corrected", torch.zeros(run.num_examples, run.width, dtype=torch.bool, device=run.device))

    def loss(self, grid: Grid, step: Step) -> Tensor:
        """Return the mean over the live entries of a batch (B, C), in which large ones count nothing or as positives."""
        label = torch.where(self.corrected[step.index], 1.0, grid.label)
        loss = F.binary_cross_entropy_with_logits(grid.logit, label, reduction="none")
        large = self.find(loss.detach(), grid.live & (label != 1), grid.live, step.epoch)
        if self.scheme == "reject":
            return grid.mean(torch.where(large, 0.0, loss))
        if self.scheme == "permanent" and step.repeat == 0:
            self.corrected[step.index] |= large
        return grid.mean(torch.where(large, F.softplus(-grid.logit), loss))

    def find(self, loss: Tensor, unobserved: Tensor, live: Tensor, epoch: int) -> Tensor:
        """Return (B, C) bool: unobserved entries with a loss of at least the k-th largest; ties are all taken."""
        factor = 1 if self.scheme == "permanent" else epoch
        share = 0.0 if epoch == 0 else self.per_epoch * factor
        k = min(math.ceil(round(int(live.sum()) * share, 6)), int(unobserved.sum()))
        if k == 0:
            return torch.zeros_like(unobserved)
        return unobserved & (loss >= loss[unobserved].topk(k).values[-1])
