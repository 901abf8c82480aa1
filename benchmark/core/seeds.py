"""Seeds, generators and streams, derived from the axes of chance that they belong to.

A seed never depends on the method, so that every method of a cell sees the same split, flips, batch order and,
where shapes agree, initial weights.
"""

from __future__ import annotations

from typing import TYPE_CHECKING, Any

import numpy as np

from benchmark.core.digests import digest

if TYPE_CHECKING:
    import torch  # not at run time: status and board do without

Seed = tuple[int, int, int]  # of split, noise and training


def seed_for(*axes: Any) -> int:
    """A 63-bit seed from its axes, e.g. ``seed_for("order", 3, epoch)``."""
    return int(digest(list(axes)), 16) >> 1


def generator(*axes: Any) -> torch.Generator:
    """A torch generator of its own for these axes. Global generators are never touched."""
    import torch

    return torch.Generator().manual_seed(seed_for(*axes))


def stream(ids: np.ndarray, *axes: Any) -> np.ndarray:
    """One uniform number in [0, 1) per id, from a counter-based generator (Philox) keyed by the axes.

    The number of an id depends on the id and the axes alone, so a subset of the data gets the same
    numbers as the whole.
    """
    if len(ids) == 0:
        return np.empty(0)
    last = int(ids.max())
    numbers = np.random.Generator(np.random.Philox(key=seed_for(*axes))).random(last + 1)
    if last + 1 == len(ids) and ids[0] == 0 and ids[-1] == last and bool(np.all(ids[1:] > ids[:-1])):
        return numbers
    return numbers[ids]
