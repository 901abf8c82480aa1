"""Who leads on some rows of one problem kind, in the metric's own unit, by rules that keep a headline from misleading.

Settings of a task are averaged first, then tasks, so that a task with three noises does not count three times. A method that lacks a
setting has no mean and no place. Only a gain whose interval leaves 0 out can lead, and what is as good is decided at one half-width for
all methods: single tests contradict the order of the means.
"""

from __future__ import annotations

from dataclasses import dataclass, field

import numpy as np
import pandas as pd
from scipy.special import stdtrit

from benchmark.stats.boards import block_names
from benchmark.stats.cell_table import CELL
from benchmark.stats.groups import as_text
from benchmark.stats.intervals import LEVEL, Estimate, t_quantile
from benchmark.stats.power import ALPHA, detectable

EARLY = "erm stopped early"  # erm at the epoch that noisy validation picks
CONTROLS = ("erm", "erm_ensemble", "erm_long", EARLY)  # never a headline: what a method is measured against
EDGE = 1e-6  # a mean at the end of the scale has no slope there


@dataclass(frozen=True)
class Standing:
    """Gains over erm of one problem kind, in points of the score, or in per cent less error."""

    means: dict[str, Estimate] = field(default_factory=dict)  # of every setting, largest first
    cells: dict[tuple[tuple[str, ...], str], Estimate] = field(default_factory=dict)  # by cell (``CELL``) and method, right labels too
    incomplete: dict[str, int] = field(default_factory=dict)  # how many settings a method lacks
    best: str | None = None
    tied: tuple[str, ...] = ()  # methods that these seeds do not tell from the best
    detectable: float = float("nan")  # mean gain that these seeds find 8 times in 10
    tasks: tuple[str, ...] = ()
    settings: int = 0


def standing(data: pd.DataFrame, baseline: str = "erm", clean: str = "clean") -> Standing:
    """Return who leads.

    Args:
        data: one line per run of one problem kind: ``CELL``, method, seed, score (larger is better), sign (-1: an error).
        baseline: what gains are over.
        clean: the noise that makes no label wrong; it is in ``cells`` and in no mean.
    """
    plain = as_text(data[[*CELL, "method", "seed", "score", "sign"]])
    wide = plain.set_index([*CELL, "seed", "method"])["score"].unstack("method")
    if baseline not in wide or not wide[baseline].notna().any():
        return Standing()
    error = bool((plain["sign"] < 0).all())
    wide = wide[wide[baseline].notna()]
    base = wide[baseline]
    unit = base.abs().groupby(level=CELL).transform("mean") if error else 1.0
    gains = wide.drop(columns=baseline).sub(base, axis=0).div(unit, axis=0) * 100
    cells = {
        (cell, str(method)): bounded(block[method].dropna().to_numpy(), error)
        for cell, block in gains.groupby(level=CELL, sort=False)
        for method in block
        if block[method].notna().any()
    }
    noisy = gains[gains.index.get_level_values("noise") != clean]
    if noisy.empty:
        return Standing(cells=cells)
    settings = noisy.index.droplevel("seed").unique()
    missing = {str(m): len(settings) - noisy[m].dropna().index.droplevel("seed").nunique() for m in noisy}
    complete = [method for method in noisy if not missing[str(method)]]
    by_seed = pd.DataFrame({str(method): over_tasks(noisy[method]) for method in complete})
    means = {name: bounded(by_seed[name].dropna().to_numpy(), error) for name in by_seed}
    means = dict(sorted(means.items(), key=lambda item: -item[1].value))
    best = next((name for name, gain in means.items() if name not in CONTROLS and gain.low > 0), None)
    half = common_half_width(by_seed.dropna().assign(**{baseline: 0.0}).to_numpy())
    others = {name: gain for name, gain in means.items() if best is not None and name != best}
    tied = tuple(n for n, gain in others.items() if abs(gain.value - means[str(best)].value) <= half)
    methods = [means[name].sd for name in means if name not in CONTROLS]
    spread = float(np.sqrt(np.mean(np.square(methods)))) if methods else float("nan")
    return Standing(
        means,
        cells,
        {name: number for name, number in missing.items() if number},
        best,
        tied,
        float(detectable(np.array(spread), np.array(len(by_seed)))),
        tuple(dict.fromkeys(map(str, settings.get_level_values("task")))),
        len(settings),
    )


def over_tasks(gains: pd.Series) -> pd.Series:
    """Return one value per seed that all settings have: settings of a task averaged, then tasks.

    Args:
        gains: of one method, one per cell and seed.
    """
    whole = gains.dropna()
    seeds = whole.index.get_level_values("seed")
    settings = gains.index.droplevel("seed").nunique()
    shared = pd.Series(1, index=seeds).groupby(level=0).transform("size").to_numpy() == settings
    kept = whole[shared]
    by_task = kept.groupby([seeds[shared], block_names(kept.to_frame())], sort=False).mean()
    return by_task.groupby(level=0, sort=False).mean()


def bounded(gains: np.ndarray, error: bool, level: float = LEVEL) -> Estimate:
    """Return the mean of gains (N,) in per cent with a t-interval that stays possible.

    A difference of two shares lies between -100 and 100: the interval is made on the scale of atanh. An error falls by less than 100 %
    and may rise without end: it is made on the logarithm of the error that is left. The slope at the mean carries the sd over.
    """
    values = np.asarray(gains, dtype=float) / 100
    n = len(values)
    if not n:
        return Estimate(float("nan"))
    mean = float(values.mean())
    if n == 1:
        return Estimate(100 * mean, n=1)
    sd = float(values.std(ddof=1))
    half = float(t_quantile(n, level)) * sd / np.sqrt(n)
    if error:
        left = max(1 - mean, EDGE)
        ends = 1 - left * np.exp(np.array([half, -half]) / left)
    else:
        inside = float(np.clip(mean, EDGE - 1, 1 - EDGE))
        ends = np.tanh(np.arctanh(inside) + np.array([-half, half]) / (1 - inside**2))
    low, high = 100 * ends
    return Estimate(100 * mean, float(low), float(high), n, 100 * sd)


def common_half_width(scores: np.ndarray, alpha: float = ALPHA) -> float:
    """Return the difference of two methods' means below which nobody tells them apart, one for all pairs with the best.

    The variance is what is left of scores (S, M) after seeds and methods, with (S - 1)(M - 1) degrees of freedom; Bonferroni over the
    M - 1 comparisons. NaN, so that nothing is as good as anything, with fewer than two seeds or methods.
    """
    seeds, methods = scores.shape
    freedom = (seeds - 1) * (methods - 1)
    if freedom < 1:
        return float("nan")
    rest = scores - scores.mean(0) - scores.mean(1, keepdims=True) + scores.mean()
    variance = float((rest**2).sum()) / freedom
    return float(stdtrit(freedom, 1 - alpha / (2 * (methods - 1))) * np.sqrt(2 * variance / seeds))
