"""What a number of seeds can show: exact power of the paired t-test, and the smallest difference that it detects."""

from __future__ import annotations

import functools

import numpy as np
from scipy.special import nctdtr, stdtrit

ALPHA = 0.05
POWER = 0.8
HALVINGS = 45  # of a range that doubled until it held the effect
TABLE_SEEDS, TABLE_EFFECTS = (3, 5, 8, 10, 20), (0.5, 1.0, 1.5, 2.0)


def power(effect: float, n: int, alpha: float = ALPHA) -> float:
    """P(two-sided paired t-test rejects) when the mean difference is ``effect`` sd of the paired differences.

    With nc = effect sqrt(n) and c = t_{1 - alpha/2, n - 1}: P(t'_{n-1, nc} > c) + P(t'_{n-1, nc} < -c), t' the
    noncentral t. Cohen, 1988, Statistical Power Analysis. NaN below two seeds.
    """
    if n < 2:
        return float("nan")
    c, nc = stdtrit(n - 1, 1 - alpha / 2), effect * np.sqrt(n)
    return float(1 - nctdtr(n - 1, nc, c) + np.nan_to_num(nctdtr(n - 1, nc, -c)))  # scipy says NaN where the far tail underflows


@functools.cache
def smallest_effect(n: int, target: float = POWER, alpha: float = ALPHA) -> float:
    """The effect, in sd of the paired differences, that n seeds find with probability ``target``; NaN below two seeds."""
    if n < 2:
        return float("nan")
    low, high = 0.0, 1.0
    while power(high, n, alpha) < target:
        low, high = high, 2 * high
    for _ in range(HALVINGS):
        middle = (low + high) / 2
        low, high = (middle, high) if power(middle, n, alpha) < target else (low, middle)
    return high


def detectable(sd: np.ndarray, n: np.ndarray, target: float = POWER, alpha: float = ALPHA) -> np.ndarray:
    """Smallest detectable difference = sd of the paired differences * smallest_effect(n), elementwise.

    It stands beside every "no difference": a smaller one would have been missed more often than not found.
    """
    sd, n = np.broadcast_arrays(np.asarray(sd, dtype=float), np.asarray(n, dtype=int))
    sizes, which = np.unique(n, return_inverse=True)
    factors = np.array([smallest_effect(int(size), target, alpha) for size in sizes])
    return np.asarray(sd * factors[which].reshape(n.shape))


def simulated_power(effect: float, n: int, runs: int, rng: np.random.Generator, alpha: float = ALPHA) -> float:
    """``power`` by simulation: the share of ``runs`` samples of n normal differences that the t-test rejects."""
    d = rng.normal(effect, 1.0, (runs, n))
    t = d.mean(1) / d.std(1, ddof=1) * np.sqrt(n)
    return float((np.abs(t) > stdtrit(n - 1, 1 - alpha / 2)).mean())


def power_table() -> str:
    """The table of ``docs/statistics.md``."""
    heads = ["seeds", *(f"effect {effect:g} sd" for effect in TABLE_EFFECTS), "found 8 times in 10"]
    lines = ["| " + " | ".join(heads) + " |", "|" + "---|" * len(heads)]
    for n in TABLE_SEEDS:
        lines.append(f"| {n} | " + " | ".join(f"{power(effect, n):.2f}" for effect in TABLE_EFFECTS) + f" | {smallest_effect(n):.2f} sd |")
    return "\n".join(lines) + "\n"
