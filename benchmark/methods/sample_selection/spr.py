"""Scalable penalized regression (SPR)."""

from __future__ import annotations

from collections.abc import Sequence
from typing import ClassVar

import numpy as np
import torch
from torch import Tensor

from benchmark.core.types import Evaluate, Phase
from benchmark.functional.mean_shift import shift_order
from benchmark.methods.base import Price, RunInfo
from benchmark.methods.shared.ported import Ported, price_after_warm_up, warm_up_epochs
from benchmark.methods.step import Step


class SPR(Ported):
    """Trains on the half of the units whose shift gamma_i leaves zero last on the path of min ||y - Z beta - gamma||^2 / 2 + lam ||gamma||_1.

    Wang, Sun and Fu, 2022, arXiv:2203.15212, carried over to numbers: Z are the last-layer features of all training examples and a constant, chosen
    anew every epoch after ``warmup``. The authors solve the path through the N x N matrix I - H, in groups of examples, and report that it does
    not fit into memory on a large set; the same path of Huber losses (She and Owen, 2011) needs N x D only, so there are no groups here and no
    limit of N. ``share`` is the authors' half. One more forward pass over the training set an epoch.
    """

    keeps = "N x D"
    follows: ClassVar[dict[str, str]] = {
        "schedule": "ours, because it is carried over to numbers",
        "normalisation": "ours, because it is carried over to numbers: the mean squared error of chosen units",
        "batch_statistics": "ours, because it is carried over to numbers: evaluation mode where units are chosen",
        "predicts": "as the paper: the network",
    }
    family = "sample selection"
    warm_up = True
    cites = "Wang, Sun and Fu, 2022, arXiv:2203.15212"
    differs = "ours for numbers; the exact path in linear memory instead of groups"

    def __init__(self, share: float = 0.5, warmup: float = 0.2) -> None:
        super().__init__()
        self.share = share
        self.warmup = warmup

    def passes(self, epochs: int) -> Price:
        """Return the cost of the warm-up on all examples, then of a share of them and features of all."""
        return price_after_warm_up(warm_up_epochs(self.warmup, epochs), epochs, self.share)

    def setup(self, run: RunInfo) -> None:
        """Note the length of the warm-up and the targets."""
        super().setup(run)
        self.start = warm_up_epochs(self.warmup, run.epochs)
        self.taught = np.flatnonzero(run.observed["train"].live.numpy())
        self.y = run.observed["train"].value.double().numpy()[self.taught]

    def phases(self, epoch: int, evaluate: Evaluate) -> Sequence[Phase]:
        """All examples in the warm-up, then the least suspicious share."""
        if epoch < self.start:
            return (Phase(),)
        z = evaluate("train", features=True).cpu().double().numpy()[self.taught]
        entered = shift_order(np.column_stack([z, np.ones(len(z))]), self.y, until=1 - self.share)
        self.suspect[torch.from_numpy(self.taught)] = self.suspect.new_tensor(entered)
        order = entered.argsort(kind="stable")
        return (Phase(indices=self.taught[np.sort(order[: max(2, round(self.share * len(z)))])]),)

    def objective(self, step: Step) -> Tensor:
        """Mean squared error."""
        units = step.units()
        return self.loss(units.output, units.target).mean()
