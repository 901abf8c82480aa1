"""Answers of many sources on the same units: who said what of which unit."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass

import numpy as np

from benchmark.core.errors import DataError

MOST_CELLS = 2**28  # of a table units x sources: 2 GB of class numbers


@dataclass(frozen=True)
class Answers:
    """Hold answers as three arrays of equal length, sorted by unit: memory follows the answers, not units x sources.

    Attributes:
        unit: (T,) int64 unit that was asked about, ascending.
        source: (T,) int32 who answered, 0 .. len(names) - 1: a person, a labelling function, a language model.
        label: (T,) int64 class or float64 target.
        names: of the sources.

    >>> answers = Answers.from_votes(np.array([[0, -1], [1, 1]]), ["ann", "bob"])
    >>> answers.unit.tolist(), answers.source.tolist(), answers.label.tolist()
    ([0, 1, 1], [0, 0, 1], [0, 1, 1])
    """

    unit: np.ndarray
    source: np.ndarray
    label: np.ndarray
    names: tuple[str, ...]

    def __len__(self) -> int:
        return len(self.unit)

    @classmethod
    def of(cls, unit: np.ndarray, source: np.ndarray, label: np.ndarray, names: Sequence[str]) -> Answers:
        """Return answers in any order, sorted by unit and then by source."""
        order = np.lexsort((source, unit))
        return cls(unit[order].astype(np.int64), source[order].astype(np.int32), label[order], tuple(names))

    @classmethod
    def from_votes(cls, votes: np.ndarray, names: Sequence[str] = ()) -> Answers:
        """Return the answers of a table.

        Args:
            votes: (N, A), -1 or NaN where a source said nothing of a unit.
            names: of the A sources; their numbers by default.
        """
        answered = np.isfinite(votes) if votes.dtype.kind == "f" else votes >= 0
        unit, source = np.nonzero(answered)
        label = votes[unit, source]
        label = label if votes.dtype.kind == "f" else label.astype(np.int64)
        return cls(unit, source.astype(np.int32), label, tuple(names or map(str, range(votes.shape[1]))))

    def votes(self, units: int) -> np.ndarray:
        """Return the table (units, A) of these answers, -1 or NaN where a source said nothing: for few sources.

        Of several answers of one source on one unit the last one counts.

        Raises:
            DataError: the table would have more than 2^28 cells.
        """
        if units * len(self.names) > MOST_CELLS:
            raise DataError(f"a table of {units} units x {len(self.names)} sources is too large: read the answers as they are")
        table = self._blank(units * len(self.names)).reshape(units, len(self.names))
        table[self.unit, self.source] = self.label
        return table

    def starts(self, units: int) -> np.ndarray:
        """Return (units + 1,) where the answers on each unit begin; those on the last one end at the last entry."""
        return np.searchsorted(self.unit, np.arange(units + 1))

    def said_by(self, name: str, units: int) -> np.ndarray:
        """Return the labels (units,) of one source, -1 or NaN where it said nothing.

        Raises:
            ValueError: no source has this name.
        """
        own = self.source == self.names.index(name)
        labels = self._blank(units)
        labels[self.unit[own]] = self.label[own]
        return labels

    def one_each(self, place: np.ndarray) -> np.ndarray:
        """Return one answer (N,) on each unit, the one at floor(place x answers), -1 or NaN where nobody answered.

        Args:
            place: (N,) in [0, 1), such as uniform random numbers.
        """
        starts = self.starts(len(place))
        count = np.diff(starts)
        labels = self._blank(len(place))
        asked = count > 0
        chosen = starts[:-1] + np.floor(place * count).astype(np.int64)
        labels[asked] = self.label[chosen[asked]]
        return labels

    def where(self, chosen: np.ndarray) -> Answers:
        """Return some of the answers: ``chosen`` is (T,) bool."""
        return Answers(self.unit[chosen], self.source[chosen], self.label[chosen], self.names)

    def only(self, names: Sequence[str]) -> Answers:
        """Return the answers of some sources, numbered as in ``names``.

        Raises:
            ValueError: no source has one of these names.
        """
        place = np.full(len(self.names), -1)
        place[[self.names.index(name) for name in names]] = np.arange(len(names))
        kept = place[self.source] >= 0
        return Answers.of(self.unit[kept], place[self.source[kept]], self.label[kept], names)

    def _blank(self, units: int) -> np.ndarray:
        """Return (units,) labels that say that nobody answered."""
        return np.full(units, np.nan if self.label.dtype.kind == "f" else -1, dtype=self.label.dtype)

    def take(self, units: np.ndarray) -> Answers:
        """Return the answers on some units, renumbered by their place in ``units`` (M,), which may repeat a unit."""
        first = np.searchsorted(self.unit, units)
        count = np.searchsorted(self.unit, units, side="right") - first
        place = np.repeat(np.arange(len(units)), count)
        within = np.arange(count.sum()) - np.repeat(np.cumsum(count) - count, count)
        chosen = np.repeat(first, count) + within
        return Answers(place, self.source[chosen], self.label[chosen], self.names)
