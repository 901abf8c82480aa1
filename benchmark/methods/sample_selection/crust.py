"""Robust coresets (CRUST)."""

from __future__ import annotations

from collections.abc import Sequence
from typing import ClassVar

import numpy as np
import torch
from torch import Tensor

from benchmark.core.types import Evaluate, Phase
from benchmark.functional.neighbours import medoids
from benchmark.methods.base import Price, RunInfo
from benchmark.methods.shared.ported import Ported, price_after_warm_up, warm_up_epochs
from benchmark.methods.step import Step


class Crust(Ported):
    """Trains, with mixup, on the medoids of last-layer gradients (f(x) - y) z in bins of like targets: clean gradients lie close together.

    Mirzasoleiman, Cao and Leskovec, 2020, arXiv:2011.07451, carried over to numbers: classes become bins of at most ``bin_size`` neighbouring targets, so that
    memory is bin_size^2 and linear in N; greedy facility location takes ``share`` of each bin, anew every epoch after ``warmup``, and a medoid weighs as
    much as the units that it stands for (released: as many as lie within a radius, which is larger than any distance). Mixup is with examples of
    the same bin, as released with those of the same class, lam ~ Beta(1, alpha). Half of a bin is more than its right targets need to be covered: the
    other medoids are wrong ones, and little is repaired. One more forward pass over the training set an epoch.
    """

    follows: ClassVar[dict[str, str]] = {
        "schedule": "ours, because it is carried over to numbers",
        "normalisation": "ours, because it is carried over to numbers: the mean squared error of chosen units",
        "batch_statistics": "ours, because it is carried over to numbers: evaluation mode where units are chosen",
        "predicts": "as the paper: the network",
    }
    family = "sample selection"
    warm_up = True
    cites = "Mirzasoleiman, Cao and Leskovec, 2020, arXiv:2011.07451"
    differs = "ours for numbers; bins of targets for classes"

    weight: Tensor

    def __init__(self, share: float = 0.5, warmup: float = 0.2, alpha: float = 0.1, bin_size: int = 256) -> None:
        super().__init__()
        self.share = share
        self.warmup = warmup
        self.alpha = alpha
        self.bin_size = bin_size

    def passes(self, epochs: int) -> Price:
        """Return the cost of the warm-up on all examples, then of a share of them and features of all."""
        return price_after_warm_up(warm_up_epochs(self.warmup, epochs), epochs, self.share)

    def setup(self, run: RunInfo) -> None:
        """Note the length of the warm-up, bins of targets and weights, and a generator for mixup."""
        super().setup(run)
        self.start = warm_up_epochs(self.warmup, run.epochs)
        self.y = run.observed["train"].value.double().numpy()
        self.rng = run.generator("crust")
        self.register_buffer("weight", torch.ones(run.num_units, device=run.device))
        taught = np.flatnonzero(run.observed["train"].live.numpy())
        order = taught[self.y[taught].argsort(kind="stable")]
        self.bins = np.array_split(order, -(-len(order) // self.bin_size))
        self.bin = np.zeros(len(self.y))
        for number, at in enumerate(self.bins):
            self.bin[at] = number

    def phases(self, epoch: int, evaluate: Evaluate) -> Sequence[Phase]:
        """All examples in the warm-up, then the medoids."""
        if epoch < self.start:
            return (Phase(),)
        seen = evaluate("train", by=_features_and_prediction).cpu().double().numpy()
        z, residual = seen[:, :-1], seen[:, -1] - self.y
        gradient = residual[:, None] * z
        self.suspect.copy_(self.suspect.new_tensor(np.abs(np.nan_to_num(residual))))
        self.weight.zero_()
        for at in self.bins:
            chosen, size = medoids(gradient[at], max(1, round(self.share * len(at))))
            self.weight[torch.from_numpy(at[chosen])] = self.weight.new_tensor(size)
        return (Phase(indices=np.flatnonzero(self.weight.cpu().numpy())),)

    def objective(self, step: Step) -> Tensor:
        """Mean squared error, after the warm-up weighted and of examples mixed with another one of their bin (the last of a bin: with one of the next)."""
        if step.epoch < self.start:
            units = step.units()
            return self.loss(units.output, units.target).mean()
        order = (self.bin[step.index.cpu().numpy()] + self.rng.random(len(step))).argsort()
        partner = np.empty_like(order)
        partner[order] = np.append(order[1:], order[-1])
        lam = float(self.rng.beta(1, self.alpha))
        units = step.mix(lam, torch.from_numpy(partner))
        target, weight = (lam * value + (1 - lam) * value[units.partner] for value in (units.target, self.weight[units.index]))
        return (weight * self.loss(units.output, target)).sum() / weight.sum()


def _features_and_prediction(step: Step) -> Tensor:
    """(U, D + 1)."""
    feature = step.encode()
    return torch.cat([feature, step.flatten(step.head(0, feature)).output], dim=1)
