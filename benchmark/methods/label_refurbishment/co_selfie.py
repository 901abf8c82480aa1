"""Co-SELFIE."""

from __future__ import annotations

from typing import ClassVar

import torch
from torch import Tensor

from benchmark.functional.residuals import refurbished
from benchmark.methods.base import RunInfo
from benchmark.methods.shared.ported import Forgetting, History, Ported
from benchmark.methods.step import Step


class CoSelfie(Ported):
    """Train two networks, each on what the other one refurbishes and selects as in SELFIE.

    The combination of SELFIE (Song, Kim and Lee, ICML 2019) with the exchange of Co-teaching (Han et al., 2018, arXiv:1804.06872), carried over to
    numbers; see ``Selfie`` for what is refurbished. Prediction: the mean of both networks. Two forward and two backward passes; knows the noise rate.
    """

    networks = 2
    needs = frozenset({"noise_rate"})
    warm_up = True
    keeps = "N x history"
    follows: ClassVar[dict[str, str]] = {
        "schedule": "ours, because it is carried over to numbers",
        "normalisation": "ours, because it is carried over to numbers: the mean squared error of kept units",
        "batch_statistics": "ours, because it is carried over to numbers: training's passes alone",
        "predicts": "ours, because it is carried over to numbers: the mean of both networks",
    }
    family = "label refurbishment"
    cites = "Song, Kim and Lee, 2019, ICML; Han et al., 2018, arXiv:1804.06872"
    differs = "ours for numbers; small errors keep their targets, only the rest is refurbished"

    def __init__(self, eps: float = 0.15, warmup: float = 0.25, history: int = 10) -> None:
        super().__init__()
        self.eps = eps
        self.warmup = warmup
        self.history = history

    def setup(self, run: RunInfo) -> None:
        """Note the noise rate, empty histories, and the length of the warm-up: a spread needs two predictions."""
        super().setup(run)
        self.start = max(2, round(self.warmup * run.epochs))
        self.forgetting = Forgetting(run, ramp=0.0)
        self.predictions = History(run, self.networks, self.history)

    def objective(self, step: Step) -> Tensor:
        """Return the sum of both mean squared errors, each over what the partner refurbishes and selects."""
        units = [step.units(net) for net in range(2)]
        losses = [self.loss(own.output, own.target) for own in units]
        self.note(units[0], torch.stack(losses).mean(0), step)
        if step.epoch >= self.start:
            chosen = []
            for net, (own, loss) in enumerate(zip(units, losses, strict=True)):
                past = self.predictions.before(net, own, step)
                small = self.forgetting.keep(loss, step.epoch)
                chosen.append(refurbished(own.target, past, small, self.eps))
            losses = [self.loss(own.output[use], target[use]) for own, (target, use) in zip(units, reversed(chosen), strict=True)]
        for net, own in enumerate(units):
            self.predictions.remember(net, own, own.output[:, 0], step)
        return losses[0].mean() + losses[1].mean()
