"""Ratios against a brute-force inversion of the t-test, and the identities of the board."""

from __future__ import annotations

import numpy as np
import pandas as pd
import pytest
from scipy import stats as scipy_stats
from support.estimates import interval, series

from benchmark.stats import GATE, NOTHING, damage_reduction, decompose, fieller, gap_closed, mean_interval, paired_difference


def inverted(a: np.ndarray, b: np.ndarray, level: float = 0.95) -> tuple[float, float]:
    """Ends of the ratios that the t-test of mean(a - ratio b) = 0 does not reject, on a grid of 1e-4 of their width."""
    ratio = a.mean() / b.mean()
    critical = scipy_stats.t.ppf((1 + level) / 2, len(a) - 1)
    width = 10 * (np.abs(a - ratio * b).max() + 1e-9) / abs(b.mean())
    for _ in range(2):  # coarse, then between the ends
        grid = np.linspace(ratio - width, ratio + width, 40_001)
        residual = a - grid[:, None] * b
        accepted = grid[np.abs(residual.mean(1)) <= critical * residual.std(1, ddof=1) / np.sqrt(len(a))]
        width = 1.5 * max(accepted.max() - ratio, ratio - accepted.min())
    return accepted.min(), accepted.max()


@pytest.mark.parametrize(
    ("n", "mean", "spread", "correlation"), [(5, 0.5, 0.05, 0.0), (3, 2.0, 0.1, 0.9), (10, -1.0, 0.3, 0.5), (4, 0.2, 0.01, -0.8), (20, 0.0, 0.3, 0.0)]
)
def test_fieller_equals_the_inverted_t_test(n: int, mean: float, spread: float, correlation: float) -> None:
    rng = np.random.default_rng(n)
    b = 1.0 + 0.05 * rng.normal(size=n)
    a = mean + spread * (correlation * (b - 1) / 0.05 + np.sqrt(1 - correlation**2) * rng.normal(size=n))
    for sign in (1, -1):
        found = fieller(a, sign * b)
        low, high = inverted(a, sign * b)
        assert found.value == pytest.approx(a.mean() / (sign * b.mean()))
        assert (found.low, found.high) == pytest.approx((low, high), abs=1e-3 * (high - low))


def test_fieller_of_a_constant_denominator_is_the_t_interval() -> None:
    a = np.array([0.1, 0.3, 0.2, 0.5])
    for b in (2.0, -0.1, 0.3):
        expected = mean_interval(a / b)
        assert interval(fieller(a, np.full(4, b))) == pytest.approx(interval(expected), abs=1e-9)


def test_fieller_does_not_depend_on_scale() -> None:
    rng = np.random.default_rng(3)
    a, b = rng.normal(1, 0.1, 6), rng.normal(2, 0.1, 6)
    one = fieller(a, b)
    assert interval(fieller(100 * a, 50 * b)) == pytest.approx([2 * v for v in interval(one)])


def test_gate_hides_ratios_of_unstable_denominators() -> None:
    """g = t^2 Var(mean D) / mean(D)^2 on both sides of the gate: spread alone decides."""
    shape = np.array([-1.0, 0.0, 1.0])  # sd 1
    t2 = scipy_stats.t.ppf(0.975, 2) ** 2
    limit = np.sqrt(GATE * 3 / t2)  # the sd of a denominator of mean 1 that has g = .1
    a = np.array([0.4, 0.5, 0.6])
    assert fieller(a, 1 + 0.99 * limit * shape)
    assert not fieller(a, 1 + 1.01 * limit * shape)
    assert fieller(a, -1 - 0.99 * limit * shape)


@pytest.mark.parametrize(
    ("numerator", "denominator"),
    [([], []), ([1.0], [2.0]), ([1.0, 2.0], [0.0, 0.0]), ([1.0, 2.0], [1.0, -1.0]), ([1.0, 2.0, 3.0], [1e-3, -2e-3, 3e-3]), ([1.0, np.nan], [1.0, np.nan])],
)
def test_fieller_of_hopeless_pairs_is_nothing(numerator: list[float], denominator: list[float]) -> None:
    assert fieller(np.array(numerator), np.array(denominator)) is NOTHING


def scores(seed: int, n: int = 6) -> dict[str, pd.Series]:
    """erm and a method, on right and on noisy labels, seed by seed."""
    rng = np.random.default_rng(seed)
    shared = 0.01 * rng.normal(size=n)
    means = {"erm": 0.7, "method": 0.8, "erm_clean": 0.9, "method_clean": 0.92}
    return {name: series(mean + shared + 0.002 * rng.normal(size=n)) for name, mean in means.items()}


def test_gap_closed_is_the_share_of_the_way_to_right_labels() -> None:
    s = scores(0)
    found = gap_closed(s["method"], s["erm"], s["erm_clean"])
    assert found.value == pytest.approx((s["method"] - s["erm"]).mean() / (s["erm_clean"] - s["erm"]).mean())
    assert found.low < 0.5 < found.high
    assert gap_closed(s["erm"], s["erm"], s["erm_clean"]).value == 0.0
    assert gap_closed(s["erm_clean"], s["erm"], s["erm_clean"]).value == pytest.approx(1.0)
    assert gap_closed(s["erm"] - 0.1, s["erm"], s["erm_clean"]).value == pytest.approx(-0.5, abs=0.05)  # not clipped


@pytest.mark.parametrize("seed", range(5))
def test_gain_is_clean_gain_plus_damage_reduced(seed: int) -> None:
    """m - e = (m_clean - e_clean) + DR (e_clean - e)."""
    s = scores(seed)
    found = damage_reduction(s["method"], s["method_clean"], s["erm"], s["erm_clean"])
    gain, clean_gain = (s["method"] - s["erm"]).mean(), (s["method_clean"] - s["erm_clean"]).mean()
    assert gain == pytest.approx(clean_gain + found.value * (s["erm_clean"] - s["erm"]).mean())
    assert found.low < found.value < found.high


def test_damage_reduction_of_erm_is_zero_and_of_an_immune_method_one() -> None:
    s = scores(1)
    assert damage_reduction(s["erm"], s["erm_clean"], s["erm"], s["erm_clean"]).value == pytest.approx(0.0)
    assert damage_reduction(s["method"], s["method"], s["erm"], s["erm_clean"]).value == 1.0


def test_damage_reduction_is_gap_closed_without_clean_gain() -> None:
    s = scores(2)
    same_when_clean = damage_reduction(s["method"], s["erm_clean"], s["erm"], s["erm_clean"])
    assert interval(same_when_clean) == pytest.approx(interval(gap_closed(s["method"], s["erm"], s["erm_clean"])))


def test_ratios_use_the_seeds_that_all_have_and_hide_behind_the_gate() -> None:
    s = scores(3)
    fewer = gap_closed(s["method"].iloc[1:], s["erm"], s["erm_clean"].iloc[:-1])
    assert fewer.n == 4
    assert interval(fewer) == pytest.approx(interval(gap_closed(*(s[k].iloc[1:-1] for k in ("method", "erm", "erm_clean")))))
    assert damage_reduction(s["method"].iloc[:3], s["method_clean"], s["erm"], s["erm_clean"].iloc[1:]).n == 2
    undamaged = s["erm"] + 0.01 * np.array([1.0, -1.0, 0.5, -0.5, 1.0, -0.9])
    assert not gap_closed(s["method"], s["erm"], undamaged)
    assert not damage_reduction(s["method"], s["method_clean"], s["erm"], undamaged)


def test_gain_splits_exactly_into_clean_gain_and_damage_reduced() -> None:
    s = scores(4)
    parts = decompose(s["method"], s["method_clean"].iloc[1:], s["erm"], s["erm_clean"].iloc[:-1])
    assert parts.gain.n == parts.clean_gain.n == parts.damage_reduced.n == 4
    assert parts.gain.value == pytest.approx(parts.clean_gain.value + parts.damage_reduced.value, abs=1e-15)
    common = [v.iloc[1:-1] for v in (s["method"], s["method_clean"], s["erm"], s["erm_clean"])]
    damage = (common[3] - common[2]).mean()
    assert parts.damage_reduced.value == pytest.approx(damage_reduction(*common).value * damage)
    assert interval(parts.clean_gain) == pytest.approx(interval(paired_difference(common[1], common[3])))
