"""The board of one problem kind: the block is the task, because cells of one task are not independent of each other."""

from __future__ import annotations

import re
from dataclasses import dataclass

import numpy as np
import pandas as pd

from benchmark.stats.cell_table import CELL
from benchmark.stats.groups import as_text
from benchmark.stats.intervals import LEAST_SEEDS, LEVEL, stars, t_quantile
from benchmark.stats.orders import ranked
from benchmark.stats.signflip import LEAST_TASKS, max_t

RESAMPLES = 2000
DATA = ("table", "path", "source", "language", "texts")  # options of a task that name other data; all others are another view of the same


@dataclass(frozen=True)
class Blocks:
    """Standardized gains of the methods that have every run, and who lacks some."""

    cells: pd.DataFrame  # z, one line per cell (index CELL), one column per method
    tasks: pd.DataFrame  # z, one line per task
    runs: pd.DataFrame  # z of the seeds that every cell has, one line per seed: cells of a task averaged, then tasks
    coverage: pd.Series  # share of the board's runs that each method has
    seeds: int  # the fewest in a cell
    left_out: list[str]  # cells that are not on the board, with the reason


@dataclass(frozen=True)
class Board:
    """A ranking: one line per method, best first, and what stands below the line."""

    table: pd.DataFrame
    incomplete: pd.Series  # coverage of the methods that are not ranked
    blocks: Blocks
    note: str


def block_scores(data: pd.DataFrame, baseline: str = "erm", clean: str = "clean") -> Blocks:
    """z = mean over seeds of (m - erm) / pooled seed sd of the cell, then the mean over the noise cells of each task.

    A run (cell and seed) is on the board once erm and at least half of the methods have it, each counted by its own coverage: neither
    a cell in progress nor methods with one cell each empty the ranking. A method is ranked if it has all runs of the board. The sd
    is pooled over the ranked methods and erm: sqrt(mean of their variances).

    Args:
        data: rows of one problem kind and one track: task, noise, model, trainer, method, seed, score (larger is better).
        baseline: what the methods are compared with.
        clean: noise that is not ranked.
    """
    noisy = as_text(data.loc[data["noise"] != clean, [*CELL, "seed", "method", "score"]])
    wide = noisy.set_index([*CELL, "seed", "method"])["score"].unstack("method")
    if baseline not in wide:
        return Blocks(pd.DataFrame(), pd.DataFrame(), pd.DataFrame(), pd.Series(dtype=float), 0, [f"no {baseline} rows"])
    has = wide[wide[baseline].notna()].notna()
    votes = has.mean()
    runs = wide.loc[has.index[has @ votes >= votes.sum() / 2]]
    coverage = runs.notna().mean().drop(baseline)
    ranked = runs[[baseline, *coverage.index[coverage == 1]]]
    seeds = ranked.groupby(level=CELL, sort=False).size()
    spread = np.sqrt(ranked.groupby(level=CELL, sort=False).var().mean(axis=1))
    paired = ranked.drop(columns=baseline).sub(ranked[baseline], axis=0)
    gain = paired.groupby(level=CELL, sort=False).mean()
    usable = (seeds >= 2) & (spread > 0)
    reasons = {cell: "half of the methods lack it" for cell in wide.index.droplevel("seed").unique() if cell not in seeds.index}
    reasons |= {cell: "one seed" if seeds[cell] < 2 else "its seeds do not differ" for cell in seeds.index[~usable]}
    z = gain[usable].div(spread[usable], axis=0)
    left_out = [f"{' '.join(map(str, cell))}: {reason}" for cell, reason in reasons.items()]
    tasks = z.groupby(block_names(z), sort=False).mean()
    return Blocks(z, tasks, _runs(paired, spread[usable]), coverage, int(seeds[usable].min()) if usable.any() else 0, left_out)


def _runs(paired: pd.DataFrame, spread: pd.Series) -> pd.DataFrame:
    """z of single seeds, those that every usable cell has: one line per seed."""
    cell = pd.MultiIndex.from_arrays([paired.index.get_level_values(name) for name in CELL], names=CELL)
    at = spread.index.get_indexer(cell)
    z, seed = paired[at >= 0].div(spread.to_numpy()[at[at >= 0]], axis=0), paired.index.get_level_values("seed")[at >= 0]
    shared = pd.Series(1, index=seed).groupby(level=0).transform("size").to_numpy() == len(spread)
    by_task = z[shared].groupby([seed[shared], block_names(z[shared])], sort=False).mean()
    return by_task.groupby(level=0, sort=False).mean()


def dataset(task: str) -> str:
    """The data of a task, as labeled: its name, with the options that name other data. It is the block of a board.

    >>> [dataset(task) for task in ("uci(subset=500, table=kin8nm)", "diamonds(subset=500)", "cxr_images(test_source=openi)")]
    ['uci(table=kin8nm)', 'diamonds', 'cxr_images']
    """
    named = re.findall(rf"[( ]((?:{'|'.join(DATA)})=[^,)]*)", task)
    return task.partition("(")[0] + (f"({', '.join(named)})" if named else "")


def block_names(z: pd.DataFrame) -> np.ndarray:
    """The data of each cell: ``diamonds(subset=10000)`` and ``diamonds`` are one block, two tables of ``uci`` are two."""
    return np.array([dataset(str(task)) for task in z.index.get_level_values("task")])


def board(data: pd.DataFrame, baseline: str = "erm", alpha: float = 0.05, confirm: bool = True, seed: int = 0) -> Board:
    """Rank the methods of one problem kind and track.

    Args:
        data: as in ``block_scores``; cells that must not count are gone already.
        baseline: what the methods are compared with; it is ranked too, at z = 0.
        alpha: level of test and intervals, over all methods together.
        confirm: False for whatever is not the primary analysis (a filtered view, another track): estimates and simultaneous
            intervals, no p-values and no stars.
        seed: of the bootstrap and, beyond 16 tasks, of the flips.

    Returns:
        The table has ``z low high p stars worst_decile below_erm rank rank_low rank_high first seed_low seed_high``. The last two are a t-interval over
        seeds, each of which is one mean over the same cells: what chance in training, split and noise does on these tasks. Other tasks may differ.
    """
    blocks = block_scores(data, baseline)
    z, methods = blocks.tasks.to_numpy(), list(blocks.tasks.columns)
    note = _note(len(z), blocks.seeds, confirm)
    found = max_t(z, alpha, seed=seed)
    table = pd.DataFrame({"z": found.mean, "low": found.low, "high": found.high, "p": found.p if confirm else np.nan}, index=pd.Index(methods, name="method"))
    least = blocks.seeds >= LEAST_SEEDS
    outside = (table["low"] > 0) | (table["high"] < 0)
    table["stars"] = [stars(p, len(z), LEAST_TASKS) if least and out else "" for p, out in zip(table["p"], outside, strict=True)]
    cells = blocks.cells.to_numpy()
    table["worst_decile"], table["below_erm"] = worst_decile(cells), below(cells)
    half = over_seeds(blocks.runs.to_numpy())
    table["seed_low"], table["seed_high"] = table["z"] - half, table["z"] + half
    nothing = dict.fromkeys(("low", "high", "p", "seed_low", "seed_high"), np.nan)
    table.loc[baseline] = {"z": 0.0, "stars": "", "worst_decile": 0.0, "below_erm": 0.0, **nothing}
    stability = rank_stability(np.column_stack([z, np.zeros(len(z))]), seed=seed)
    table = table.join(pd.DataFrame(stability, index=table.index)).sort_values("z", ascending=False, kind="stable")
    return Board(table, blocks.coverage[blocks.coverage < 1].sort_values(ascending=False), blocks, note)


def _note(tasks: int, seeds: int, confirm: bool) -> str:
    if tasks < LEAST_TASKS:
        return f"{tasks} {'task' if tasks == 1 else 'tasks'}: estimates only, a test needs {LEAST_TASKS}"
    if not confirm:
        return "not the primary analysis: estimates and simultaneous intervals, no test"
    return f"{seeds} seeds in some cells: no stars below {LEAST_SEEDS}" if seeds < LEAST_SEEDS else ""


def over_seeds(z: np.ndarray, level: float = LEVEL) -> np.ndarray:
    """Half width of the t-interval of the mean of each column, (S, M) -> (M,); NaN below two seeds."""
    if len(z) < 2:
        return np.full(z.shape[1], np.nan)
    return np.asarray(t_quantile(len(z), level) * z.std(0, ddof=1) / np.sqrt(len(z)))


def worst_decile(z: np.ndarray) -> np.ndarray:
    """Mean of the worst tenth of the cells, at least one, (C, M) -> (M,)."""
    return np.sort(z, axis=0)[: -(-len(z) // 10)].mean(0) if len(z) else np.full(z.shape[1], np.nan)


def below(z: np.ndarray) -> np.ndarray:
    """Share of cells in which a method is worse than erm, (C, M) -> (M,)."""
    return (z < 0).mean(0) if len(z) else np.full(z.shape[1], np.nan)


def rank_stability(z: np.ndarray, resamples: int = RESAMPLES, seed: int = 0) -> dict[str, np.ndarray]:
    """Bootstrap over tasks of the rank by mean z, (D, M) -> mean rank, its 95 % interval, and the probability to be first.

    Ranks of equal means are averaged, and a shared first place counts in parts. NaN for fewer than two tasks.
    """
    tasks, methods = z.shape
    if tasks < 2:
        return {name: np.full(methods, np.nan) for name in ("rank", "rank_low", "rank_high", "first")}
    weight = np.random.default_rng(seed).multinomial(tasks, np.full(tasks, 1 / tasks), size=resamples)
    means = np.round(weight @ z / tasks, 12)  # sums of equal numbers must tie
    ranks = ranked(-means)
    top = means == means.max(1, keepdims=True)
    low, high = np.quantile(ranks, [0.025, 0.975], axis=0)
    return {"rank": ranks.mean(0), "rank_low": low, "rank_high": high, "first": (top / top.sum(1, keepdims=True)).mean(0)}
