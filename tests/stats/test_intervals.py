"""Intervals and p values against scipy."""

from __future__ import annotations

import numpy as np
import pytest
from scipy import stats as scipy_stats
from support.estimates import interval, series

from benchmark.stats import NOTHING, corrected_interval, holm, mean_interval, p_values, paired_difference, stars
from benchmark.stats.intervals import holm_within


@pytest.mark.parametrize("n", [2, 3, 10, 40])
@pytest.mark.parametrize("level", [0.8, 0.95])
def test_mean_interval_equals_scipy(n: int, level: float) -> None:
    values = np.random.default_rng(n).normal(5, 2, n)
    found = mean_interval(values, level)
    expected = scipy_stats.ttest_1samp(values, 0).confidence_interval(level)
    assert interval(found) == pytest.approx((values.mean(), expected.low, expected.high))
    assert (found.n, found.sd) == (n, pytest.approx(values.std(ddof=1)))


def test_mean_interval_of_one_value_is_open_and_of_none_is_nothing() -> None:
    one = mean_interval(np.array([0.7]))
    assert one
    assert (one.value, one.n) == (0.7, 1)
    assert np.isnan([one.low, one.high, one.sd]).all()
    assert mean_interval(np.array([])) is NOTHING
    assert not NOTHING


def test_mean_interval_of_equal_values_has_no_width() -> None:
    assert interval(mean_interval(np.full(5, 0.25))) == (0.25, 0.25, 0.25)


def test_mean_interval_covers_at_its_level() -> None:
    rng = np.random.default_rng(0)
    found = [mean_interval(rng.normal(1.0, 1.0, 4)) for _ in range(2000)]
    covered = np.mean([estimate.low <= 1.0 <= estimate.high for estimate in found])
    assert abs(covered - 0.95) < 4 * np.sqrt(0.95 * 0.05 / 2000)


def test_paired_difference_equals_the_paired_t_test() -> None:
    rng = np.random.default_rng(1)
    shared = rng.normal(size=8)
    method, baseline = shared + 0.3 + 0.1 * rng.normal(size=8), shared + 0.1 * rng.normal(size=8)
    found = paired_difference(series(method), series(baseline))
    expected = scipy_stats.ttest_rel(method, baseline).confidence_interval(0.95)
    assert interval(found) == pytest.approx((np.mean(method - baseline), expected.low, expected.high))
    assert found.high - found.low < 0.5 * (mean_interval(method).high - mean_interval(method).low)


def test_paired_difference_uses_the_seeds_that_both_have() -> None:
    method, baseline = series([1.0, 2.0, 3.0, 4.0], first=0), series([0.5, 0.0, 1.0], first=2)  # seeds 2 and 3
    assert interval(paired_difference(method, baseline)) == pytest.approx(interval(mean_interval(np.array([2.5, 4.0]))))
    assert paired_difference(method, baseline).n == 2
    assert interval(paired_difference(method[::-1], baseline)) == pytest.approx(interval(paired_difference(method, baseline)))
    assert not paired_difference(method, series([1.0], first=9))


def test_corrected_interval_is_wider_by_the_share_of_test_units() -> None:
    """Ten 90/10 resamples by hand: sqrt(1/10 + 1/9) instead of sqrt(1/10)."""
    values = np.random.default_rng(5).normal(size=10)
    plain, corrected = mean_interval(values), corrected_interval(values, n_train=90, n_test=10)
    assert (corrected.value, corrected.n, corrected.sd) == (plain.value, plain.n, plain.sd)
    assert (corrected.high - corrected.low) / (plain.high - plain.low) == pytest.approx(np.sqrt((1 / 10 + 1 / 9) / (1 / 10)))
    assert interval(corrected_interval(values, 90, 0)) == pytest.approx(interval(plain))
    assert corrected_interval(np.array([1.0]), 90, 10).n == 1
    assert corrected_interval(np.array([]), 90, 10) is NOTHING


def test_corrected_interval_covers_where_the_plain_one_does_not() -> None:
    """Scores of runs that share their data have correlation n_test / (n_train + n_test): the assumption of Nadeau and Bengio."""
    rng = np.random.default_rng(6)
    correlation, n = 0.2, 10
    values = np.sqrt(correlation) * rng.normal(size=(2000, 1)) + np.sqrt(1 - correlation) * rng.normal(size=(2000, n))
    covered = {
        "plain": np.mean([e.low <= 0 <= e.high for e in map(mean_interval, values)]),
        "corrected": np.mean([e.low <= 0 <= e.high for e in (corrected_interval(v, 80, 20) for v in values)]),
    }
    assert covered["plain"] < 0.8
    assert abs(covered["corrected"] - 0.95) < 0.02


def test_p_values_equal_the_paired_t_test() -> None:
    rng = np.random.default_rng(7)
    pairs = [rng.normal(size=(2, n)) for n in (2, 3, 8, 30)]
    d = [a - b for a, b in pairs]
    found = p_values(np.array([v.mean() for v in d]), np.array([v.std(ddof=1) for v in d]), np.array([len(v) for v in d]))
    assert found == pytest.approx([scipy_stats.ttest_rel(a, b).pvalue for a, b in pairs])


def test_p_values_at_the_edges() -> None:
    assert p_values(0.0, 0.0, 5) == 1  # erm under another name
    assert p_values(0.1, 0.0, 5) == 0
    assert np.isnan(p_values(np.array([0.1, np.nan]), np.array([np.nan, np.nan]), np.array([1, 0]))).all()


def test_holm_by_hand() -> None:
    """.01 * 4, .02 * 3, .03 * 2 (but not below .06), .9 * 1."""
    assert holm(np.array([0.03, 0.9, 0.01, 0.02])) == pytest.approx([0.06, 0.9, 0.04, 0.06])
    assert holm(np.array([0.5, 0.6])) == pytest.approx([1.0, 1.0])
    assert holm(np.array([0.02])) == pytest.approx([0.02])
    with_nothing = holm(np.array([np.nan, 0.01, 0.04, np.nan]))
    assert with_nothing[1:3] == pytest.approx([0.02, 0.04])  # NaN is no test
    assert np.isnan(with_nothing[[0, 3]]).all()
    assert len(holm(np.array([]))) == 0


def test_holm_lies_between_benjamini_hochberg_and_bonferroni() -> None:
    p = np.random.default_rng(8).beta(0.3, 2, size=30)
    assert (holm(p) >= scipy_stats.false_discovery_control(p) - 1e-12).all()
    assert (holm(p) <= np.minimum(p * len(p), 1) + 1e-12).all()


def test_holm_keeps_its_level_when_half_of_the_methods_are_equal() -> None:
    rng = np.random.default_rng(9)
    p = rng.random((4000, 10))
    p[:, 5:] *= 1e-6
    rejected = np.stack([holm(row) for row in p])[:, :5].min(1) <= 0.05
    assert rejected.mean() == pytest.approx(1 - 0.99**5, abs=4 * np.sqrt(0.05 * 0.95 / 4000))  # .05 over the five that are true


def test_holm_within_families_is_holm_of_each() -> None:
    rng = np.random.default_rng(10)
    p, family = rng.random(40) * 0.2, rng.integers(0, 5, 40)
    p[::7] = np.nan
    expected = np.empty(40)
    for f in range(5):
        expected[family == f] = holm(p[family == f])
    assert holm_within(p, family) == pytest.approx(expected, nan_ok=True)


def test_stars_need_eight_seeds() -> None:
    assert [stars(p, 8) for p in (0.0005, 0.005, 0.05, 0.051, np.nan)] == ["***", "**", "*", "", ""]
    assert stars(0.0, 7) == ""
    assert stars(0.04, 6, least=6) == "*"
