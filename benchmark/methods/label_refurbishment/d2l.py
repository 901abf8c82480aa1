"""Dimensionality-driven learning."""

from __future__ import annotations

import math
from typing import ClassVar

from torch import Tensor

from benchmark.core.types import Evaluate
from benchmark.functional.neighbours import intrinsic_dimension
from benchmark.methods.base import RunInfo
from benchmark.methods.shared.ported import Ported
from benchmark.methods.step import Step

BATCHES, WINDOW = 10, 5


class D2L(Ported):
    """Trusts its own predictions more when the features' intrinsic dimension grows: y <- a y + (1 - a) f(x), a = exp(-(e / E) LID_e / min LID).

    Ma et al., 2018, arXiv:1806.02612, carried over to numbers. LID is the mean over the first ten batches of an epoch, from ``neighbours`` nearest features;
    correction begins after the turning point, the first epoch whose LID exceeds the mean of the five before by two standard deviations. The
    released code also goes back to the weights of the epoch before the turning point; weights are left alone here. One forward and one backward pass.
    """

    warm_up = True
    follows: ClassVar[dict[str, str]] = {
        "schedule": "ours, because it is carried over to numbers",
        "normalisation": "ours, because it is carried over to numbers: the mean squared error",
        "batch_statistics": "ours, because it is carried over to numbers: training's passes alone",
        "predicts": "as the paper: the network",
    }
    family = "label refurbishment"
    cites = "Ma et al., 2018, arXiv:1806.02612"
    differs = "ours for numbers; no return to earlier weights at the turning point"

    def __init__(self, neighbours: int = 20) -> None:
        super().__init__()
        self.neighbours = neighbours

    def setup(self, run: RunInfo) -> None:
        """No dimension yet."""
        super().setup(run)
        self.dimensions: list[float] = []
        self.current: list[float] = []
        self.turned = False
        self.alpha = 1.0

    def objective(self, step: Step) -> Tensor:
        """Mean squared error to the corrected targets."""
        feature = step.encode()
        units = step.flatten(step.head(0, feature))
        if step.repeat == 0 and len(self.current) < BATCHES:
            self.current.append(float(intrinsic_dimension(feature.detach(), self.neighbours)))
        self.note(units, self.loss(units.output, units.target), step)
        target = self.alpha * units.target + (1 - self.alpha) * units.output[:, 0].detach()
        return self.loss(units.output, target).mean()

    def on_epoch_end(self, epoch: int, evaluate: Evaluate) -> None:
        """The dimension of this epoch, the turning point, and the weight of the next epoch's targets."""
        known = [value for value in self.current if math.isfinite(value)]
        self.current = []
        if not known:
            return
        now, window = sum(known) / len(known), self.dimensions[-WINDOW:]
        if len(window) == WINDOW and not self.turned:
            mean = sum(window) / WINDOW
            self.turned = now > mean + 2 * (sum((v - mean) ** 2 for v in window) / WINDOW) ** 0.5
        self.dimensions.append(now)
        if self.turned:
            self.alpha = math.exp(-(epoch + 1) / self.epochs * now / min(self.dimensions))
