"""Cross-validation folds."""

from __future__ import annotations

import numpy as np


def group_folds(groups: np.ndarray, count: int, generator: np.random.Generator) -> list[np.ndarray]:
    """Positions of each of at most ``count`` folds: equal parts of a random order in which the members of a group (E,) stand side by side.

    A group that reaches over the end of a part stays in it.

    >>> sorted(sorted(fold.tolist()) for fold in group_folds(np.array([0, 1, 0, 1, 0, 1]), 2, np.random.default_rng(0)))
    [[0, 2, 4], [1, 3, 5]]
    """
    order = generator.permutation(len(groups))
    _, member = np.unique(groups, return_inverse=True)
    _, first = np.unique(member[order], return_index=True)
    order = order[np.argsort(first[member[order]], kind="stable")]
    _, first = np.unique(member[order], return_index=True)
    part = np.repeat(np.arange(count), [len(fold) for fold in np.array_split(order, count)])[first[member[order]]]
    return [order[part == k] for k in np.unique(part)]
