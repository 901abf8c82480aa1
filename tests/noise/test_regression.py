"""Noise on continuous targets: whose values it draws, and how wide it is."""

from __future__ import annotations

import numpy as np
import pytest
from scipy.stats import chisquare, kstest, uniform

from benchmark.core.errors import ConfigError
from benchmark.core.types import Labels
from benchmark.data.problems import Regression
from benchmark.noise.base import Context, Noise
from benchmark.noise.regression import Gaussian, UniformResample
from benchmark.noise.streams import Streams

LEVEL = 1e-3


def labels_of(y: np.ndarray) -> Labels:
    return Regression("z").labels(np.asarray(y, dtype=float))


def observed(noise: Noise, labels: Labels, seed: int = 0) -> np.ndarray:
    return noise(labels, Streams(labels, seed), Context()).observed


def test_uniform_resample_never_returns_the_own_value() -> None:
    labels = labels_of(np.random.default_rng(0).normal(size=3000).round(1))  # many ties
    given = observed(UniformResample(1.0), labels)
    assert not (given == labels.value).any()
    assert set(given) <= set(labels.value)


def test_uniform_resample_draws_from_the_samples_of_other_values() -> None:
    """Values 0 to 3 with 1, 2, 3 and 4 parts: a wrong target is drawn in proportion to how often it occurs."""
    labels = labels_of(np.repeat([0.0, 1.0, 2.0, 3.0], [2000, 4000, 6000, 8000]))
    given = observed(UniformResample(1.0), labels)
    for own in range(4):
        others = np.array([k for k in range(4) if k != own])
        found = np.bincount(given[labels.value == own].astype(int), minlength=4)
        assert found[own] == 0
        share = (others + 1) / (others + 1).sum()
        assert chisquare(found[others], found.sum() * share).pvalue > LEVEL


def test_uniform_resample_of_distinct_targets_is_the_empirical_distribution() -> None:
    y = np.random.default_rng(1).gamma(2, size=4000)
    labels = labels_of(y)
    given = observed(UniformResample(1.0), labels)
    assert kstest(given, y).pvalue > LEVEL
    assert abs(np.corrcoef(given, y)[0, 1]) < 4 / np.sqrt(len(y))
    rank = np.searchsorted(np.sort(y), given) / len(y)
    assert kstest(rank, uniform.cdf).pvalue > LEVEL


def test_uniform_resample_flips_its_share_and_leaves_the_rest() -> None:
    labels = labels_of(np.random.default_rng(2).normal(size=5000))
    wrong = observed(UniformResample(0.4), labels) != labels.value
    assert abs(wrong.mean() - 0.4) < 4 * np.sqrt(0.24 / 5000)


@pytest.mark.parametrize("y", [[2.0] * 5, [1.0], [np.nan, 3.0, 3.0], [np.nan, np.nan]])
def test_uniform_resample_without_another_value_changes_nothing(y: list[float]) -> None:
    labels = labels_of(np.array(y))
    assert np.array_equal(observed(UniformResample(1.0), labels), labels.value, equal_nan=True)


def test_uniform_resample_draws_live_targets_only() -> None:
    labels = labels_of(np.where(np.arange(300) % 3 == 0, np.nan, np.arange(300.0)))
    given = observed(UniformResample(1.0), labels)
    assert np.array_equal(np.isnan(given), ~labels.live)
    assert set(given[labels.live]) <= set(labels.value[labels.live])


@pytest.mark.parametrize("scale", [0.1, 0.5, 2.0])
def test_gaussian_has_the_stated_spread(scale: float) -> None:
    """e = s z with s ~ U(0, S): mean 0, variance S^2 / 3, fourth moment 3 S^4 / 5."""
    labels = labels_of(np.random.default_rng(0).uniform(-3, 5, 20_000))
    widest = scale * np.ptp(labels.value)
    error = observed(Gaussian(scale), labels) - labels.value
    n = len(error)
    assert abs(error.mean()) < 4 * widest / np.sqrt(3 * n)
    assert abs((error**2).mean() - widest**2 / 3) < 4 * widest**2 * np.sqrt((3 / 5 - 1 / 9) / n)
    assert abs(np.corrcoef(error, labels.value)[0, 1]) < 4 / np.sqrt(n)


def test_gaussian_errors_are_normal_given_their_deviation() -> None:
    labels = labels_of(np.random.default_rng(1).uniform(0, 1, 5000))
    streams = Streams(labels, 0)
    error = Gaussian(0.3)(labels, streams, Context()).observed - labels.value
    assert kstest(error / (streams["flip"] * 0.3 * np.ptp(labels.value)), "norm").pvalue > LEVEL


def test_gaussian_errors_grow_with_the_scale_and_keep_their_sign() -> None:
    labels = labels_of(np.random.default_rng(2).normal(size=500))
    small, large = (observed(Gaussian(scale), labels) - labels.value for scale in (0.2, 0.6))
    np.testing.assert_allclose(large, 3 * small, rtol=1e-6, atol=1e-12)


def test_gaussian_range_is_that_of_the_live_targets() -> None:
    y = np.random.default_rng(3).normal(size=200)
    alone, beside = labels_of(y), labels_of(np.append(y, np.nan))
    np.testing.assert_array_equal(observed(Gaussian(0.3), alone), observed(Gaussian(0.3), beside)[:-1])


def test_gaussian_of_scale_zero_or_of_equal_targets_is_clean() -> None:
    y = np.random.default_rng(4).normal(size=50)
    assert np.array_equal(observed(Gaussian(0.0), labels_of(y)), y)
    assert np.array_equal(observed(Gaussian(0.5), labels_of(np.ones(9))), np.ones(9))


@pytest.mark.parametrize("scale", [-0.1, 10.5, float("nan"), True, "0.3"])
def test_gaussian_refuses_scales_that_are_none(scale: float) -> None:
    with pytest.raises(ConfigError, match=r"noise\.scale=.* is outside \[0, 10\]") as caught:
        Gaussian(scale)
    assert "\n" not in str(caught.value)


def test_gaussian_has_no_rate() -> None:
    assert Gaussian(0.3).nominal_rate() is None
    assert UniformResample(0.3).nominal_rate() == 0.3
