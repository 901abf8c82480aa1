"""SELFIE."""

from __future__ import annotations

from typing import ClassVar

import torch
from torch import Tensor

from benchmark.methods.base import RunInfo
from benchmark.methods.shared.ported import Remembering
from benchmark.methods.step import Step


class Selfie(Remembering):
    """Refurbishes units whose past predictions agree, trains on the others only where their error is small.

    Song, Kim and Lee, ICML 2019, carried over to numbers. The (1 - r) share of smallest squared errors keeps its targets; of the rest, units whose predictions
    in the last ``history`` epochs have a standard deviation of at most ``eps`` (in sd of the targets) get the mean of those predictions, and the others
    are left out. (For classes a steady unit is refurbished first, which changes nothing where its label is right; for numbers the mean of past
    predictions would take the place of right targets.) The first ``warmup`` share of the epochs is plain training. Knows the noise rate r.
    One forward and one backward pass.
    """

    warm_up = True
    follows: ClassVar[dict[str, str]] = {
        "schedule": "ours, because it is carried over to numbers",
        "normalisation": "ours, because it is carried over to numbers: the mean squared error",
        "batch_statistics": "ours, because it is carried over to numbers: training's passes alone",
        "predicts": "as the paper: the network",
    }
    family = "label refurbishment"
    cites = "Song, Kim and Lee, 2019, ICML"
    differs = "ours for numbers; small errors keep their targets, only the rest is refurbished"

    def __init__(self, eps: float = 0.15, warmup: float = 0.25, history: int = 10) -> None:
        super().__init__(ramp=0.0, history=history)
        self.eps, self.warmup = eps, warmup

    def setup(self, run: RunInfo) -> None:
        """Length of the warm-up: a spread needs two predictions."""
        super().setup(run)
        self.start = max(2, round(self.warmup * run.epochs))

    def objective(self, step: Step) -> Tensor:
        """Mean squared error over what each network's partner refurbishes and selects; a single network is its own partner."""
        parts = [step.units(net) for net in range(self.networks)]
        losses = [self.loss(u.output, u.target) for u in parts]
        self.note(parts[0], torch.stack(losses).mean(0), step)
        chosen = [self._chosen(net, step) for net in range(self.networks)]
        total = parts[0].output.new_zeros(())
        for net, units in enumerate(parts):
            target, use = chosen[(net + 1) % self.networks]
            total = total + self.loss(units.output[use], target[use]).mean()
            self.remember(net, units, units.output[:, 0], step)
        return total

    def _chosen(self, net: int, step: Step) -> tuple[Tensor, Tensor]:
        """Targets (U,) after refurbishing, and which units train."""
        units = step.units(net)
        if step.epoch < self.start:
            return units.target, torch.ones_like(units.target, dtype=torch.bool)
        past = self.before(net, units, step)
        steady = past.std(1, correction=0) <= self.eps
        small = self.keep(self.loss(units.output, units.target), step)
        return torch.where(small, units.target, past.mean(1)), steady | small
