"""Noise on continuous targets that depends on the input or on who rated it."""

from __future__ import annotations

import numpy as np

from benchmark.errors import ConfigError
from benchmark.noise.base import Context, Noise, Streams, check_rate, corruption
from benchmark.noise.regression import REGRESSION, normal, size_of
from benchmark.types import Corruption, Labels


class Heteroscedastic(Noise):
    """y + s(x) z, z ~ N(0, 1), with a deviation that depends on a feature: s(x) = 2 scale sd(y) rank(x).

    rank(x) in (0, 1) is the rank of ``feature`` (a column) among the examples, or of a random projection of all standardized features,
    so the mean deviation is scale sd(y).
    """

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


class Rater(Noise):
    """The rating of one person instead of the panel's mean: for each example one of the recorded raters at random.

    ``sets``: names of the task's annotations that hold single raters; null = all of them. A rater who left an example out (NaN)
    is not drawn for it; where nobody is left, the target stays.
    """

    problems = REGRESSION
    needs = frozenset({"annotations"})
    not_nested = "the ratings were recorded; it has no strength"

    def __init__(self, sets: list[str] | None = None) -> None:
        self.sets = sets

    def __call__(self, labels: Labels, streams: Streams, context: Context) -> Corruption:
        """Which rater speaks follows ``pick``; all their ratings are kept as votes."""
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
        return corruption(labels, np.where(count > 0, rated, labels.value), votes=votes)
