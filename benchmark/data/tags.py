"""Entities of IOB2 tags as arrays, for noise on spans."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass

import numpy as np

from benchmark.core.errors import ConfigError
from benchmark.core.types import Labels


@dataclass(frozen=True)
class Tagset:
    """``outside``: id of O; ``begin``, ``inside`` (T,): ids of B-t and I-t; ``kind``, ``starts`` (K,): type of a tag (-1 = O) and whether it is a B."""

    outside: int
    begin: np.ndarray
    inside: np.ndarray
    kind: np.ndarray
    starts: np.ndarray


@dataclass(frozen=True)
class Spans:
    """Entities: ``first`` and ``last`` unit (both belong to it) and ``kind``, (S,) each, in the order of the units."""

    first: np.ndarray
    last: np.ndarray
    kind: np.ndarray


def tagset(names: Sequence[str]) -> Tagset:
    """The ids behind tag names.

    Raises:
        ConfigError: no O, or a type without B- or I- tag.
    """
    types = sorted({name[2:] for name in names if name[:2] in ("B-", "I-")})
    lacking = [tag for tag in ("O", *(f"{p}-{t}" for t in types for p in "BI")) if tag not in names]
    if lacking or not types:
        raise ConfigError(f"noise on entities needs IOB2 tags; this task has {', '.join(names[:6])} and lacks {lacking[0] if lacking else 'B- and I- tags'}")
    kind = np.array([types.index(name[2:]) if name != "O" else -1 for name in names])
    begin, inside = (np.array([names.index(f"{p}-{t}") for t in types]) for p in "BI")
    return Tagset(names.index("O"), begin, inside, kind, np.array([name.startswith("B-") for name in names]))


def find_spans(labels: Labels, tags: Tagset) -> Spans:
    """Entities of the right tags. An I- that continues nothing begins one, as in conlleval."""
    live = labels.live & (labels.value >= 0)
    kind = np.where(live, tags.kind[np.maximum(labels.value, 0)], -1)
    begins = live & tags.starts[np.maximum(labels.value, 0)]
    before = np.r_[-1, kind[:-1]]
    before[labels.column == 0] = -1
    start = (kind >= 0) & (begins | (before != kind))
    goes_on = np.r_[(kind >= 0)[1:] & ~start[1:], False]
    first, last = np.flatnonzero(start), np.flatnonzero((kind >= 0) & ~goes_on)
    return Spans(first, last, kind[first])


def write_spans(observed: np.ndarray, spans: Spans, tags: Tagset) -> None:
    """Set the tags of entities that do not overlap, in place."""
    length = spans.last - spans.first + 1
    entity = np.repeat(np.arange(len(length)), length)
    unit = np.arange(len(entity)) - np.repeat(np.cumsum(length) - length, length) + spans.first[entity]
    observed[unit] = tags.inside[spans.kind[entity]]
    observed[spans.first] = tags.begin[spans.kind]
