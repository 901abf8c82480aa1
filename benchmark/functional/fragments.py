"""Fragments of the range of targets, and pairs of fragments that are far apart."""

from __future__ import annotations

from itertools import combinations

import numpy as np


def fragment_edges(values: np.ndarray, fragments: int) -> np.ndarray:
    """(F, 2) smallest and largest target of parts with equally many distinct ones.

    Args:
        values: sorted distinct targets, at least F of them.

    >>> fragment_edges(np.arange(8.0), 4).tolist()
    [[0.0, 1.0], [2.0, 3.0], [4.0, 5.0], [6.0, 7.0]]
    """
    return np.array([[part[0], part[-1]] for part in np.array_split(values, fragments)])


def fragment_of(y: np.ndarray, edges: np.ndarray) -> np.ndarray:
    """(N,) fragment of every target, -1 outside of all. Between two fragments the lower one ends where the upper one begins.

    >>> fragment_of(np.array([-1.0, 0.5, 2.0, 9.0]), np.array([[0.0, 1.0], [2.0, 3.0]])).tolist()
    [-1, 0, 1, -1]
    """
    which = np.searchsorted(edges[:, 0], y, side="right") - 1
    found: np.ndarray = np.where((y >= edges[0, 0]) & (y <= edges[-1, 1]), which, -1)
    return found


def contrasting_pairs(edges: np.ndarray) -> list[tuple[int, int]]:
    """Perfect matching of the fragments whose smallest distance within a pair is the largest possible; of those, the one of largest total distance.

    The distance of two fragments is the gap between their nearest targets. Equally long fragments give (f, f + F / 2).

    >>> contrasting_pairs(np.array([[0.0, 1.0], [2.0, 3.0], [4.0, 5.0], [6.0, 7.0]]))
    [(0, 2), (1, 3)]
    """
    import networkx  # half a second to import, and every start of a sweep looks at the methods

    gap = {(a, b): float(edges[b, 0] - edges[a, 1]) for a, b in combinations(range(len(edges)), 2)}
    for least in sorted(set(gap.values()), reverse=True):
        graph = networkx.Graph()
        graph.add_weighted_edges_from((a, b, d) for (a, b), d in gap.items() if d >= least)
        found = networkx.max_weight_matching(graph, maxcardinality=True)
        if 2 * len(found) == len(edges):
            return sorted((min(pair), max(pair)) for pair in found)
    raise ValueError(f"{len(edges)} fragments cannot be paired: give an even number")
