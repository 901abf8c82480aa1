"""Do orders of methods carry over: from cheap tasks to expensive ones, from one set of test labels to another."""

from __future__ import annotations

from collections.abc import Callable
from dataclasses import dataclass

import numpy as np
import pandas as pd
from scipy.special import ndtr

from benchmark.stats.cell_table import CELL
from benchmark.stats.intervals import NOTHING, Estimate

RESAMPLES = 1000
LEAST_METHODS = 4  # fewer have too few orders to differ in


def ranked(values: np.ndarray) -> np.ndarray:
    """Ranks of every line from 1, equal values share the mean of theirs, (N, M) -> (N, M).

    >>> ranked(np.array([[0.5, 0.1, 0.5]])).tolist()
    [[2.5, 1.0, 2.5]]
    """
    return np.asarray(pd.DataFrame(values).rank(axis=1).to_numpy())


def spearman(x: np.ndarray, y: np.ndarray) -> float:
    """Correlation of ranks along the last axis, (..., M), (..., M) -> mean of the products of standardized ranks; NaN if all are equal."""
    a, b = ranked(np.array([x, y], dtype=float)) - (len(x) + 1) / 2
    size = np.sqrt((a**2).sum() * (b**2).sum())
    return float((a * b).sum() / size) if size > 0 else float("nan")


@dataclass(frozen=True)
class Transfer:
    """Spearman correlations of the order of methods between tasks, cheapest first."""

    tasks: list[str]
    seconds: list[float]
    correlation: np.ndarray  # (D, D)
    halves: Estimate  # of the mean over the cheaper half with that over the dearer half


def rank_transfer(z: pd.DataFrame, seconds: pd.Series, seed: int = 0) -> Transfer | None:
    """Does the order on cheap tasks predict the order on expensive ones? None below two tasks or four methods.

    Args:
        z: standardized gains, one line per task, one column per method.
        seconds: what a run of erm takes, per task.
        seed: of the bootstrap over methods that gives the interval.
    """
    order = seconds[z.index].sort_values(kind="stable").index
    if len(order) < 2 or z.shape[1] < LEAST_METHODS:
        return None
    values = z.loc[order].to_numpy()
    with np.errstate(invalid="ignore"):
        correlation = np.corrcoef(ranked(values))
    half = len(values) // 2
    cheap, dear = values[:half].mean(0), values[len(values) - half :].mean(0)
    rng = np.random.default_rng(seed)
    drawn = [spearman(cheap[at], dear[at]) for at in rng.integers(0, z.shape[1], (RESAMPLES, z.shape[1]))]
    low, high = np.nanquantile(drawn, [0.025, 0.975])
    return Transfer(
        [str(t) for t in order], [float(seconds[t]) for t in order], correlation, Estimate(spearman(cheap, dear), float(low), float(high), z.shape[1])
    )


def label_sensitivity(scores: pd.DataFrame, seed: int = 0) -> pd.DataFrame:
    """Does the order of methods change when other people's labels of the test part score them?

    Args:
        scores: CELL, method, seed, labels (which other labels), score and other (both larger is better).
        seed: of the bootstrap over seeds that gives the interval.

    Returns:
        One line per cell and labels with at least two methods: methods, tau (Kendall's, of the means over seeds) with low and high, moved (the method
        whose rank changes most), shift (by how much; negative is up), first and first_other.
    """
    lines = []
    from scipy.stats import kendalltau  # slow to import, and few boards have such labels

    for key, group in scores.groupby([*CELL, "labels"], sort=False, observed=True):
        wide = group.pivot_table(index="seed", columns="method", values=["score", "other"], aggfunc="first", sort=False).dropna(axis=1)
        names = [name for name in wide["score"].columns if name in wide["other"].columns] if {"score", "other"} <= set(wide.columns.get_level_values(0)) else []
        if len(names) < 2:
            continue
        own, other = wide["score"][names].to_numpy(), wide["other"][names].to_numpy()
        estimate = _bootstrapped(own, other, lambda a, b: kendalltau(a, b).statistic, seed)
        after, before = ranked(-np.array([other.mean(0), own.mean(0)]))
        shift = after - before
        most = int(np.abs(shift).argmax())
        first, second = (names[int(v.mean(0).argmax())] for v in (own, other))
        numbers = {"methods": len(names), "tau": estimate.value, "low": estimate.low, "high": estimate.high}
        lines.append(
            {
                **dict(zip([*CELL, "labels"], key, strict=True)),
                **numbers,
                "moved": names[most],
                "shift": float(shift[most]),
                "first": first,
                "first_other": second,
            }
        )
    return pd.DataFrame(lines)


def _bootstrapped(own: np.ndarray, other: np.ndarray, tau: Callable[[np.ndarray, np.ndarray], float], seed: int) -> Estimate:
    """tau of the means over seeds, (S, M) each, with its interval over resampled seeds; none for one seed."""
    value = float(tau(own.mean(0), other.mean(0)))
    if len(own) < 2 or not np.isfinite(value):
        return Estimate(value, n=len(own)) if np.isfinite(value) else NOTHING
    rng = np.random.default_rng(seed)
    drawn = [tau(own[at].mean(0), other[at].mean(0)) for at in rng.integers(0, len(own), (RESAMPLES // 4, len(own)))]
    low, high = np.nanquantile(drawn, [0.025, 0.975])
    return Estimate(value, float(low), float(high), len(own))


def pareto_front(quality: np.ndarray, cost: np.ndarray) -> np.ndarray:
    """Which methods nobody beats in both: none is at least as good and as cheap, and better in one. (M,), (M,) -> (M,) bool."""
    as_good, as_cheap = quality[None, :] >= quality[:, None], cost[None, :] <= cost[:, None]
    better = (quality[None, :] > quality[:, None]) | (cost[None, :] < cost[:, None])
    return np.asarray(~(as_good & as_cheap & better).any(1))


def nemenyi(methods: int, alpha: float = 0.05) -> float:
    """Nemenyi's q_alpha: the upper quantile of the range of so many standard normals, divided by sqrt 2.

    The quantile q solves M int phi(z) (Phi(z) - Phi(z - q))^(M - 1) dz = 1 - alpha. Demsar, 2006, Journal of Machine Learning Research 7.

    >>> [round(nemenyi(m), 3) for m in (2, 5, 10)]
    [1.96, 2.728, 3.164]
    """
    z = np.linspace(-8, 8, 1601)
    weight = methods * np.exp(-z * z / 2) / np.sqrt(2 * np.pi) * (z[1] - z[0])
    low, high = 0.0, 20.0
    for _ in range(40):
        q = (low + high) / 2
        low, high = (q, high) if (weight * (ndtr(z) - ndtr(z - q)) ** (methods - 1)).sum() < 1 - alpha else (low, q)
    return high / float(np.sqrt(2))


def critical_difference(methods: int, blocks: int, alpha: float = 0.05) -> float:
    """Mean ranks over ``blocks`` that are further apart differ: q_alpha sqrt(M (M + 1) / (6 D))."""
    return nemenyi(methods, alpha) * float(np.sqrt(methods * (methods + 1) / (6 * blocks)))


def cliques(ranks: np.ndarray, difference: float) -> list[tuple[int, int]]:
    """First and last of every largest group of sorted mean ranks that lie within ``difference``.

    >>> cliques(np.array([1.0, 1.5, 2.4, 5.0]), 1.0)
    [(0, 1), (1, 2)]
    """
    last = np.searchsorted(ranks, ranks + difference, side="right") - 1
    return [(at, int(end)) for at, end in enumerate(last) if end > at and (at == 0 or last[at - 1] < end)]
