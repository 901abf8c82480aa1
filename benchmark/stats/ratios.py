"""Ratios to the damage that noise does, with Fieller's interval, and the two parts of a gain."""

from __future__ import annotations

from dataclasses import dataclass

import numpy as np
import pandas as pd

from benchmark.stats.intervals import LEVEL, NOTHING, Estimate, mean_interval, t_quantile

GATE = 0.1  # a ratio is shown only if t^2 Var(D) / D^2 of its denominator is below this


@dataclass(frozen=True)
class Moments:
    """Of paired values (a, b): number, means, variances and covariance (ddof 1), each an array of equal shape."""

    n: np.ndarray
    mean_a: np.ndarray
    mean_b: np.ndarray
    var_a: np.ndarray
    var_b: np.ndarray
    cov: np.ndarray


def fieller_from(m: Moments, level: float = LEVEL) -> tuple[np.ndarray, np.ndarray, np.ndarray]:
    """mean(a) / mean(b) with Fieller's interval, elementwise: (ratio, low, high), NaN where the gate is closed.

    The interval holds every ratio r for which the t-test of mean(a - r b) = 0 does not reject. Fieller, 1954, Journal of
    the Royal Statistical Society B 16. With g = t^2 Var(mean b) / mean(b)^2 < .1 it is bounded and close to symmetric.
    """
    with np.errstate(divide="ignore", invalid="ignore"):
        t2 = t_quantile(m.n, level) ** 2
        va, vb, c = m.var_a / m.n, m.var_b / m.n, m.cov / m.n
        g, ratio = t2 * vb / m.mean_b**2, m.mean_a / m.mean_b
        slope = np.where(vb > 0, c / vb, 0.0)
        center = (ratio - g * slope) / (1 - g)
        spread = va - 2 * ratio * c + ratio**2 * vb - g * (va - slope * c)
        half = np.sqrt(t2 * np.maximum(spread, 0.0)) / np.abs(m.mean_b) / (1 - g)
    closed = ~(g < GATE) | (m.mean_b == 0)
    ratio, low, high = (np.where(closed, np.nan, v) for v in (ratio, center - half, center + half))
    return ratio, low, high


def fieller(numerator: np.ndarray, denominator: np.ndarray, level: float = LEVEL) -> Estimate:
    """mean(numerator) / mean(denominator) of paired values with Fieller's interval.

    Shown only if g = t^2 Var(mean D) / mean(D)^2 < .1: then the interval is bounded and close to symmetric. Otherwise,
    or with fewer than two pairs, nothing is returned.
    """
    a, b = np.asarray(numerator, dtype=float), np.asarray(denominator, dtype=float)
    n = len(a)
    if n < 2:
        return NOTHING
    (va, c), (_, vb) = np.cov(a, b, ddof=1)
    ratio, low, high = fieller_from(Moments(*(np.array([v]) for v in (n, a.mean(), b.mean(), va, vb, c))), level)
    return Estimate(float(ratio[0]), float(low[0]), float(high[0]), n) if np.isfinite(ratio[0]) else NOTHING


def gap_closed(method: pd.Series, erm: pd.Series, erm_clean: pd.Series) -> Estimate:
    """G = mean(m - e) / mean(c - e) over seeds: share of the way from erm on noisy to erm on right labels. Not clipped."""
    method, erm, erm_clean = _common(method, erm, erm_clean)
    return fieller((method - erm).to_numpy(), (erm_clean - erm).to_numpy())


def damage_reduction(method: pd.Series, method_clean: pd.Series, erm: pd.Series, erm_clean: pd.Series) -> Estimate:
    """DR = 1 - (m_clean - m_noisy) / (e_clean - e_noisy): what a method repairs, apart from what it gains on right labels."""
    method, method_clean, erm, erm_clean = _common(method, method_clean, erm, erm_clean)
    lost = fieller((method_clean - method).to_numpy(), (erm_clean - erm).to_numpy())
    return Estimate(1 - lost.value, 1 - lost.high, 1 - lost.low, lost.n) if lost else NOTHING


@dataclass(frozen=True)
class Gain:
    """m_noisy - e_noisy = (m_clean - e_clean) + damage reduced, over the seeds that all four have."""

    gain: Estimate
    clean_gain: Estimate
    damage_reduced: Estimate


def decompose(method: pd.Series, method_clean: pd.Series, erm: pd.Series, erm_clean: pd.Series) -> Gain:
    """The gain over erm as what the method adds on right labels too, plus what it repairs.

    damage reduced = (e_clean - e_noisy) - (m_clean - m_noisy), in units of the score: it needs no gate. Values of
    the two parts add up to the gain; their intervals do not.
    """
    method, method_clean, erm, erm_clean = _common(method, method_clean, erm, erm_clean)
    gain, clean = (method - erm).to_numpy(), (method_clean - erm_clean).to_numpy()
    return Gain(mean_interval(gain), mean_interval(clean), mean_interval(gain - clean))


def _common(*scores: pd.Series) -> tuple[pd.Series, ...]:
    """The series on the seeds that all of them have."""
    both = scores[0].index
    for other in scores[1:]:
        both = both.intersection(other.index)
    return tuple(s[both] for s in scores)
