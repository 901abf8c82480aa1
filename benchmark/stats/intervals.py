"""Means, paired differences and their tests. Larger is better everywhere: errors are negated before they come here."""

from __future__ import annotations

from dataclasses import dataclass

import numpy as np
import pandas as pd
from scipy.special import stdtr, stdtrit

LEVEL = 0.95
LEAST_SEEDS = 8  # with fewer, a p-value rests on a variance that nobody knows: intervals, but no stars
STARS = ((0.001, "***"), (0.01, "**"), (0.05, "*"))


@dataclass(frozen=True)
class Estimate:
    """A mean or ratio with its 95 % interval."""

    value: float
    low: float = float("nan")
    high: float = float("nan")
    n: int = 0
    sd: float = float("nan")

    def __bool__(self) -> bool:
        return bool(np.isfinite(self.value))


NOTHING = Estimate(float("nan"))


def t_quantile(n: np.ndarray | int, level: float = LEVEL) -> np.ndarray:
    """t with which ``mean +- t sd / sqrt(n)`` is the interval of a mean of n values, elementwise; NaN below two values.

    >>> float(t_quantile(3).round(3))
    4.303
    """
    n = np.asarray(n)
    return np.asarray(stdtrit(np.where(n > 1, n - 1.0, np.nan), (1 + level) / 2))


def mean_interval(values: np.ndarray, level: float = LEVEL) -> Estimate:
    """Mean, sd and t-interval mean +- t sd / sqrt(n); the interval needs two values."""
    values = np.asarray(values, dtype=float)
    return _interval(values, 1 / max(len(values), 1), level)


def share_interval(mean: np.ndarray, sd: np.ndarray, n: np.ndarray, level: float = LEVEL) -> tuple[np.ndarray, np.ndarray]:
    """Return the ends of the t-interval of means of shares, (C,) each, made on the logit scale so that it stays in [0, 1].

    The slope of the logit at the mean carries the sd over: ``logit(mean) +- t sd / sqrt(n) / (mean (1 - mean))``. A mean of 0 or 1 is
    its own interval where its values are equal. NaN below two values.

    >>> [float(end[0].round(3)) for end in share_interval(np.array([0.96]), np.array([0.0177]), np.array([3]))]
    [0.884, 0.987]
    """
    half = t_quantile(n, level) * sd / np.sqrt(np.maximum(n, 1))
    with np.errstate(divide="ignore", invalid="ignore"):
        center, reach = np.log(mean / (1 - mean)), half / (mean * (1 - mean))
        low, high = (1 / (1 + np.exp(-(center + side * reach))) for side in (-1, 1))
    edge = (mean <= 0) | (mean >= 1)
    return np.where(edge, mean - half, low), np.where(edge, mean + half, high)


def corrected_interval(values: np.ndarray, n_train: int, n_test: int, level: float = LEVEL) -> Estimate:
    """Interval of a mean over runs that each drew their test set anew: mean +- t sd sqrt(1/n + n_test / n_train).

    Such runs share most of their training data, so the plain interval is too short, and more runs do not make it
    arbitrarily short. Nadeau and Bengio, 2003, Machine Learning 52. Not for runs on one fixed test set.
    """
    values = np.asarray(values, dtype=float)
    return _interval(values, 1 / max(len(values), 1) + n_test / n_train, level)


def _interval(values: np.ndarray, factor: float, level: float) -> Estimate:
    """Mean with the half width t sd sqrt(factor)."""
    n = len(values)
    if n == 0:
        return NOTHING
    if n == 1:
        return Estimate(float(values[0]), n=1)
    sd, mean = float(values.std(ddof=1)), float(values.mean())
    half = float(t_quantile(n, level)) * sd * np.sqrt(factor)
    return Estimate(mean, mean - half, mean + half, n, sd)


def paired_difference(method: pd.Series, baseline: pd.Series, level: float = LEVEL) -> Estimate:
    """Interval of the mean of method - baseline over the seeds that both have."""
    both = method.index.intersection(baseline.index)
    return mean_interval((method[both] - baseline[both]).to_numpy(), level)


def p_values(mean: np.ndarray, sd: np.ndarray, n: np.ndarray) -> np.ndarray:
    """Two-sided t-test of mean = 0, elementwise; NaN below two values.

    Differences that are all zero (a method that is erm under another name) have p = 1.
    """
    mean, sd, n = np.broadcast_arrays(np.asarray(mean, float), np.asarray(sd, float), np.asarray(n, float))
    with np.errstate(divide="ignore", invalid="ignore"):
        t = np.abs(mean) / (sd / np.sqrt(n))
        p = 2 * stdtr(np.where(n > 1, n - 1, np.nan), -np.where((sd == 0) & (mean == 0), 0.0, t))
    return np.asarray(p)


def holm(p: np.ndarray) -> np.ndarray:
    """Adjusted p-values of one family, (M,) -> (M,): p_(i) -> max over j <= i of (M - j + 1) p_(j), at most 1.

    Holm, 1979, Scandinavian Journal of Statistics 6. NaN stays NaN and does not count as a test.
    """
    p, out = np.asarray(p, dtype=float), np.full(len(p), np.nan)
    use = np.flatnonzero(np.isfinite(p))
    use = use[np.argsort(p[use], kind="stable")]
    out[use] = np.minimum(np.maximum.accumulate(p[use] * np.arange(len(use), 0, -1)), 1.0)
    return out


def holm_within(p: np.ndarray, family: np.ndarray) -> np.ndarray:
    """``holm`` in each family (integer codes), (M,), (M,) -> (M,)."""
    p, out = np.asarray(p, dtype=float), np.full(len(p), np.nan)
    use = np.flatnonzero(np.isfinite(p))
    use = use[np.lexsort((p[use], family[use]))]
    if len(use):
        _, start, size = np.unique(family[use], return_index=True, return_counts=True)
        remaining = np.repeat(size + start, size) - np.arange(len(use))
        raised = pd.Series(p[use] * remaining).groupby(family[use]).cummax()
        out[use] = np.minimum(raised.to_numpy(), 1.0)
    return out


def stars(p: float, n: int, least: int = LEAST_SEEDS) -> str:
    """``*`` to ``***`` for p <= .05, .01, .001; nothing for fewer than ``least`` seeds (or tasks), or without a p-value."""
    return "" if n < least else next((mark for limit, mark in STARS if p <= limit), "")
