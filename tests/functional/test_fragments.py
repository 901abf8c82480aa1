"""Fragments of targets and the pairs that contrast most."""

from __future__ import annotations

import numpy as np
import pytest

from benchmark.functional.fragments import contrasting_pairs, fragment_edges, fragment_of


def test_fragments_have_equally_many_distinct_targets() -> None:
    y = np.random.default_rng(4).integers(0, 41, 500).astype(float)
    values = np.unique(y)
    edges = fragment_edges(values, 4)
    which = fragment_of(y, edges)
    assert sorted(len(np.unique(y[which == f])) for f in range(4)) == [10, 10, 10, 11]
    assert (fragment_of(values, edges) >= 0).all()
    assert fragment_of(np.array([-0.1, 40.1]), edges).tolist() == [-1, -1]


@pytest.mark.parametrize("seed", range(6))
def test_pairs_are_as_far_apart_as_any_matching_makes_them(seed: int) -> None:
    values = np.sort(np.random.default_rng(seed).exponential(size=90))
    edges = fragment_edges(values, 6)

    def matchings(left: tuple[int, ...]) -> list[list[tuple[int, int]]]:
        if not left:
            return [[]]
        return [[(left[0], b), *rest] for b in left[1:] for rest in matchings(tuple(f for f in left[1:] if f != b))]

    def gaps(found: list[tuple[int, int]]) -> list[float]:
        return [edges[b, 0] - edges[a, 1] for a, b in found]

    best = max((min(gaps(m)), sum(gaps(m))) for m in matchings(tuple(range(6))))
    found = contrasting_pairs(edges)
    assert (min(gaps(found)), sum(gaps(found))) == pytest.approx(best)


def test_equally_long_fragments_pair_with_the_one_half_the_range_away() -> None:
    for f in (4, 6, 8):
        assert contrasting_pairs(fragment_edges(np.arange(10.0 * f), f)) == [(a, a + f // 2) for a in range(f // 2)]
