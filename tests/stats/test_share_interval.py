"""Intervals of shares stay shares, hold their mean, and are the usual ones where there is room."""

from __future__ import annotations

import numpy as np
import pytest

from benchmark.stats.intervals import mean_interval, share_interval


def ends(*values: float) -> tuple[float, float]:
    v = np.array(values)
    low, high = share_interval(*(np.array([x]) for x in (v.mean(), v.std(ddof=1) if len(v) > 1 else np.nan, len(v))))
    return float(low[0]), float(high[0])


@pytest.mark.parametrize("values", [(0.9, 0.999, 0.99), (0.01, 0.2, 0.0), (0.5, 0.99, 0.1)])
def test_ends_are_shares_around_the_mean(values: tuple[float, ...]) -> None:
    low, high = ends(*values)
    assert 0 <= low < np.mean(values) < high <= 1


def test_with_room_they_are_the_t_interval() -> None:
    plain = mean_interval(np.array([0.5, 0.502, 0.501]))
    assert ends(0.5, 0.502, 0.501) == (pytest.approx(plain.low, abs=1e-5), pytest.approx(plain.high, abs=1e-5))


def test_seeds_that_are_all_right_are_their_own_interval() -> None:
    assert ends(1.0, 1.0, 1.0) == (1.0, 1.0)
    assert np.isnan(ends(0.7)).all()
