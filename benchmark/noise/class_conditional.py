"""Noise that depends on the right class alone: T[i, j] = P(observed = j | right = i)."""

from __future__ import annotations

from collections.abc import Mapping

import numpy as np

from benchmark.core.errors import ConfigError, choices
from benchmark.core.types import Corruption, Labels
from benchmark.noise.base import Context, Noise, check_rate, corruption, flip_by_transition
from benchmark.noise.streams import Streams

CLASSES = frozenset({"multiclass", "tagging"})


class ClassConditional(Noise):
    """Flips from the matrix that a subclass gives."""

    family = "class-conditional"
    problems = CLASSES

    def __init__(self, rate: float = 0.2) -> None:
        self.rate = check_rate(rate, "noise.rate")

    def transition(self, labels: Labels) -> np.ndarray:
        """(K, K) transition matrix for these labels."""
        raise NotImplementedError

    def drawn_transition(self, labels: Labels, streams: Streams) -> np.ndarray:
        """The same, where part of the matrix is drawn once per data set."""
        return self.transition(labels)

    def flips(self, labels: Labels, streams: Streams, matrix: np.ndarray) -> np.ndarray:
        """(N,) observed labels under ``matrix``, in a new array; dead units stay."""
        return flip_by_transition(labels, matrix, streams)

    def __call__(self, labels: Labels, streams: Streams, context: Context) -> Corruption:
        """Corrupt the live units. ``true_transition`` is the matrix that they follow."""
        if labels.num_classes < 2:
            raise ConfigError(f"noise {type(self).__name__} has no wrong class to give: the task has {labels.num_classes} class")
        matrix = self.drawn_transition(labels, streams)
        return corruption(labels, self.flips(labels, streams, matrix), fresh=True, true_transition=matrix[None] if matrix.ndim == 2 else matrix)


class Symmetric(ClassConditional):
    """Exclusive symmetric noise: T = (1 - r) I + r / (K - 1) (1 - I). The right class is never drawn.

    The convention of the Co-teaching family (Han et al., 2018, arXiv:1804.06872). Published tables of
    DivideMix, ELR and their followers use the inclusive one.

    Every unit is flipped by a draw of its own, so the share of wrong labels differs from r by about
    sqrt(r (1 - r) / n) among n units, and by more under some seeds. ``exact`` flips exactly round(r n) of
    the n live units, training and validation together: those with the smallest draws, with the same wrong
    labels. Flips stay nested in the rate, but whether a unit is one of them depends on all others.
    """

    def __init__(self, rate: float = 0.2, exact: bool = False) -> None:
        super().__init__(rate)
        self.exact = exact
        if exact:
            self.not_local = "exactly a share of all units is flipped"  # type: ignore[misc]

    def transition(self, labels: Labels) -> np.ndarray:
        """(1 - r) on the diagonal, the rest spread evenly."""
        k = labels.num_classes
        return np.full((k, k), self.rate / (k - 1)) * (1 - np.eye(k)) + (1 - self.rate) * np.eye(k)

    def flips(self, labels: Labels, streams: Streams, matrix: np.ndarray) -> np.ndarray:
        """As the matrix says, without the matrix: the wrong class is ``y + 1 + floor(pick (K - 1))`` modulo K."""
        k, observed = labels.num_classes, np.empty_like(labels.value)
        ranked = self._smallest(labels, streams) if self.exact else None
        for block, (flip, pick) in streams.blocks("flip", "pick"):
            right, given = labels.value[block], observed[block]
            given[:] = right
            leaves = flip < self.rate if ranked is None else ranked[block]
            at = np.flatnonzero(labels.live[block] & leaves)
            moved = right[at] + 1 + (pick[at] * (k - 1)).astype(np.int64)
            given[at] = moved - k * (moved >= k)
        return observed

    def _smallest(self, labels: Labels, streams: Streams) -> np.ndarray:
        """Return (N,) bool, true for the round(r n) live units of n with the smallest ``flip``."""
        live = np.flatnonzero(labels.live)
        order = live[np.argsort(streams["flip"][live], kind="stable")]
        chosen = np.zeros(len(labels.live), dtype=bool)
        chosen[order[: round(self.rate * len(live))]] = True
        return chosen


class SymmetricInclusive(ClassConditional):
    """Inclusive symmetric noise: T = (1 - r) I + r / K 11'. The label is drawn anew from all classes, also the right one.

    The convention of DivideMix (Li et al., 2020, arXiv:2002.07394), ELR and SOP. The share of wrong labels is r (K - 1) / K.
    """

    def transition(self, labels: Labels) -> np.ndarray:
        """r / K everywhere, and 1 - r more on the diagonal."""
        k = labels.num_classes
        return (1 - self.rate) * np.eye(k) + self.rate / k

    def flips(self, labels: Labels, streams: Streams, matrix: np.ndarray) -> np.ndarray:
        """As the matrix says, without the matrix: the new class is ``floor(pick K)``."""
        observed = labels.value.copy()
        for block, (flip, pick) in streams.blocks("flip", "pick"):
            at = np.flatnonzero(labels.live[block] & (flip < self.rate))
            observed[block][at] = (pick[at] * labels.num_classes).astype(np.int64)
        return observed


class PairFlip(ClassConditional):
    """Class i becomes i + 1 modulo K with probability r (Han et al., 2018, arXiv:1804.06872)."""

    def transition(self, labels: Labels) -> np.ndarray:
        """(1 - r) I + r times the cyclic shift."""
        k = labels.num_classes
        return (1 - self.rate) * np.eye(k) + self.rate * np.roll(np.eye(k), 1, axis=1)


class Block5(ClassConditional):
    """Inside blocks of five consecutive class ids each class becomes the next one, cyclically, with probability r.

    What most published code calls asymmetric noise of CIFAR-100 (from Patrini et al., 2017, arXiv:1609.03683, on). Its fine
    classes are in alphabetical order, so only 6 of the 100 targets share the superclass of their source: see ``superclass``.
    """

    problems = frozenset({"multiclass"})

    def transition(self, labels: Labels) -> np.ndarray:
        """The identity minus r on the diagonal, plus r at the next id of the block."""
        k = labels.num_classes
        if k % 5:
            raise ConfigError(f"noise block5 needs a number of classes that 5 divides; the task has {k}: take noise=pairflip or noise=asymmetric")
        ids = np.arange(k)
        matrix = (1 - self.rate) * np.eye(k)
        matrix[ids, ids // 5 * 5 + (ids + 1) % 5] += self.rate
        return matrix


# Confusions of similar classes, by class name so that the order of classes cannot mislead.
CONFUSIONS: Mapping[str, Mapping[str, str]] = {
    "cifar10": {"truck": "automobile", "bird": "airplane", "cat": "dog", "dog": "cat", "deer": "horse"},
    "mnist": {"7": "1", "2": "7", "5": "6", "6": "5", "3": "8"},
    "fashion_mnist": {"ankle_boot": "sneaker", "sneaker": "sandal", "pullover": "shirt", "coat": "dress", "dress": "coat"},
    "ner": {f"{p}-{a}": f"{p}-{b}" for p in "BI" for a, b in (("PER", "ORG"), ("ORG", "LOC"), ("LOC", "ORG"), ("MISC", "ORG"))},
}


class Asymmetric(ClassConditional):
    """Class-dependent confusions: a listed class becomes its look-alike with probability r, the others stay.

    ``mapping``: a name of ``CONFUSIONS`` (cifar10 and mnist: Patrini et al., 2017, arXiv:1609.03683;
    fashion_mnist: Zhang and Sabuncu, 2018, arXiv:1805.07836), ``auto``
    for the one whose class names all occur in the labels, or a mapping of class names of your own. Labels are
    read from the right ones only: nothing is flipped twice (some released injectors flip cats to dogs and back).
    """

    def __init__(self, rate: float = 0.2, mapping: str | dict[str, str] = "auto") -> None:
        super().__init__(rate)
        self.mapping = mapping

    def transition(self, labels: Labels) -> np.ndarray:
        """The identity, but for the listed classes."""
        matrix = np.eye(labels.num_classes)
        for right, wrong in self._confusions(labels.names).items():
            i, j = labels.names.index(right), labels.names.index(wrong)
            matrix[i, i], matrix[i, j] = 1 - self.rate, self.rate
        return matrix

    def _confusions(self, names: tuple[str, ...]) -> Mapping[str, str]:
        if isinstance(self.mapping, Mapping):
            found = {str(a): str(b) for a, b in self.mapping.items()}
            unknown = sorted((set(found) | set(found.values())) - set(names))
            if unknown:
                raise ConfigError(f"noise.mapping names unknown class {unknown[0]!r}: {choices(unknown[0], names)}")
            return found
        if self.mapping != "auto" and self.mapping not in CONFUSIONS:
            raise ConfigError(f"noise.mapping={self.mapping!r} is unknown: {choices(self.mapping, [*CONFUSIONS, 'auto'])}")
        for name, table in CONFUSIONS.items():
            known = {a: b for a, b in table.items() if a in names and b in names}
            whole = len(known) == len(table) or (name == "ner" and known)
            if self.mapping in ("auto", name) and whole:
                return known
        raise ConfigError(f"noise.mapping={self.mapping} fits no class of this task ({', '.join(names[:6])}, ...): give noise.mapping={{right: wrong}}")
