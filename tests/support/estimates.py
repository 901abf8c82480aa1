"""Scores by seed, and an estimate as a tuple."""

from __future__ import annotations

import numpy as np
import pandas as pd

from benchmark.stats import Estimate


def series(values: np.ndarray | list[float], first: int = 0) -> pd.Series:
    return pd.Series(np.asarray(values, dtype=float), index=[(s, s, s) for s in range(first, first + len(values))])


def interval(estimate: Estimate) -> tuple[float, float, float]:
    return estimate.value, estimate.low, estimate.high
