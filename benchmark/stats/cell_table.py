"""All numbers of all cells in one pass: rows -> one line per cell, track and method."""

from __future__ import annotations

import numpy as np
import pandas as pd

from benchmark.core.errors import DataError
from benchmark.stats.groups import groups, keys
from benchmark.stats.intervals import LEVEL, holm_within, p_values, stars, t_quantile
from benchmark.stats.power import detectable
from benchmark.stats.ratios import Moments, fieller_from

PLACE = ["task", "model", "trainer"]  # what a noisy cell shares with its clean one
CELL = ["task", "noise", "model", "trainer"]
LINE = [*CELL, "track", "method"]


def cell_table(data: pd.DataFrame, baseline: str = "erm", clean: str = "clean", level: float = LEVEL) -> pd.DataFrame:
    """Every statistic of every cell.

    Args:
        data: one line per run and track: task, noise, model, trainer, track, method, seed, score (larger is better).
        baseline: the method that all are compared with.
        clean: the noise whose cells hold right labels.
        level: of the intervals.

    Returns:
        One line per cell, track and method, in order of first appearance. ``n mean sd low high``; against the baseline, paired by seed:
        ``gain gain_low gain_high gain_sd gain_n p p_holm stars detectable``; on noisy labels ``gap_closed``, ``damage_reduction``
        (Fieller), ``clean_gain``, ``damage_reduced`` with ``_low`` and ``_high``. NaN where the data cannot tell.

    Raises:
        DataError: a run occurs twice.
    """
    m, e, mc, ec = _with_references(data, baseline, clean)
    group, first = groups(data, LINE)
    out = data.iloc[first][LINE].reset_index(drop=True)
    own = _moments(group, len(out), m, m)
    out = out.assign(n=own.n.astype(int), mean=own.mean_a, sd=np.sqrt(own.var_a))
    out["low"], out["high"] = _around(own, level)
    added = mc - ec + 0 * e  # over the seeds that all four have, so that the two parts of a gain add up
    for name, difference in (("gain", m - e), ("clean_gain", added), ("damage_reduced", m - e - added)):
        found = _moments(group, len(out), difference, difference)
        out[name] = found.mean_a
        out[f"{name}_low"], out[f"{name}_high"] = _around(found, level)
        if name == "gain":
            out["gain_sd"], out["gain_n"] = np.sqrt(found.var_a), found.n.astype(int)
    out["gap_closed"], out["gap_closed_low"], out["gap_closed_high"] = fieller_from(_moments(group, len(out), m - e, ec - e), level)
    ratio, low, high = fieller_from(_moments(group, len(out), mc - m, ec - e), level)
    out["damage_reduction"], out["damage_reduction_low"], out["damage_reduction_high"] = 1 - ratio, 1 - high, 1 - low
    out["p"] = p_values(out["gain"].to_numpy(), out["gain_sd"].to_numpy(), out["gain_n"].to_numpy())
    out["p_holm"] = holm_within(out["p"].to_numpy(), groups(out, [*CELL, "track"])[0])
    out["stars"] = [stars(p, n) for p, n in zip(out["p_holm"], out["gain_n"], strict=True)]
    out["detectable"] = detectable(out["gain_sd"].to_numpy(), out["gain_n"].to_numpy())
    return out


def _with_references(data: pd.DataFrame, baseline: str, clean: str) -> tuple[np.ndarray, ...]:
    """Each run's score with those of the same seed that it is compared with: erm's, its own on right labels, erm's on right labels.

    NaN where there is none, or none that says anything.
    """
    run = keys(data, [*LINE, "seed"])
    twice = pd.Series(run).duplicated().to_numpy()
    if twice.any():
        names = " ".join(str(data[name].iloc[twice.argmax()]) for name in (*LINE, "seed"))
        raise DataError(f"two rows for {names}: remove the one that another version of a plugin made")
    score = data["score"].to_numpy(dtype=float)
    is_erm, is_clean = (data["method"] == baseline).to_numpy(), (data["noise"] == clean).to_numpy()
    same_place = [*PLACE, "track", "seed"]
    erm = _look_up(score, is_erm, keys(data, [*CELL, "track", "seed"]))
    erm_clean = _look_up(score, is_erm & is_clean, keys(data, same_place))
    own_clean = _look_up(score, is_clean, keys(data, [*same_place, "method"]))
    erm[is_erm] = np.nan  # erm is not compared with itself
    for reference in (own_clean, erm_clean):
        reference[is_erm | is_clean] = np.nan  # nor is there damage to repair on right labels
    return score, erm, own_clean, erm_clean


def _look_up(score: np.ndarray, chosen: np.ndarray, key: np.ndarray) -> np.ndarray:
    """The score of the chosen run that agrees with each run in its key."""
    at = pd.Index(key[chosen]).get_indexer(pd.Index(key))
    return np.append(score[chosen], np.nan)[at]  # -1 is nobody


def _moments(group: np.ndarray, groups: int, a: np.ndarray, b: np.ndarray) -> Moments:
    """Moments of the pairs of each group, pairs with a NaN left out."""
    use = np.isfinite(a) & np.isfinite(b)
    g, a, b = group[use], a[use], b[use]
    with np.errstate(divide="ignore", invalid="ignore"):
        n = np.bincount(g, minlength=groups)
        means = [np.bincount(g, weights=v, minlength=groups) / n for v in (a, b)]
        da, db = a - means[0][g], b - means[1][g]
        spread = [np.bincount(g, weights=v, minlength=groups) / np.where(n > 1, n - 1, np.nan) for v in (da * da, db * db, da * db)]
    return Moments(n, *means, *spread)


def _around(m: Moments, level: float) -> tuple[np.ndarray, np.ndarray]:
    """Ends of the t-interval of mean_a."""
    half = t_quantile(m.n, level) * np.sqrt(m.var_a / np.maximum(m.n, 1))
    return m.mean_a - half, m.mean_a + half
