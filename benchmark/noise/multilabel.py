"""Noise of multi-label tasks: a unit is an (example, label) pair with value 0 or 1."""

from __future__ import annotations

import numpy as np

from benchmark.noise.base import Context, Noise, Streams, check_rate, corruption
from benchmark.types import Corruption, Labels

MULTILABEL = frozenset({"multilabel"})


class LabelFlip(Noise):
    """Independent flips: P(observed 1 | right 0) = fpr, P(observed 0 | right 1) = fnr."""

    problems = MULTILABEL

    def __init__(self, fpr: float = 0.03, fnr: float = 0.3) -> None:
        self.fpr = check_rate(fpr, "noise.fpr")
        self.fnr = check_rate(fnr, "noise.fnr")

    def __call__(self, labels: Labels, streams: Streams, context: Context) -> Corruption:
        """A unit flips when ``flip`` is below the rate of its right value."""
        rate = np.where(labels.value == 1, self.fnr, self.fpr)
        flip = labels.live & (streams["flip"] < rate)
        return corruption(labels, np.where(flip, 1 - labels.value, labels.value))


class MissingPositive(LabelFlip):
    """Each positive is dropped with probability ``rate``; what is given as positive is right."""

    def __init__(self, rate: float = 0.3) -> None:
        super().__init__(fpr=0.0, fnr=check_rate(rate, "noise.rate"))
        self.rate = rate
