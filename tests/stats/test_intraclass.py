"""The share of intraclass errors."""

from __future__ import annotations

import numpy as np
import pytest
from scipy.stats import f_oneway

from benchmark.stats.intraclass import intraclass_ratio


def test_intraclass_ratio() -> None:
    rng = np.random.default_rng(0)
    group = rng.integers(0, 40, 1000)
    value = rng.normal(size=1000) + 0.8 * rng.normal(size=40)[group]
    assert intraclass_ratio(value, group * 7 - 3) == pytest.approx(f_oneway(*[value[group == g] for g in range(40)]).statistic)
    independent = [intraclass_ratio(rng.normal(size=1000), group) for _ in range(40)]
    assert np.mean(independent) == pytest.approx(1, abs=0.12)
    # rho = .5 in groups of 5
    alike = rng.normal(size=(4000, 1)) + rng.normal(size=(4000, 5))
    assert intraclass_ratio(alike.reshape(-1), np.repeat(np.arange(4000), 5)) == pytest.approx((1 + 4 * 0.5) / 0.5, rel=0.05)
    for constant in (np.zeros(10), np.arange(10) // 5):
        assert np.isnan(intraclass_ratio(constant.astype(float), np.arange(10) // 5))
    assert np.isnan(intraclass_ratio(np.arange(10.0), np.zeros(10, dtype=np.int64)))
    assert np.isnan(intraclass_ratio(np.arange(10.0), np.arange(10)))
