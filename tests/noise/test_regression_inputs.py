"""Errors of continuous targets: conventions, sides, tails, inputs, raters."""

from __future__ import annotations

from typing import Any

import numpy as np
import pytest
from scipy.stats import chisquare, kstest, spearmanr

from benchmark.api import load_noise
from benchmark.core.errors import ConfigError
from benchmark.core.types import Labels
from benchmark.data.problems import Regression
from benchmark.noise.base import Context
from benchmark.noise.regression_inputs import capped
from benchmark.noise.streams import Streams

LEVEL = 1e-3


@pytest.fixture(scope="module")
def labels() -> Labels:
    return Regression("z").labels(np.random.default_rng(0).gamma(2.0, 3.0, 6000))


def observed(name: str, labels: Labels, context: Context | None = None, **options: Any) -> np.ndarray:
    return load_noise(name, **options)(labels, Streams(labels, 0), context or Context()).observed


@pytest.mark.parametrize("unit", ["range", "sd", "absolute"])
def test_gaussian_errors_have_the_stated_unit(unit: str, labels: Labels) -> None:
    size = {"range": np.ptp(labels.value), "sd": labels.value.std(), "absolute": 1.0}[unit]
    error = observed("gaussian", labels, scale=0.4, unit=unit, per_sample=False) - labels.value
    assert kstest(error / (0.4 * size), "norm").pvalue > LEVEL
    mixed = observed("gaussian", labels, scale=0.4, unit=unit) - labels.value
    assert abs((mixed**2).mean() - (0.4 * size) ** 2 / 3) < 4 * (0.4 * size) ** 2 * np.sqrt((3 / 5 - 1 / 9) / 6000)


def test_the_three_uniform_conventions_differ() -> None:
    """Values 0, 1 and 10 with shares .6, .3 and .1."""
    labels = Regression("z").labels(np.repeat([0.0, 1.0, 10.0], [3600, 1800, 600]))
    of_zero = {over: observed("uniform_resample", labels, rate=1.0, over=over)[:3600] for over in ("empirical", "values", "range")}
    for over, share in (("empirical", [0.75, 0.25]), ("values", [0.5, 0.5])):
        counts = [(of_zero[over] == value).sum() for value in (1.0, 10.0)]
        assert sum(counts) == 3600
        assert chisquare(counts, 3600 * np.array(share)).pvalue > LEVEL
    assert kstest(of_zero["range"] / 10, "uniform").pvalue > LEVEL


def test_outliers_are_rare_and_gross(labels: Labels) -> None:
    given = observed("outliers", labels, rate=0.1, magnitude=10.0)
    wrong = given != labels.value
    assert abs(wrong.mean() - 0.1) < 4 * np.sqrt(0.09 / 6000)
    assert kstest((given - labels.value)[wrong] / (10 * labels.value.std()), "norm").pvalue > LEVEL


@pytest.mark.parametrize("shape", ["constant", "exponential"])
@pytest.mark.parametrize("shift", [0.8, -0.8])
def test_bias_has_one_side(shape: str, shift: float, labels: Labels) -> None:
    error = (observed("biased", labels, rate=0.4, shift=shift, shape=shape) - labels.value) / (shift * labels.value.std())
    wrong = np.abs(error) > 1e-12
    assert abs(wrong.mean() - 0.4) < 4 * np.sqrt(0.24 / 6000)
    assert (error[wrong] > 0).all()
    if shape == "constant":
        np.testing.assert_allclose(error[wrong], 1)
    else:
        assert kstest(error[wrong], "expon").pvalue > LEVEL


def test_quantized_targets_are_the_nearest_level(labels: Labels) -> None:
    given = observed("quantized", labels, levels=4)
    levels = np.linspace(labels.value.min(), labels.value.max(), 4)
    nearest = levels[np.abs(labels.value[:, None] - levels).argmin(1)]
    np.testing.assert_allclose(given, nearest)
    flat = Regression("z").labels(np.full(4, 2.0))
    assert np.array_equal(observed("quantized", flat), flat.value)


def test_heteroscedastic_deviation_follows_the_feature(labels: Labels) -> None:
    features = np.random.default_rng(1).normal(size=(6000, 3))
    given = observed("heteroscedastic", labels, Context(features=features), scale=0.5, feature=1)
    error = (given - labels.value) / labels.value.std()
    rank = (features[:, 1].argsort().argsort() + 0.5) / 6000
    assert kstest(error / rank, "norm").pvalue > LEVEL  # 2 x scale = 1
    assert abs(spearmanr(np.abs(error), features[:, 0]).statistic) < 4 / np.sqrt(6000)
    random = observed("heteroscedastic", labels, Context(features=features), scale=0.5) - labels.value
    assert abs((random**2).mean() / labels.value.var() - 1 / 3) < 0.05
    with pytest.raises(ConfigError, match=r"noise\.feature=3 does not exist: the task has features 0 to 2"):
        observed("heteroscedastic", labels, Context(features=features), feature=3)


def test_one_rater_speaks_for_the_panel(labels: Labels) -> None:
    sets = {name: labels.value + shift for name, shift in (("a", 1.0), ("b", 2.0), ("c", 3.0))}
    sets["b"] = np.where(np.arange(6000) < 3000, np.nan, sets["b"])
    sets["c"] = np.where(np.arange(6000) < 100, np.nan, sets["c"])
    sets["a"] = np.where(np.arange(6000) < 50, np.nan, sets["a"])
    shift = np.round(observed("rater", labels, Context(sets)) - labels.value)
    assert (shift[:50] == 0).all()  # rated by nobody
    assert (shift[50:100] == 1).all()
    assert chisquare([(shift[100:3000] == s).sum() for s in (1, 3)]).pvalue > LEVEL
    assert chisquare([(shift[3000:] == s).sum() for s in (1, 2, 3)]).pvalue > LEVEL
    only = observed("rater", labels, Context(sets), sets=["b"])
    assert np.array_equal(only[3000:], sets["b"][3000:])


@pytest.mark.parametrize(
    ("sets", "options", "hint"),
    [({}, {}, "needs ratings of single persons"), ({"a": np.zeros(6000)}, {"sets": ["b"]}, r"noise\.sets names 'b', which is not recorded .* are a")],
)
def test_raters_that_nobody_recorded_are_refused(sets: dict[str, np.ndarray], options: dict[str, Any], hint: str, labels: Labels) -> None:
    with pytest.raises(ConfigError, match=hint):
        observed("rater", labels, Context(sets), **options)


@pytest.mark.parametrize(
    ("name", "key", "value"), [("outliers", "magnitude", 0.0), ("biased", "shift", 0.0), ("biased", "shift", float("nan")), ("quantized", "levels", 1)]
)
def test_sizes_that_are_none_are_refused(name: str, key: str, value: float) -> None:
    with pytest.raises(ConfigError, match=rf"noise\.{key}="):
        load_noise(name, **{key: value})


def test_residual_noise_prefers_hard_samples_at_the_stated_rate() -> None:
    rng = np.random.default_rng(2)
    x = rng.normal(size=(4000, 3))
    hard = np.abs(x[:, 2])  # the linear probe cannot see this part
    labels = Regression("z").labels(x[:, 0] + 3 * hard * rng.choice([-1, 1], 4000))
    for rate in (0.2, 0.6):
        given = observed("instance_residual", labels, Context(features=x), rate=rate)
        wrong = given != labels.value
        assert wrong.mean() == pytest.approx(rate, abs=0.03)
        assert spearmanr(wrong, hard).statistic > 0.2
    assert set(given) <= set(labels.value)


def test_chances_are_proportional_to_weights_up_to_one() -> None:
    weight = np.random.default_rng(3).gamma(1.0, size=1000)
    weight[::10] = 0
    for rate in (0.1, 0.5, 0.8):
        chance = capped(weight, rate)
        assert chance.mean() == pytest.approx(rate)
        below = (chance < 1) & (weight > 0)
        assert np.ptp(chance[below] / weight[below]) < 1e-9
        assert (chance <= 1).all()
    assert capped(weight, 0.95).mean() == pytest.approx(0.95)
    assert (capped(np.zeros(5), 0.3) == 0.3).all()
