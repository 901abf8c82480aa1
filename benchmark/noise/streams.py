"""Random streams keyed by unit id: common random numbers for every noise generator.

Two streams are enough for label flips: ``flip`` decides whether a unit is wrong (``flip < rate``), ``pick`` decides which wrong label it
gets. Both depend on the seed and the unit id alone, hence the mistakes at 20 % are a subset of those at 40 %, with the same wrong labels.
"""

from __future__ import annotations

from collections.abc import Iterator
from typing import Any

import numpy as np

from benchmark.core.seeds import seed_for, stream
from benchmark.core.types import Labels

BLOCK = 1 << 16  # units that are worked on at once: keeps temporary arrays small on millions of labels


class Streams:
    """Uniform numbers per unit, one stream per name: ``streams["flip"]`` is (N,) in [0, 1).

    ``ids`` replaces the ids of the units; ``uses`` counts, for a whole chain of noises, how often each name was drawn (see ``after``).
    """

    def __init__(self, labels: Labels, *axes: Any, ids: np.ndarray | None = None, uses: dict[str, int] | None = None) -> None:
        # One unit per example: its id is the example's, and millions of them need no second array.
        own = labels.group if labels.width == 1 else labels.group * labels.width + labels.column
        self._ids = own if ids is None else ids
        self._axes = axes
        self._drawn: dict[str, np.ndarray] = {}
        self._uses: dict[str, int] = {} if uses is None else uses
        self._before = dict(self._uses)

    def __getitem__(self, name: str) -> np.ndarray:
        if name not in self._drawn:
            self._drawn[name] = stream(self._ids, "noise", *self._key(name), *self._axes)
        return self._drawn[name]

    def blocks(self, *names: str) -> Iterator[tuple[slice, list[np.ndarray]]]:
        """Slices of at most ``BLOCK`` units with their part of the streams. Millions of numbers are never held at once."""
        last = len(self._ids) - 1
        plain = last >= 0 and self._ids[0] == 0 and self._ids[-1] == last and bool(np.all(self._ids[1:] > self._ids[:-1]))
        generators = [self.generator(name) if plain and name not in self._drawn else None for name in names]
        for start in range(0, len(self._ids), BLOCK):
            part = slice(start, min(start + BLOCK, len(self._ids)))
            drawn = (self[name][part] if g is None else g.random(part.stop - start) for name, g in zip(names, generators, strict=True))
            yield part, list(drawn)

    def generator(self, name: str) -> np.random.Generator:
        """For what is drawn once per data set (a matrix, a projection), not per unit."""
        return np.random.Generator(np.random.Philox(key=seed_for("noise", *self._key(name), *self._axes)))

    def after(self, labels: Labels, ids: np.ndarray) -> Streams:
        """Streams for noise on top of this one: a name that was drawn here is drawn anew, all others are what they would be alone."""
        return Streams(labels, *self._axes, ids=ids, uses=self._uses)

    @property
    def ids(self) -> np.ndarray:
        """(N,) id of every unit."""
        return self._ids

    def _key(self, name: str) -> tuple[Any, ...]:
        number = self._before.get(name, 0)
        self._uses[name] = max(self._uses.get(name, 0), number + 1)
        return (name, number) if number else (name,)
