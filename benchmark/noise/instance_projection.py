"""Instance-dependent noise from random projections of the input."""

from __future__ import annotations

from collections.abc import Iterator
from typing import Literal

import numpy as np
import torch
from scipy.special import ndtr, ndtri

from benchmark.core.errors import ConfigError
from benchmark.core.types import Corruption, Labels
from benchmark.noise.base import Context, check_rate, corruption
from benchmark.noise.instance import InstanceNoise, Summary, draw
from benchmark.noise.probe import moments
from benchmark.noise.streams import Streams

ROWS = 4096  # examples that are gathered at once


class InstanceProjection(InstanceNoise):
    """Part-dependent noise: P(observed | x, y) = 1 - q_x at y, q_x softmax(x W_y / temperature) over the other classes, W ~ N(0, 1).

    Xia et al., 2020, arXiv:2006.07836. ``projection``: ``per_class`` (W_y is D x K for each class) or ``shared`` (one W for all
    classes, as in CORES2 (Cheng et al., 2021, arXiv:2010.02347): all classes flip to the same few). q_x ~ N(rate, deviation^2), truncated to
    the widest interval around ``rate`` inside [0, 1], so its mean is the rate (the authors truncate to [0, 1], which shifts it).

    The released recipe multiplies raw pixels (``input_transform=raw``, ``temperature=1``): the softmax saturates, every instance has one wrong
    class, and a class flips to one or two others. ``standardize`` and a temperature of sqrt(D), the default (null), give projections of unit
    variance. ``unit`` scales all features to [0, 1] together. The manifest holds the entropy, the top probability and the largest target.
    """

    def __init__(
        self,
        rate: float = 0.3,
        projection: Literal["per_class", "shared"] = "per_class",
        input_transform: Literal["standardize", "unit", "raw"] = "standardize",
        temperature: float | None = None,
        deviation: float = 0.1,
    ) -> None:
        self.rate, self.deviation = check_rate(rate, "noise.rate"), check_rate(deviation, "noise.deviation")
        if temperature is not None and not 0 < temperature < float("inf"):
            raise ConfigError(f"noise.temperature={temperature!r} must be positive; null takes the root of the number of features")
        self.projection, self.input_transform, self.temperature = projection, input_transform, temperature

    def __call__(self, labels: Labels, streams: Streams, context: Context) -> Corruption:
        """One gathered matrix product per class; memory beyond the input is a few blocks of rows."""
        assert context.features is not None
        x = context.features.reshape(len(context.features), -1)
        shift, scale = self._transform(x)
        q = instance_rates(streams["rate"], self.rate, self.deviation)
        flip, pick = streams["flip"], streams["pick"]
        observed, summary = labels.value.copy(), Summary(labels.num_classes)
        block = np.empty((min(ROWS, len(x)), x.shape[1]), dtype=np.float32)
        for rows, drawn in self._groups(labels, streams, x.shape[1]):
            weight = np.multiply(drawn, scale[:, None], out=drawn)
            offset = shift @ weight
            for start in range(0, len(rows), ROWS):
                at = rows[start : start + ROWS]
                wrong = _softmax_without(_gathered(x, at, block) @ weight - offset, labels.value[at])
                summary.add(labels.value[at], wrong, q[at])
                hit = np.flatnonzero(flip[at] < q[at])
                observed[at[hit]] = draw(wrong[hit], pick[at[hit]])
        return corruption(labels, observed, true_transition=summary.transition, statistics=summary.statistics("instance_projection"))

    def _transform(self, x: np.ndarray) -> tuple[np.ndarray, np.ndarray]:
        """(D,) what is taken from x, and what the difference is multiplied with; the temperature is part of the latter."""
        temperature = np.sqrt(x.shape[1]) if self.temperature is None else self.temperature
        mean, spread = np.zeros(x.shape[1], np.float32), np.ones(x.shape[1], np.float32)
        if self.input_transform == "standardize":
            mean, spread = moments(x)
        elif self.input_transform == "unit" and x.size:
            mean, spread = mean + np.float32(x.min()), spread * np.float32(max(float(np.ptp(x)), 1e-12))
        return mean, (1 / (spread * temperature)).astype(np.float32)

    def _groups(self, labels: Labels, streams: Streams, features: int) -> Iterator[tuple[np.ndarray, np.ndarray]]:
        """Live examples with the projection (D, K) that they share, which is valid until the next one. Empty classes draw theirs too."""
        k, live = labels.num_classes, np.flatnonzero(labels.live)
        # torch draws normal numbers more than twice as fast as numpy: with many classes they cost as much as the products.
        rng = torch.Generator().manual_seed(int(streams.generator("projection").integers(1 << 62)))
        drawn = torch.empty(features, k)
        if self.projection == "shared":
            yield live, torch.randn(features, k, generator=rng, out=drawn).numpy()
            return
        order = live[np.argsort(labels.value[live], kind="stable")]
        ends = np.cumsum(np.bincount(labels.value[live], minlength=k))
        for rows in np.split(order, ends[:-1]):
            yield rows, torch.randn(features, k, generator=rng, out=drawn).numpy()


def instance_rates(uniform: np.ndarray, rate: float, deviation: float) -> np.ndarray:
    """(N,) flip probabilities ~ N(rate, deviation^2) truncated to rate +- min(rate, 1 - rate), from uniform numbers; each grows with the rate."""
    half = min(rate, 1 - rate)
    if half == 0 or deviation == 0:
        return np.full(len(uniform), rate)
    low, high = ndtr(-half / deviation), ndtr(half / deviation)
    return np.clip(rate + deviation * ndtri(low + uniform * (high - low)), rate - half, rate + half)


def _gathered(x: np.ndarray, at: np.ndarray, block: np.ndarray) -> np.ndarray:
    """Rows of x as float32 in memory that is used again: fresh memory for every block costs as much as copying."""
    rows = block[: len(at)]
    if x.dtype == rows.dtype:
        np.take(x, at, axis=0, out=rows, mode="clip")  # the default mode would copy once more
    else:
        rows[:] = x[at]
    return rows


def _softmax_without(score: np.ndarray, right: np.ndarray) -> np.ndarray:
    """(n, K) softmax over all classes but the right one, in place."""
    score[np.arange(len(score)), right] = -np.inf
    score -= score.max(1, keepdims=True)
    np.exp(score, out=score)
    score /= score.sum(1, keepdims=True)
    return score
