"""Sentences with entities, noise on them, and what of the entities is wrong."""

from __future__ import annotations

import functools
from collections import Counter
from typing import Any

import numpy as np

from benchmark.api import load_noise
from benchmark.core.types import Corruption, Labels
from benchmark.data.problems import Tagging
from benchmark.noise.base import Context
from benchmark.noise.streams import Streams

NAMES = ("O", "B-LOC", "I-LOC", "B-ORG", "I-ORG", "B-PER", "I-PER")
OUTSIDE = 0
Entity = tuple[int, int, int, int]  # sentence, first, last, type


@functools.cache
def labels_with_entities() -> Labels:
    """3,000 sentences of 16 tokens, about one entity in eight tokens, of one to three tokens."""
    rng = np.random.default_rng(0)
    y = np.zeros((3000, 16), dtype=np.int64)
    for row in y:
        at = int(rng.integers(0, 4))
        while at < 16:
            size, kind = int(rng.integers(1, 4)), int(rng.integers(0, 3))
            row[at : at + size] = 2 + 2 * kind
            row[at] = 1 + 2 * kind
            at += size + int(rng.integers(0, 10))
    return Tagging(NAMES, 16).labels(np.where(np.arange(16) >= rng.integers(10, 17, 3000)[:, None], -1, y))


def labels() -> Labels:
    return labels_with_entities()


def made(name: str, labels: Labels, context: Context | None = None, seed: int = 0, **options: Any) -> Corruption:
    return load_noise(name, **options)(labels, Streams(labels, seed), context or Context())


def entities(labels: Labels, tags: np.ndarray) -> set[Entity]:
    """By a plain scan."""
    found, open_ = set(), None
    for row, sentence in enumerate(tags.reshape(-1, labels.width).tolist()):
        for at, tag in enumerate([*sentence, OUTSIDE]):
            kind = (tag - 1) // 2 if tag > 0 else -1
            if open_ is not None and (tag <= 0 or tag % 2 == 1 or kind != open_[1]):
                found.add((row, open_[0], at - 1, open_[1]))
                open_ = None
            if open_ is None and tag > 0:
                open_ = (at, kind)
    return found


def errors(labels: Labels, observed: np.ndarray) -> Counter[str]:
    """Precision and recall, and counts of what overlaps what."""
    right, given = entities(labels, labels.value), entities(labels, observed)
    of_right, of_given = (np.zeros((3, labels.value.size), dtype=bool) for _ in range(2))
    places = {one[:3] for one in right}
    counts = Counter(right=len(right), given=len(given), correct=len(right & given))
    for grid, some in ((of_right, right), (of_given, given)):
        for row, first, last, _ in some:
            grid[0, row * labels.width + first : row * labels.width + last + 1] = True
    for row, first, last, _ in given - right:
        touched = of_right[0, row * labels.width + first : row * labels.width + last + 1].any()
        counts["spurious" if not touched else "type" if (row, first, last) in places else "boundary"] += 1
    counts["missing"] = sum(not of_given[0, row * labels.width + first : row * labels.width + last + 1].any() for row, first, last, _ in right)
    return counts


def assert_valid(labels: Labels, observed: np.ndarray) -> None:
    """No I- that continues nothing of its type."""
    grid = np.where(observed < 0, OUTSIDE, observed).reshape(-1, labels.width)
    before = np.concatenate([np.zeros((len(grid), 1), dtype=int), grid[:, :-1]], axis=1)
    inside = (grid > 0) & (grid % 2 == 0)
    assert ((before[inside] == grid[inside]) | (before[inside] == grid[inside] - 1)).all()
