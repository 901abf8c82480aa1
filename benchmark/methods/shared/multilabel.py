"""What methods of multi-label classification share: the (examples, labels) layout of a batch."""

from __future__ import annotations

from dataclasses import dataclass

import torch
from torch import Tensor
from torch.nn import functional as F  # noqa: N812

from benchmark.methods.base import Method, RunInfo
from benchmark.methods.step import Step


@dataclass(frozen=True)
class Grid:
    """A batch as (B, C) tables. An entry whose label nobody knows is not live and has label 0; its logit is there."""

    logit: Tensor
    label: Tensor  # 0 or 1, float
    live: Tensor  # bool

    @property
    def positive(self) -> Tensor:
        """(B, C) bool: observed positives."""
        return self.live & (self.label == 1)

    def mean(self, loss: Tensor) -> Tensor:
        """Mean of a loss (B, C) over the live entries."""
        return (loss * self.live).sum() / self.live.sum().clamp(min=1)

    def total(self, loss: Tensor) -> Tensor:
        """Sum of a loss (B, C) over the live entries."""
        return (loss * self.live).sum()


def grid_of(step: Step, logit: Tensor) -> Grid:
    """The layout of a batch with network output ``logit`` (B, C)."""
    units = step.flatten(logit)
    live = units.dense(torch.ones_like(units.target, dtype=torch.bool), False)
    return Grid(logit, units.dense(units.target.to(logit.dtype), 0.0), live)


def observed_positives(run: RunInfo) -> Tensor:
    """(N, C) float, 1 where a training label is an observed positive."""
    seen = run.observed["train"]
    return ((seen.value == 1) & seen.live).reshape(run.num_examples, run.width).float().to(run.device)


def expected_number(run: RunInfo) -> float:
    """Expected right positives of an example, from the observed labels and the declared ``noise_rate`` of each label and observed value."""
    seen, rate = run.observed["train"], run.need("noise_rate").cpu()
    row = seen.column if len(rate) > 1 else torch.zeros_like(seen.column)
    wrong = rate[row, seen.value.clamp(min=0)]
    right = torch.where(seen.value == 1, 1 - wrong, wrong)
    return float((right * seen.live).sum() / seen.live.sum().clamp(min=1) * run.width)


class MultiLabelMethod(Method):
    """Base of methods that look at all labels of a batch at once; a subclass gives the loss of the layout."""

    kinds = frozenset({"categorical"})
    problems = frozenset({"multilabel"})
    native = frozenset({"multilabel"})

    def grid(self, step: Step, net: int = 0) -> Grid:
        """The batch as the network sees it."""
        return grid_of(step, step.forward(net))

    def objective(self, step: Step) -> Tensor:
        """The loss of the layout."""
        return self.layout_loss(self.grid(step), step)

    def layout_loss(self, grid: Grid, step: Step) -> Tensor:
        """Scalar loss of a batch."""
        return grid.mean(F.binary_cross_entropy_with_logits(grid.logit, grid.label, reduction="none"))
