"""Tests by sign flips against scipy's and against a loop over all flips."""

from __future__ import annotations

import itertools

import numpy as np
import pytest
from scipy import stats as scipy_stats

from benchmark.stats import max_t
from benchmark.stats.signflip import sign_flips


@pytest.mark.parametrize("tasks", [6, 9, 12])
def test_one_method_equals_scipys_exact_sign_flip_test(tasks: int) -> None:
    z = np.random.default_rng(tasks).normal(0.5, 1, tasks)
    expected = scipy_stats.permutation_test((z,), np.mean, permutation_type="samples", n_resamples=np.inf)
    assert max_t(z[:, None]).p[0] == pytest.approx(expected.pvalue)


def test_adjusted_p_values_equal_a_loop_over_all_flips() -> None:
    z = np.random.default_rng(0).normal([0, 0.5, 1.5], 1, (7, 3))

    def t(values: np.ndarray) -> np.ndarray:
        return np.abs(values.mean(0) / values.std(0, ddof=1))

    maxima = np.array([t(np.array(signs)[:, None] * z).max() for signs in itertools.product([1, -1], repeat=7)])
    assert max_t(z).p == pytest.approx([(maxima >= value - 1e-9).mean() for value in t(z)])


def test_smallest_p_is_two_over_two_to_the_tasks() -> None:
    """And five tasks, whose smallest p is .0625, are never tested."""
    for tasks in (6, 8):
        z = 1 + 0.01 * np.random.default_rng(tasks).normal(size=(tasks, 2))
        assert max_t(z).p == pytest.approx(2 / 2**tasks)
    few = max_t(z[:5])
    assert few.mean == pytest.approx(z[:5].mean(0))
    assert np.isnan([few.p, few.low, few.high]).all()


def test_flips_are_all_different_and_start_with_the_observed_signs() -> None:
    flips = sign_flips(6)
    assert len(np.unique(flips, axis=0)) == len(flips) == 32
    assert (flips[0] == 1).all()
    assert not (flips[:, None] == -flips).all(2).any()  # no flip is the mirror of another
    many = sign_flips(17, draws=100)
    assert many.shape == (100, 17)
    assert (many[0] == 1).all()
    assert (many == sign_flips(17, draws=100)).all()


def test_random_flips_agree_with_all_of_them(monkeypatch: pytest.MonkeyPatch) -> None:
    z = np.random.default_rng(2).normal([0, 0.4, 0.8], 1, (12, 3))
    exact = max_t(z)
    monkeypatch.setattr("benchmark.stats.signflip.EXACT", 11)
    drawn = max_t(z)
    assert drawn.p == pytest.approx(exact.p, abs=0.015)
    assert drawn.high - drawn.low == pytest.approx(exact.high - exact.low, rel=0.03)


@pytest.mark.parametrize("effect", [0.0, 1.0, 5.0])
def test_simultaneous_intervals_hold_all_effects_at_once(effect: float) -> None:
    rng = np.random.default_rng(3)
    covered = []
    for _ in range(500):
        level = rng.normal(size=(8, 7))
        found = max_t(effect + level[:, 1:] - level[:, :1])
        covered.append(((found.low <= effect) & (effect <= found.high)).all())
    assert np.mean(covered) > 0.95 - 3 * np.sqrt(0.05 * 0.95 / 500)


def test_an_interval_without_zero_is_significant() -> None:
    rng = np.random.default_rng(4)
    for _ in range(200):
        found = max_t(rng.normal([0, 0.5, 1, 3], 1, (7, 4)))
        assert (found.p[(found.low > 0) | (found.high < 0)] <= 0.05).all()


def test_a_method_equal_to_erm_is_not_a_division_by_zero() -> None:
    found = max_t(np.column_stack([np.zeros(6), np.ones(6)]))
    assert found.p == pytest.approx([1, 2 / 64])
    assert (found.low[0], found.high[0]) == (0, 0)
