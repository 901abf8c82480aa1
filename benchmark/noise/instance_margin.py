"""Noise near the decision boundary of a model."""

from __future__ import annotations

from typing import Literal

import numpy as np

from benchmark.core.errors import ConfigError
from benchmark.core.files import FileName
from benchmark.core.types import Corruption, Labels
from benchmark.noise.base import Context, check_rate, corruption
from benchmark.noise.instance import FromProbabilities
from benchmark.noise.streams import Streams

Kind = Literal["I", "II", "III"]
ROWS = 2048


class InstanceMargin(FromProbabilities):
    """Polynomial margin diminishing noise: an instance between two classes is given the other one.

    Zhang et al., 2021, arXiv:2103.07756. With the two likeliest classes u, s of a model and g = P(u) - P(s), tau = (1 - g^2) / 2 (I),
    1 - g^3 (II), 1 - (g^3 + g^2 + g) / 3 (III); an instance flips with probability 1 - (1 - tau) / factor, clipped to [0, 1]. The
    factor is chosen so that the mean is ``rate``; give ``factor`` for the authors' level instead (1 = tau itself).

    A flipped instance gets u, or s where u is its right class. The released code replaces the labels of all instances by u or s, so
    that instances which the model gets wrong are wrong at every level; here they keep their right label until they flip.
    """

    def __init__(self, rate: float = 0.3, kind: Kind = "I", factor: float | None = None, probabilities: FileName | None = None, epochs: int = 10) -> None:
        super().__init__(probabilities, epochs)
        self.rate, self.kind, self.factor = check_rate(rate, "noise.rate"), kind, factor
        if factor is not None and not 0 < factor < float("inf"):
            raise ConfigError(f"noise.factor={factor!r} must be positive: it divides the chance to keep the label; null = chosen for noise.rate")

    def __call__(self, labels: Labels, streams: Streams, context: Context) -> Corruption:
        """Flips are nested in the rate: every instance's probability grows with it."""
        live = np.flatnonzero(labels.live)
        if not len(live):
            return corruption(labels, labels.value)
        first, second, gap = (each[live] for each in top_two(self.class_probabilities(labels, streams, context)))
        keep = 1 - margin_rates(gap, self.kind)
        factor = solve_factor(keep, self.rate) if self.factor is None else self.factor
        hit = streams["flip"][live] < (1 - np.minimum(keep / factor, 1) if factor > 0 else 0.0)
        observed = labels.value.copy()
        observed[live[hit]] = np.where(first == labels.value[live], second, first)[hit]
        return corruption(labels, observed, statistics={"factor": float(factor)})

    def nominal_rate(self) -> float | None:
        """None where a factor was given instead."""
        return self.rate if self.factor is None else None


def top_two(probability: np.ndarray) -> tuple[np.ndarray, np.ndarray, np.ndarray]:
    """(n,) likeliest and second class of rows (n, K), and the difference of their probabilities."""
    number = len(probability)
    first, second, gap = np.empty(number, dtype=np.int64), np.empty(number, dtype=np.int64), np.empty(number)
    for start in range(0, number, ROWS):  # a block stays in the processor's cache
        rest = np.array(probability[start : start + ROWS])
        rows, part = np.arange(len(rest)), slice(start, start + len(rest))
        first[part] = rest.argmax(1)
        highest = rest[rows, first[part]].astype(float)
        rest[rows, first[part]] = -1
        second[part] = rest.argmax(1)
        gap[part] = highest - rest[rows, second[part]]
    return first, second, gap


def margin_rates(gap: np.ndarray, kind: Kind) -> np.ndarray:
    """tau (n,) of the three families."""
    if kind == "I":
        return 0.5 - 0.5 * gap**2
    return 1 - gap**3 if kind == "II" else 1 - (gap**3 + gap**2 + gap) / 3


def solve_factor(keep: np.ndarray, rate: float) -> float:
    """The factor f with mean(1 - min(keep / f, 1)) = rate, by bisection; 0 for rate 0, infinite for rate 1."""
    if rate in (0, 1):
        return 0.0 if rate == 0 else float("inf")
    low, high = 0.0, float(keep.max()) / (1 - rate) + 1e-12
    for _ in range(50):
        middle = (low + high) / 2
        if 1 - np.minimum(keep / middle, 1).mean() < rate:
            low = middle
        else:
            high = middle
    return high
