"""Noise on continuous targets that depends on the input or on who rated it."""

from __future__ import annotations

import numpy as np

from benchmark.core.answers import Answers
from benchmark.core.errors import ConfigError
from benchmark.core.types import Corruption, Labels
from benchmark.noise.base import Context, Noise, check_rate, corruption
from benchmark.noise.regression import REGRESSION, another, normal, size_of
from benchmark.noise.streams import Streams

MOST_FEATURES, RIDGE = 512, 1e-3


class Heteroscedastic(Noise):
    """y + s(x) z, z ~ N(0, 1), with a deviation that depends on a feature: s(x) = 2 scale sd(y) rank(x).

    rank(x) in (0, 1) is the rank of ``feature`` (a column) among the examples, or of a random projection of all standardized features,
    so the mean deviation is scale sd(y).
    """

    family = "instance-dependent"
    problems = REGRESSION
    needs = frozenset({"features"})
    not_nested = "errors grow with the scale; every unit has one"
    not_local = "deviations are ranks among all examples"

    def __init__(self, scale: float = 0.5, feature: int | None = None) -> None:
        self.scale, self.feature = check_rate(scale, "noise.scale", most=10), feature

    def __call__(self, labels: Labels, streams: Streams, context: Context) -> Corruption:
        """Errors are normal given the input."""
        assert context.features is not None
        x = context.features.reshape(len(context.features), -1).astype(float)
        if self.feature is not None and not 0 <= self.feature < x.shape[1]:
            raise ConfigError(f"noise.feature={self.feature} does not exist: the task has features 0 to {x.shape[1] - 1}")
        if self.feature is None:
            spread = x.std(0)
            along = (x - x.mean(0)) / np.where(spread > 0, spread, 1) @ streams.generator("direction").standard_normal(x.shape[1])
        else:
            along = x[:, self.feature]
        rank = (along.argsort(kind="stable").argsort(kind="stable") + 0.5) / len(along)
        return corruption(labels, labels.value + 2 * self.scale * size_of(labels, "sd") * rank * normal(streams["pick"]))


class InstanceResidual(Noise):
    """The target becomes that of a random sample with another target, the more likely the harder the sample: p_i = min(1, k |r_i|), mean p_i = ``rate``.

    r_i is the residual of a ridge regression of the right targets on the standardized features (at most 512 of them, by random directions where there
    are more): what a plain model gets wrong, people get wrong.
    """

    family = "instance-dependent"
    problems = REGRESSION
    needs = frozenset({"features"})
    not_local = "difficulty is relative to the other samples"

    def __init__(self, rate: float = 0.4) -> None:
        self.rate = check_rate(rate, "noise.rate")

    def __call__(self, labels: Labels, streams: Streams, context: Context) -> Corruption:
        """Drawn from the right targets, never the sample's own value."""
        assert context.features is not None
        live = np.flatnonzero(labels.live)
        observed = labels.value.copy()
        if len(live):
            chance = capped(self._difficulty(labels, streams, context.features)[live], self.rate)
            flip = live[streams["flip"][live] < chance]
            observed[flip] = another(np.sort(labels.value[live]), labels.value[flip], streams["pick"][flip])
        return corruption(labels, observed)

    def _difficulty(self, labels: Labels, streams: Streams, features: np.ndarray) -> np.ndarray:
        """|r_i| of every unit."""
        x = features.reshape(len(features), -1).astype(float)
        spread = x.std(0)
        x = (x - x.mean(0)) / np.where(spread > 0, spread, 1)
        if x.shape[1] > MOST_FEATURES:
            x = x @ streams.generator("direction").standard_normal((x.shape[1], MOST_FEATURES)) / np.sqrt(x.shape[1])
        known, y = x[labels.live], labels.value[labels.live]
        beta = np.linalg.solve(known.T @ known + RIDGE * len(known) * np.eye(x.shape[1]), known.T @ (y - y.mean()))
        residual: np.ndarray = np.abs(labels.value - y.mean() - x @ beta)
        return residual


def capped(weight: np.ndarray, rate: float) -> np.ndarray:
    """(N,) probabilities min(1, k weight) whose mean is ``rate``; equal ones where all weights are 0.

    >>> capped(np.array([0.0, 1.0, 1.0, 6.0]), 0.5)
    array([0. , 0.5, 0.5, 1. ])
    """
    if not weight.max() > 0:
        return np.full(len(weight), rate)
    if rate * len(weight) >= (weight > 0).sum():
        return np.where(weight > 0, 1.0, (rate * len(weight) - (weight > 0).sum()) / max((weight == 0).sum(), 1))
    ordered = np.sort(weight)[::-1]
    rest = np.cumsum(ordered[::-1])[::-1]  # of the weights from the m-th largest on
    k = (rate * len(weight) - np.arange(len(weight))) / np.where(rest > 0, rest, np.inf)
    first = int(np.argmax(k * ordered <= 1 + 1e-12))  # how many are certain
    found: np.ndarray = np.minimum(1.0, k[first] * weight)
    return found


class Rater(Noise):
    """The rating of one person instead of the panel's mean: for each example one of the recorded raters at random.

    ``sets``: names of the task's annotations that hold single raters; null = all of them. A rater who left an example out (NaN)
    is not drawn for it; where nobody is left, the target stays.
    """

    family = "instance-dependent"
    problems = REGRESSION
    needs = frozenset({"annotations"})
    not_nested = "the ratings were recorded; it has no strength"

    def __init__(self, sets: list[str] | None = None) -> None:
        self.sets = sets

    def __call__(self, labels: Labels, streams: Streams, context: Context) -> Corruption:
        """Which rater speaks follows ``pick``; all their ratings are kept as answers."""
        names = self.sets if self.sets is not None else sorted(context.annotations)
        unknown = [name for name in names if name not in context.annotations]
        if unknown or not names:
            what = f"noise.sets names {unknown[0]!r}, which is not recorded" if unknown else "noise rater needs ratings of single persons"
            raise ConfigError(f"{what} for this task: its recorded sets are {', '.join(sorted(context.annotations)) or 'none'}")
        votes = np.stack([context.annotations[name] for name in names], axis=1)
        there = np.isfinite(votes)
        count = there.sum(1)
        chosen = np.minimum((streams["pick"] * count).astype(np.int64), np.maximum(count - 1, 0))
        column = (there.cumsum(1) <= chosen[:, None]).sum(1)
        rated = votes[np.arange(len(votes)), np.minimum(column, len(names) - 1)]
        return corruption(labels, np.where(count > 0, rated, labels.value), answers=Answers.from_votes(votes, names))
