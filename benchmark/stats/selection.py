"""Whether a cell can tell anything: does its noisy validation set rank, and does plain training memorize its labels."""

from __future__ import annotations

from dataclasses import dataclass

import numpy as np
import pandas as pd

from benchmark.stats.cell_table import CELL
from benchmark.stats.groups import as_text, groups

LEAST_RHO = 0.5  # cells below leave the ranking by noisy validation
LEAST_MEMORIZATION = 0.20  # of erm at the last epoch, in excess of what it repeats of labels that it never saw
LEAST_AGREEMENT = 0.85  # of erm with right training labels at the last epoch


def rho_sel(curves: pd.DataFrame, by: list[str] | None = None) -> pd.DataFrame:
    """Spearman correlation of noisy and clean validation score over (method, checkpoint), in every cell.

    The correlation is taken inside a seed, where all methods share one validation set, and averaged over seeds.

    Args:
        curves: one line per run and checkpoint: the columns of ``by``, method, seed, checkpoint, noisy, clean (scores as they
            are: a sign that both share does not matter).
        by: what makes a cell; task, noise, model and trainer by default.

    Returns:
        One line per cell: ``rho_sel`` (NaN if one of the scores never moves), pairs (per seed, mean), seeds, informative.
    """
    by = CELL if by is None else by
    both = curves[curves["noisy"].notna() & curves["clean"].notna()]
    inside, first = groups(both, [*by, "seed"])
    x, y = (both[name].groupby(inside).rank().to_numpy() for name in ("noisy", "clean"))
    pairs = np.bincount(inside)
    x, y = (ranks - (np.bincount(inside, ranks) / pairs)[inside] for ranks in (x, y))
    spread = np.sqrt(np.bincount(inside, x * x) * np.bincount(inside, y * y))
    with np.errstate(invalid="ignore"):
        rho = np.where(spread > 0, np.bincount(inside, x * y) / np.where(spread > 0, spread, 1), np.nan)
    seeds = both.iloc[first][by].assign(rho=rho, pairs=pairs)
    cell, first = groups(seeds, by)
    means = seeds[["rho", "pairs"]].groupby(cell).mean()
    out = seeds.iloc[first][by].reset_index(drop=True).assign(rho_sel=means["rho"], pairs=means["pairs"], seeds=np.bincount(cell))
    return out.assign(informative=out["rho_sel"] >= LEAST_RHO)


def informative_only(data: pd.DataFrame, rho: pd.DataFrame) -> pd.DataFrame:
    """The rows of cells whose noisy validation is known to be informative: what a ranking by ``noisy_val`` may use."""
    return data[_among(data, rho[rho["informative"]])]


def kappa(transition: np.ndarray) -> np.ndarray:
    """kappa_ij = T_ii - T_ij, (..., K, K) -> (..., K, K): what repairing the confusion i -> j gains on noisy labels.

    A model that says j for examples of class i agrees with T_ij of their noisy labels, one that says i with T_ii.
    """
    t = np.asarray(transition, dtype=float)
    return np.asarray(np.diagonal(t, axis1=-2, axis2=-1)[..., None] - t)


def clean_labels_worth(transition: np.ndarray, n: float) -> np.ndarray:
    """n kappa^2 / (T_ii + T_ij): how many clean labels tell i from j as well as n noisy ones do, (..., K, K) -> (..., K, K).

    The agreement of one noisy label moves by kappa with a variance of at most T_ii + T_ij; a clean one moves by 1. Zero where
    kappa is not positive (the noisy labels then prefer the confusion), NaN on the diagonal and for a class without examples.
    """
    t = np.asarray(transition, dtype=float)
    k, total = kappa(t), np.diagonal(t, axis1=-2, axis2=-1)[..., None] + t
    worth = np.divide(n * np.maximum(k, 0.0) ** 2, total, out=np.full_like(k, np.nan), where=total > 0)
    return np.where(np.eye(t.shape[-1], dtype=bool), np.nan, worth)


@dataclass(frozen=True)
class Confusion:
    """The pair of classes that noisy validation labels separate worst; ``layer`` is the label of a multi-label task."""

    layer: int
    right: int
    given: int
    kappa: float
    worth: float  # as a share of the number of noisy labels


def worst_pair(transition: np.ndarray) -> Confusion | None:
    """The pair with the least worth (then the least kappa) of T, (K, K) or (L, K, K); None if no class has examples."""
    t = np.asarray(transition, dtype=float)
    t = t[None] if t.ndim == 2 else t
    worth, k = clean_labels_worth(t, 1), kappa(t)
    known = np.flatnonzero(np.isfinite(worth))
    if not len(known):
        return None
    at = known[np.lexsort((k.flat[known], worth.flat[known]))[0]]
    layer, i, j = (int(v) for v in np.unravel_index(at, t.shape))
    return Confusion(layer, i, j, float(k[layer, i, j]), float(worth[layer, i, j]))


@dataclass(frozen=True)
class Regime:
    """Whether erm memorizes in a cell; None where that cannot be measured."""

    memorizes: bool | None
    reason: str


def regime(memorization: np.ndarray, agreement: np.ndarray) -> Regime:
    """The regime gate from erm's seeds: mean excess memorization >= .20 and mean agreement with right labels >= .85 at the last epoch."""
    found = [np.asarray(v, dtype=float) for v in (memorization, agreement)]
    found = [v[np.isfinite(v)] for v in found]
    if not len(found[0]):
        return Regime(None, "n/a: too few wrong validation units to measure memorization")
    if not len(found[1]):
        return Regime(None, "n/a: agreement with right labels is not measured")
    excess, agree = (round(float(v.mean()), 9) for v in found)  # a mean of equal numbers must not fall below them
    low = []
    if excess < LEAST_MEMORIZATION:
        low.append(f"excess memorization {excess:.3f} < {LEAST_MEMORIZATION}")
    if agree < LEAST_AGREEMENT:
        low.append(f"agreement with right labels {agree:.3f} < {LEAST_AGREEMENT}")
    if low:
        return Regime(False, "erm does not memorize here: " + ", ".join(low))
    return Regime(True, f"erm memorizes {excess:.2f} of the wrong labels in excess and agrees with {agree:.2f} of the right ones")


def regime_gate(data: pd.DataFrame, baseline: str = "erm") -> pd.DataFrame:
    """``regime`` of every cell from the baseline's rows at ``last``; other methods' rows do not count.

    Args:
        data: task, noise, model, trainer, track, method, memorization, ceiling (NaN where not measured).
        baseline: whose rows decide.

    Returns:
        One line per cell that has such rows: memorization, ceiling (means), memorizes, reason.
    """
    rows = data[(data["method"] == baseline) & (data["track"] == "last")]
    cell, first = groups(rows, CELL)
    measured = {name: rows[name].to_numpy(dtype=float) for name in ("memorization", "ceiling")}
    runs = np.split(np.argsort(cell, kind="stable"), np.cumsum(np.bincount(cell))[:-1]) if len(rows) else []
    found = [regime(*(values[at] for values in measured.values())) for at in runs]
    out = rows.iloc[first][CELL].reset_index(drop=True)
    for name, values in measured.items():
        out[name] = pd.Series(values).groupby(cell).mean()
    return out.assign(memorizes=pd.Series([one.memorizes for one in found], dtype=object), reason=pd.Series([one.reason for one in found], dtype=object))


def memorizing_only(data: pd.DataFrame, gate: pd.DataFrame) -> pd.DataFrame:
    """The rows without the cells where erm does not memorize; cells where that cannot be measured stay."""
    return data[~_among(data, gate[gate["memorizes"].eq(False)])]


def _among(data: pd.DataFrame, cells: pd.DataFrame) -> np.ndarray:
    """Whether each line's cell is one of these."""
    number, first = groups(data, CELL)
    found = as_text(data.iloc[first][CELL]).merge(as_text(cells[CELL]).assign(listed=True), on=CELL, how="left")
    return np.asarray(found["listed"].notna().to_numpy()[number])
