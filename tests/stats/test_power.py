"""Power: exact against known values and simulation, and the table of the documents."""

from __future__ import annotations

import numpy as np
import pytest
from scipy import stats as scipy_stats

from benchmark.core.paths import ROOT
from benchmark.stats import detectable, power, power_table, smallest_effect
from benchmark.stats.power import simulated_power


@pytest.mark.parametrize(("n", "expected"), [(3, 0.18), (5, 0.40), (10, 0.80)])
def test_power_of_one_sd_is_what_the_protocol_says(n: int, expected: float) -> None:
    assert power(1.0, n) == pytest.approx(expected, abs=0.005)
    assert simulated_power(1.0, n, 20_000, np.random.default_rng(n)) == pytest.approx(power(1.0, n), abs=0.03)


def test_power_of_scipys_test_is_the_same() -> None:
    rng = np.random.default_rng(0)
    method, baseline = rng.normal(size=(2, 5000, 5)) / np.sqrt(2)
    p = scipy_stats.ttest_rel(method + 1, baseline, axis=1).pvalue
    assert (p <= 0.05).mean() == pytest.approx(power(1.0, 5), abs=0.03)


@pytest.mark.parametrize("n", [2, 3, 8, 30])
def test_power_without_an_effect_is_the_level(n: int) -> None:
    assert power(0.0, n) == pytest.approx(0.05, abs=1e-6)
    assert power(0.0, n, alpha=0.01) == pytest.approx(0.01, abs=1e-6)
    assert power(-0.7, n) == pytest.approx(power(0.7, n), abs=1e-6)  # two-sided


@pytest.mark.parametrize("n", [2, 3, 5, 8, 10, 20, 100])
def test_smallest_effect_has_the_power_that_was_asked_for(n: int) -> None:
    assert power(smallest_effect(n), n) == pytest.approx(0.8, abs=1e-6)
    assert simulated_power(smallest_effect(n), n, 20_000, np.random.default_rng(1)) == pytest.approx(0.8, abs=0.02)


def test_smallest_effect_approaches_the_normal_formula() -> None:
    z = scipy_stats.norm.ppf([0.975, 0.8]).sum()
    assert smallest_effect(10_000) == pytest.approx(z / 100, rel=1e-3)


def test_one_seed_detects_nothing() -> None:
    assert np.isnan(power(1.0, 1))
    assert np.isnan(detectable(np.array([0.1, np.nan]), np.array([1, 0]))).all()


def test_detectable_scales_with_the_sd() -> None:
    found = detectable(np.array([[0.01, 0.02], [0.01, np.nan]]), np.array([[3, 3], [10, 10]]))
    assert found[0] == pytest.approx([0.01 * smallest_effect(3), 0.02 * smallest_effect(3)])
    assert found[1, 0] == pytest.approx(0.01, rel=0.01)  # ten seeds find one sd
    assert np.isnan(found[1, 1])


def test_the_table_of_the_documents_is_current() -> None:
    assert power_table() in (ROOT / "docs" / "statistics.md").read_text(encoding="utf8")
