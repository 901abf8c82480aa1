"""Noise with a bounded rate per instance."""

from __future__ import annotations

import numpy as np

from benchmark.core.errors import ConfigError
from benchmark.core.types import Corruption, Labels
from benchmark.noise.base import Context, check_rate, corruption
from benchmark.noise.instance import InstanceNoise, Summary
from benchmark.noise.probe import moments
from benchmark.noise.streams import Streams


class Bounded(InstanceNoise):
    """P(flip | x, y) = bound sigmoid(w_y . x + b), never above ``bound``; the wrong class is uniform.

    Bounded instance- and label-dependent noise, Cheng et al., 2020, arXiv:1709.03768: rates of single instances vary freely below an upper bound,
    so that confident instances can be distilled. x is standardized, w_y is random with projections of unit variance, and b makes the mean ``rate``.
    """

    def __init__(self, rate: float = 0.3, bound: float = 0.5) -> None:
        self.bound = check_rate(bound, "noise.bound")
        if not bound > 0:
            raise ConfigError(f"noise.bound={bound!r} must be positive: it is the largest rate of a single instance")
        self.highest, self.rate = self.bound, check_rate(rate, "noise.rate", self.bound)

    def __call__(self, labels: Labels, streams: Streams, context: Context) -> Corruption:
        """Every instance's rate grows with the mean, so flips are nested."""
        assert context.features is not None
        x = context.features.reshape(len(context.features), -1)
        mean, spread = moments(x)
        k, live = labels.num_classes, np.flatnonzero(labels.live)
        weight = streams.generator("direction").standard_normal((x.shape[1], k), dtype=np.float32) / (spread[:, None] * np.sqrt(x.shape[1]))
        score = np.concatenate([x[at] @ weight for at in np.array_split(np.arange(len(x)), max(1, len(x) // 4096))]) - mean @ weight
        rate = np.zeros(len(x))
        rate[live] = self._rates(score[live, labels.value[live]].astype(float))
        hit = np.flatnonzero(labels.live & (streams["flip"] < rate))
        observed = labels.value.copy()
        observed[hit] = (labels.value[hit] + 1 + (streams["pick"][hit] * (k - 1)).astype(np.int64)) % k
        summary = Summary(k)
        summary.add(labels.value[live], (1 - np.eye(k)[labels.value[live]]) / max(k - 1, 1), rate[live])
        statistics = summary.statistics("bounded") | {"highest_instance_rate": float(rate.max(initial=0))}
        return corruption(labels, observed, true_transition=summary.transition, statistics=statistics)

    def _rates(self, score: np.ndarray) -> np.ndarray:
        """(n,) bound sigmoid(score + b) with mean ``rate``; b by bisection."""
        if self.rate in (0, self.bound) or not len(score):
            return np.full(len(score), self.rate)
        low, high = -60.0 - score.max(), 60.0 - score.min()
        for _ in range(60):
            middle = (low + high) / 2
            below = (self.bound / (1 + np.exp(-np.clip(score + middle, -60, 60)))).mean() < self.rate
            low, high = (middle, high) if below else (low, middle)
        return self.bound / (1 + np.exp(-np.clip(score + high, -60, 60)))
