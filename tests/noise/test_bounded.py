"""Rates of instances that stay below a bound."""

from __future__ import annotations

import numpy as np
import pytest
from support.instances import K, N, made

from benchmark.api import load_noise
from benchmark.core.errors import ConfigError
from benchmark.core.types import Labels


def test_bounded_rates_stay_below_the_bound_and_have_their_mean(labels: Labels, pixels: np.ndarray) -> None:
    found = made("bounded", labels, pixels, rate=0.3, bound=0.45)
    wrong = found.observed != labels.value
    assert abs(wrong.mean() - 0.3) < 4 * np.sqrt(0.21 / N)
    assert 0.3 < found.statistics["highest_instance_rate"] <= 0.45
    step = np.bincount((found.observed - labels.value)[wrong] % K, minlength=K)[1:] / wrong.sum()
    np.testing.assert_allclose(step, 1 / 9, atol=4 * np.sqrt(0.1 / wrong.sum()))
    with pytest.raises(ConfigError, match=r"noise\.rate=0\.5 is outside \[0, 0\.45\]"):
        load_noise("bounded", rate=0.5, bound=0.45)
