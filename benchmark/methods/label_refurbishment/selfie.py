"""SELFIE."""

from __future__ import annotations

from typing import ClassVar

from torch import Tensor

from benchmark.functional.residuals import refurbished
from benchmark.methods.base import RunInfo
from benchmark.methods.shared.ported import Forgetting, History, Ported
from benchmark.methods.step import Step


class Selfie(Ported):
    """Refurbishes units whose past predictions agree, trains on the others only where their error is small.

    Song, Kim and Lee, ICML 2019, carried over to numbers. The (1 - r) share of smallest squared errors keeps its targets; of the rest, units whose predictions
    in the last ``history`` epochs have a standard deviation of at most ``eps`` (in sd of the targets) get the mean of those predictions, and the others
    are left out. (For classes a steady unit is refurbished first, which changes nothing where its label is right; for numbers the mean of past
    predictions would take the place of right targets.) The first ``warmup`` share of the epochs is plain training. Knows the noise rate r.
    One forward and one backward pass.
    """

    needs = frozenset({"noise_rate"})
    warm_up = True
    keeps = "N x history"
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
        super().__init__()
        self.eps = eps
        self.warmup = warmup
        self.history = history

    def setup(self, run: RunInfo) -> None:
        """Note the noise rate, an empty history, and the length of the warm-up: a spread needs two predictions."""
        super().setup(run)
        self.start = max(2, round(self.warmup * run.epochs))
        self.forgetting = Forgetting(run, ramp=0.0)
        self.predictions = History(run, self.networks, self.history)

    def objective(self, step: Step) -> Tensor:
        """Return the mean squared error over what is refurbished and selected."""
        units = step.units()
        loss = self.loss(units.output, units.target)
        self.note(units, loss, step)
        if step.epoch >= self.start:
            past = self.predictions.before(0, units, step)
            small = self.forgetting.keep(loss, step.epoch)
            target, use = refurbished(units.target, past, small, self.eps)
            loss = self.loss(units.output[use], target[use])
        self.predictions.remember(0, units, units.output[:, 0], step)
        return loss.mean()
