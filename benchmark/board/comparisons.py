"""All comparisons of some runs: what every output of the board shows."""

from __future__ import annotations

import functools
import itertools
import json
from collections.abc import Iterable, Iterator
from dataclasses import dataclass, field

import numpy as np
import pandas as pd

from benchmark.board.evidence import further_frame
from benchmark.board.frames import checkpoint_frame, described, score_frame
from benchmark.config.registry import placed
from benchmark.core.protocol import AXES, PRIMARY, SELECTIONS
from benchmark.results.columns import CONFIGS, STRENGTHS, run_table
from benchmark.results.freshness import sources_of, targets
from benchmark.results.row import Row
from benchmark.stats import CELL, LINE, Board, as_text, cell_table, groups, keys, regime_gate, relative_errors, rho_sel
from benchmark.stats.analysis_plan import PLAN, primary
from benchmark.stats.cell_table import PLACE
from benchmark.stats.intervals import share_interval

FIRST = [
    *("problem", "metric", "sign", "adapted", "privileged", "likelihood", "test_labels", "noise_name", "one_draw", "family"),
    *("inputs", "pretrained", "self_reported", "nominal"),
]
MEANS = ["rate", "memorization", "detection", "collapsed", "passes", "seconds", "forward", "backward"]
RANKED = [*CELL, "problem", "track", "method", "seed", "score", "memorization", "ceiling", "pretrained"]  # what the plan's analysis reads
PORTION = 100_000  # runs that are compared at once: cells of other tasks do not matter


@dataclass(frozen=True)
class Leaderboard:
    """Everything that the pages show."""

    cells: pd.DataFrame  # one line per cell, track and method; methods of a cell best first; ``line`` counts them
    data: pd.DataFrame  # one line per run and track; ``line`` is that of the cells
    boards: dict[tuple[str, str], Board]  # by problem kind and track
    runs: int
    stale: int  # of them, made by other code
    failed: int
    strengths: pd.DataFrame = field(default_factory=pd.DataFrame)  # of the noise, one line per cell
    further: pd.DataFrame = field(default_factory=pd.DataFrame)  # scores under other test labels


def compute(rows: Iterable[Row]) -> Leaderboard:
    """All comparisons of some rows. Of two rows for the same labels and seed (a plugin's yaml changed) the newer one counts."""
    return compared(run_table(rows))


def compared(runs: pd.DataFrame, tracks: Iterable[str] = SELECTIONS) -> Leaderboard:
    """The same of ``run_table``, for some selection tracks."""
    runs = newest(runs)
    counts = {"runs": len(runs), "stale": _stale(runs), "failed": int((runs["status"] == "failed").sum())}
    done = described(runs)
    parts = [_of_places(done.iloc[at], list(tracks)) for at in _portions(done)]
    for before, (cells, data, _) in zip(itertools.accumulate(len(cells) for cells, *_ in parts), parts[1:], strict=False):
        for table in (cells, data):
            table["line"] += before
    cells, data, rho = (pd.concat(part, ignore_index=True) for part in zip(*parts, strict=True)) if parts else (pd.DataFrame(),) * 3
    if data.empty:
        return Leaderboard(pd.DataFrame(), data, {}, **counts)
    boards = primary(data.loc[data["track"].isin(PRIMARY), RANKED], rho)
    strengths = as_text(done.iloc[groups(done, CELL)[1]][[*CELL, *STRENGTHS]])
    return Leaderboard(as_text(cells), data, boards, **counts, strengths=strengths, further=further_frame(done[done["further"] != ""]))


def newest(runs: pd.DataFrame) -> pd.DataFrame:
    """One run per label and seed."""
    run = keys(runs, [*AXES, "seed"])
    if not pd.Series(run).duplicated().any():
        return runs
    order = np.argsort(runs["started"].astype(str).to_numpy(), kind="stable")
    return runs.iloc[np.sort(order[~pd.Series(run[order]).duplicated(keep="last").to_numpy()])]


def _stale(runs: pd.DataFrame) -> int:
    """How many runs were made by other code than today's, or by a plugin that is gone."""
    named = pd.DataFrame({name: runs[name].map(functools.partial(_targets_of, name.removeprefix("config_"))).astype(str) for name in CONFIGS})
    group, first = groups(named.assign(digest=runs["source_digest"]), [*CONFIGS, "digest"])
    count = np.bincount(group)
    lines = named.assign(digest=runs["source_digest"]).iloc[first].itertuples(index=False, name=None)
    return sum(int(count[at]) for at, (*names, digest) in enumerate(lines) if _made_by_others(tuple(sorted(set(" ".join(names).split()))), digest))


def _targets_of(axis: str, text: str) -> str:
    """Return what the plugins of a row's configuration are today, in one word."""
    return " ".join(sorted(targets(placed(axis, json.loads(text)))))


def _made_by_others(names: tuple[str, ...], digest: str) -> bool:
    try:
        return sources_of(names) != digest
    except FileNotFoundError:
        return True


def _portions(runs: pd.DataFrame) -> Iterator[np.ndarray]:
    """Lines of some tasks at a time: cells are compared with each other within a task, model and trainer only."""
    place, _ = groups(runs, PLACE)
    before = np.cumsum(np.bincount(place)) - np.bincount(place)
    portion = before[place] // PORTION if len(runs) else place
    for number in np.unique(portion):
        yield np.flatnonzero(portion == number)


def _of_places(runs: pd.DataFrame, tracks: list[str]) -> tuple[pd.DataFrame, pd.DataFrame, pd.DataFrame]:
    """Cells, scores and rho_sel of the runs of some tasks."""
    data, rho = score_frame(runs, tracks), rho_sel(checkpoint_frame(runs))
    group, first = groups(data, LINE)
    data["line"] = group
    cells = pd.concat(
        [
            cell_table(data),
            data.iloc[first][FIRST].reset_index(drop=True),
            data[MEANS].groupby(group).mean(),
            relative_errors(data).drop(columns=LINE),
            pd.Series(range(len(first)), name="line"),
        ],
        axis=1,
    )
    share = ((cells["sign"] > 0) & cells["mean"].between(0, 1)).to_numpy()  # an error has no upper end
    ends = share_interval(*(cells[name].to_numpy(dtype=float) for name in ("mean", "sd", "n")))
    cells["low"], cells["high"] = (np.where(share, end, cells[name]) for end, name in zip(ends, ("low", "high"), strict=True))
    block, _ = groups(cells, [*CELL, "track"])
    erm = (cells["method"] == PLAN.baseline).to_numpy()
    passes = np.full(len(cells), np.nan)
    passes[block[erm]] = cells.loc[erm, "passes"]
    cells["cost"] = cells["passes"] / passes[block]
    cells = cells.merge(regime_gate(data)[[*CELL, "memorizes", "reason"]], on=CELL, how="left").merge(rho[[*CELL, "rho_sel"]], on=CELL, how="left")
    return cells.iloc[np.lexsort((-cells["mean"], block))].reset_index(drop=True), data, rho


def turned(cells: pd.DataFrame) -> pd.DataFrame:
    """Numbers in the direction of the score: errors are positive again."""
    errors = cells["sign"].to_numpy() < 0
    low, high = cells["low"].where(~errors, -cells["high"]), cells["high"].where(~errors, -cells["low"])
    return cells.assign(mean=cells["mean"] * cells["sign"], low=low, high=high)
