"""Noise on continuous targets."""

from __future__ import annotations

import numpy as np
from scipy.special import ndtri

from benchmark.noise.base import Context, Noise, Streams, check_rate, corruption
from benchmark.types import Corruption, Labels

REGRESSION = frozenset({"regression"})


class Gaussian(Noise):
    """y + e, e ~ N(0, s_i^2) with a standard deviation s_i ~ U(0, scale * range) for each sample.

    The random Gaussian noise of ConFrag (Kim et al., 2023, arXiv:2308.15946): small errors for everybody, no wrong and
    right units. Range = largest minus smallest right target.
    """

    problems = REGRESSION

    def __init__(self, scale: float = 0.3) -> None:
        self.scale = check_rate(scale, "noise.scale", most=10)

    def __call__(self, labels: Labels, streams: Streams, context: Context) -> Corruption:
        """Targets are left as drawn: they may leave the range."""
        spread = self.scale * np.ptp(labels.value[labels.live])
        # ndtri(0) is -inf; the smallest positive step of the stream is 2^-53.
        error = ndtri(np.maximum(streams["pick"], 2.0**-53)) * streams["flip"] * spread
        return corruption(labels, labels.value + error)


class UniformResample(Noise):
    """With probability ``rate`` the target becomes another target of the data, drawn uniformly from the samples."""

    problems = REGRESSION

    def __init__(self, rate: float = 0.4) -> None:
        self.rate = check_rate(rate, "noise.rate")

    def __call__(self, labels: Labels, streams: Streams, context: Context) -> Corruption:
        """The empirical distribution of right targets, without the sample's own value."""
        live = np.flatnonzero(labels.live)
        ordered = np.sort(labels.value[live])
        flip = live[streams["flip"][live] < self.rate]
        own = labels.value[flip]
        first, last = np.searchsorted(ordered, own, "left"), np.searchsorted(ordered, own, "right")
        others = len(ordered) - (last - first)
        at = (streams["pick"][flip] * others).astype(np.int64)
        observed = labels.value.copy()
        # Positions below the own value stay, those at or above it skip the samples that share it.
        observed[flip] = np.where(others > 0, ordered[np.minimum(np.where(at < first, at, at + last - first), len(ordered) - 1)], own)
        return corruption(labels, observed)
