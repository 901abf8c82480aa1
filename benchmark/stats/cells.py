"""All numbers of all cells in one pass: rows -> one line per cell, track and method."""

from __future__ import annotations

import numpy as np
import pandas as pd
from scipy.stats import t as student

from benchmark.errors import DataError
from benchmark.stats.intervals import LEVEL, holm_within, p_values, stars
from benchmark.stats.power import detectable
from benchmark.stats.ratios import Moments, fieller_from

PLACE = ["task", "model", "trainer"]  # what a noisy cell shares with its clean one
CELL = ["task", "noise", "model", "trainer"]


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
    runs = _with_references(data, baseline, clean)
    keys = [*CELL, "track", "method"]
    group = runs.groupby(keys, sort=False, observed=True).ngroup().to_numpy()
    first = np.unique(group, return_index=True)[1]
    out = runs.iloc[first][keys].reset_index(drop=True)
    m, e, mc, ec = (runs[name].to_numpy() for name in ("score", "erm", "own_clean", "erm_clean"))
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
    out["p_holm"] = holm_within(out["p"].to_numpy(), out.groupby([*CELL, "track"], sort=False, observed=True).ngroup().to_numpy())
    out["stars"] = [stars(p, n) for p, n in zip(out["p_holm"], out["gain_n"], strict=True)]
    out["detectable"] = detectable(out["gain_sd"].to_numpy(), out["gain_n"].to_numpy())
    return out


def _with_references(data: pd.DataFrame, baseline: str, clean: str) -> pd.DataFrame:
    """Each run with the scores of the same seed that it is compared with; NaN where there are none, or none that say anything."""
    run = [*CELL, "track", "method", "seed"]
    runs = data[[*run, "score"]].astype({"score": float}).reset_index(drop=True)
    # Integer codes: the keys hold tuples and text, which would be hashed for every merge.
    codes = pd.DataFrame({name: pd.factorize(runs[name])[0] for name in run})
    if codes.duplicated().any():
        twice = runs.loc[codes.duplicated().idxmax()]
        raise DataError(f"two rows for {' '.join(str(twice[name]) for name in run)}: remove the one that another version of a plugin made")
    is_erm, is_clean = (runs["method"] == baseline).to_numpy(), (runs["noise"] == clean).to_numpy()
    same_noise, same_place = [*CELL, "track", "seed"], [*PLACE, "track", "seed"]
    runs["erm"] = _look_up(codes, runs["score"], is_erm, same_noise)
    runs["erm_clean"] = _look_up(codes, runs["score"], is_erm & is_clean, same_place)
    runs["own_clean"] = _look_up(codes, runs["score"], is_clean, [*same_place, "method"])
    runs.loc[is_erm, ["erm", "erm_clean", "own_clean"]] = np.nan  # erm is not compared with itself
    runs.loc[is_clean, ["erm_clean", "own_clean"]] = np.nan  # no damage to repair
    return runs


def _look_up(codes: pd.DataFrame, score: pd.Series, chosen: np.ndarray, on: list[str]) -> np.ndarray:
    """The score of the chosen run that agrees with each run on some keys."""
    reference = codes.loc[chosen, on].assign(found=score[chosen])
    return np.asarray(codes[on].merge(reference, on=on, how="left")["found"].to_numpy())


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
    half = student.ppf((1 + level) / 2, np.where(m.n > 1, m.n - 1, np.nan)) * np.sqrt(m.var_a / np.maximum(m.n, 1))
    return m.mean_a - half, m.mean_a + half
