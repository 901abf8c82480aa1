"""Noise in which examples stand in the data: fewer of some classes, wrong copies, inputs of no class."""

from __future__ import annotations

import numpy as np

from benchmark.core.errors import ConfigError
from benchmark.core.types import Corruption, Labels
from benchmark.noise.base import Context, Noise, check_rate, corruption, realised_transition
from benchmark.noise.streams import Streams

MULTICLASS = frozenset({"multiclass"})


class LongTail(Noise):
    """Class c keeps at most n_max factor^(-c / (K - 1)) of its examples; labels stay right. n_max: the largest class.

    The exponential profile of Cui et al., 2019, arXiv:1901.05555: ``factor`` is the size of the first class over that of the last.
    Noise goes on top: ``noise=chain(first=long_tail,second=symmetric)``, the order of TABASCO (Lu et al., 2023, arXiv:2208.09833).
    A smaller factor keeps all examples of a larger one; a class with examples keeps at least one.
    """

    family = "imbalance"
    problems = MULTICLASS
    recorded = True
    version = 2  # sizes are rounded down, as released
    not_nested = "its strength is the factor, and no label is wrong"
    not_local = "how many examples a class keeps depends on the largest class"

    def __init__(self, factor: float = 10.0) -> None:
        if isinstance(factor, bool) or not 1 <= factor < float("inf"):
            raise ConfigError(f"noise.factor={factor!r} is below 1: it is the size of the first class over that of the last; 1 keeps every class equal")
        self.factor = float(factor)

    def __call__(self, labels: Labels, streams: Streams, context: Context) -> Corruption:
        """Keep the examples with the smallest random numbers of each class. Examples without a label stay."""
        k, keep = labels.num_classes, ~labels.live
        count = np.bincount(labels.value[labels.live], minlength=k)
        size = count.max(initial=0) * self.factor ** (-np.arange(k) / max(k - 1, 1))
        target = np.maximum(np.floor(np.round(size, 9)), 1)  # 49 / 49 is .9999999999999999 in floats
        order = np.lexsort((streams["keep"], labels.value))
        order = order[labels.live[order]]
        rank = np.arange(len(order)) - (np.cumsum(count) - count)[labels.value[order]]
        keep[order[rank < target[labels.value[order]]]] = True
        return _taken(labels, np.flatnonzero(keep), labels.value[keep])


class Dilution(Noise):
    """Beside every example stand ``copies`` copies of it whose labels are uniform over all classes.

    Rolnick et al., 2017, arXiv:1705.10694 (their alpha). Of all labels copies / (copies + 1) (K - 1) / K are wrong. More copies
    leave the earlier ones as they are.
    """

    family = "imbalance"
    problems = MULTICLASS
    not_nested = "its strength is the number of copies"

    def __init__(self, copies: int = 5) -> None:
        if isinstance(copies, bool) or copies < 0:
            raise ConfigError(f"noise.copies={copies!r} is negative: give the number of random copies per example, 0 means clean")
        self.copies = copies

    def __call__(self, labels: Labels, streams: Streams, context: Context) -> Corruption:
        """The examples themselves first, then one pass of copies after the other."""
        number = len(labels.value)
        drawn = [(streams[f"copy{i}"] * labels.num_classes).astype(np.int64) for i in range(self.copies)]
        observed = np.concatenate([labels.value, *(np.where(labels.live, label, labels.value) for label in drawn)])
        return _taken(labels, np.tile(np.arange(number), self.copies + 1), observed)


class OpenSet(Noise):
    """The inputs of a share ``rate`` of the examples are replaced by inputs of no class; their labels stay.

    Wang et al., 2018, arXiv:1804.00092. The pool is the task's own or, where it has none, the task's inputs with every feature
    permuted among the examples: right marginals, no object. ``clean`` is -1 there: no class is right.
    """

    family = "open-set"
    problems = MULTICLASS
    needs = frozenset({"foreign"})
    highest = 0.95  # a training set without any known example has nothing to learn

    def __init__(self, rate: float = 0.2) -> None:
        self.rate = check_rate(rate, "noise.rate", self.highest)

    def __call__(self, labels: Labels, streams: Streams, context: Context) -> Corruption:
        """Row ``floor(pick M)`` of a pool of M inputs stands in for an example with ``flip < rate``."""
        if context.foreign < 1:
            raise ConfigError("noise openset found an empty pool of foreign inputs: correct the task's foreign()")
        replaced = labels.live & (streams["flip"] < self.rate)
        foreign = np.where(replaced, (streams["pick"] * context.foreign).astype(np.int32), np.int32(-1))
        return corruption(labels, labels.value, foreign=foreign, clean=np.where(replaced, -1, labels.value))


def _taken(labels: Labels, source: np.ndarray, observed: np.ndarray) -> Corruption:
    """Examples ``source`` (E',) with labels ``observed`` (E',), one unit per example."""
    clean, live = labels.value[source], labels.live[source]
    here = Labels(clean, np.arange(len(source)), np.zeros_like(source), live, labels.kind, labels.num_classes, labels.names, labels.problem)
    foreign = np.full(len(source), -1, dtype=np.int32)
    return Corruption(observed, source.astype(np.int32), foreign, clean, realised_transition(here, observed))
