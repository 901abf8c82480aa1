"""``make tune``: run the trials of a method, choose the best by a validation score, and keep the choice with its price."""

from __future__ import annotations

import contextlib
import re
import sys
from collections.abc import Sequence
from dataclasses import dataclass
from itertools import chain
from pathlib import Path
from typing import Any

import numpy as np

from benchmark.config.cells import Cell
from benchmark.config.grid import Grid
from benchmark.config.options import options_of
from benchmark.config.registry import names
from benchmark.core.digests import digest
from benchmark.core.errors import ConfigError, choices
from benchmark.core.protocol import AXES
from benchmark.core.seeds import Seed
from benchmark.data.problems import PROBLEMS
from benchmark.results.row import Row
from benchmark.results.store import Store
from benchmark.running.plan import planned
from benchmark.tuning.frozen import freeze
from benchmark.tuning.records import Record, Run, folder, write_record
from benchmark.tuning.space import trials

SCORES = {"blind": "val/last/clean_val", "tuned": "val/last/noisy_val", "tuned_clean": "val/last/clean_val"}  # what a track may look at


@dataclass(frozen=True)
class Tried:
    """All trials of a method in one cell."""

    cells: Sequence[Cell]  # by trial; the first has the defaults
    rows: Sequence[Sequence[Row]]  # by trial and seed

    def scores(self, key: str) -> np.ndarray:
        """(trials,) mean over seeds of a metric, turned so that larger is better; NaN where a seed failed.

        Raises:
            ConfigError: no run has it.
        """
        sign = 1 if PROBLEMS[self.cells[0].config["task"]["problem"]].higher_is_better else -1
        out = np.array([sign * np.mean([row.metrics.get(key, np.nan) for row in runs]) for runs in self.rows])
        if np.isnan(out).all():
            raise ConfigError(f"no trial of {self.cells[0]} has a score {key}: see the failures above, or choose another track")
        return out

    def total(self, name: str, seed: Seed | None = None) -> float:
        """Passes or seconds of all finished trials, of one seed or of all."""
        return float(sum(row.cost.get(name, 0) for row in chain(*self.rows) if seed in (None, row.seed)))

    @property
    def failed(self) -> int:
        """Runs that ended with an error."""
        return sum(row.status == "failed" for row in chain(*self.rows))


def normalized(scores: np.ndarray) -> np.ndarray:
    """Scores on a scale that cells share: (score - worst) / (best - worst) of each cell, 0 for a failed trial.

    Args:
        scores: (cells, trials), larger is better, NaN = failed. Where all finished trials are equal they get 1.
    """
    low, high = np.nanmin(scores, axis=1, keepdims=True), np.nanmax(scores, axis=1, keepdims=True)
    spread = np.where(high > low, high - low, 1)
    return np.nan_to_num(np.where(high > low, (scores - low) / spread, np.where(np.isnan(scores), 0.0, 1.0)))


def winner(scores: np.ndarray) -> int:
    """The trial with the best mean normalized score over cells; of equal ones the lowest number."""
    return int(np.argmax(normalized(scores).mean(0).round(12)))


def tune(arguments: Sequence[str]) -> int:
    """``tune method=gce track=blind``, or ``track=tuned | tuned_clean task=... noise=... seeds=[...]`` (or an experiment).

    The trials are ordinary rows under ``<results>/tuned``: the same command goes on where it was stopped, with any launcher.
    """
    own, paths, rest = options_of(arguments, method="", track="blind")
    method, track = own["method"], own["track"]
    if method not in names("method"):
        raise ConfigError(f"tune method={method!r} does not exist: {choices(method, names('method'))}")
    if track not in SCORES:
        raise ConfigError(f"tune track={track!r} is unknown: {choices(track, SCORES)}")
    keys = {re.split(r"[=.@]", word)[0] for word in rest}
    if track == "blind" and "experiment" not in keys:
        rest.append("experiment=development")
    elif not {"task", "noise"} <= keys and "experiment" not in keys:
        raise ConfigError(f"tune track={track} lacks a place: give task= and noise=, or experiment=")
    where = [f"paths.data={paths.data}", f"paths.cache={paths.cache}", f"paths.results={folder(paths.results)}"]
    found = tried([*rest, f"method={method}", "setting=trials", *where])
    if track != "blind":
        for one in found:
            _keep(one, track, paths.results)
    elif keys & {*AXES, "experiment", "seeds"}:
        print(f"not frozen, it is no whole tuning ({', '.join(sorted(keys))}): {_choice(method, found)}")
    else:
        print(f"frozen in {freeze(method, _choice(method, found))}: setting=blind uses it")
    return 0


def tried(arguments: Sequence[str]) -> list[Tried]:
    """Run what is missing of the trials, and collect them by cell."""
    from benchmark.commands.run import main
    from benchmark.config.commandline import prepared

    grid, seeds, results = planned(arguments)
    if not grid.cells:
        raise ConfigError(f"nothing to tune: {'; '.join(grid.skipped)}")
    sys.argv[1:] = prepared(arguments)
    with contextlib.suppress(SystemExit):  # a failed trial is one that loses
        main()
    return collected(grid, seeds, results)


def collected(grid: Grid, seeds: Sequence[Seed], results: Path) -> list[Tried]:
    """The trials' rows by cell.

    Raises:
        ConfigError: some are missing.
    """
    store = Store(results)
    rows = {cell.id: [row for seed in seeds if (row := store.read(cell.id, seed)) is not None] for cell in grid.cells}
    missing = len(rows) * len(seeds) - sum(map(len, rows.values()))
    if missing:
        raise ConfigError(f"{missing} runs of the trials are missing in {results}: the same command goes on")
    return [Tried(cells, [rows[cell.id] for cell in cells]) for cells in grid.variants]


def _choice(method: str, found: Sequence[Tried]) -> dict[str, Any]:
    """What is frozen: the winner over all cells, the scores that decided, and the price."""
    key = SCORES["blind"]
    scores = np.stack([one.scores(key) for one in found])
    relative, best = normalized(scores), winner(scores)
    rows = [row for one in found for row in chain(*one.rows)]
    point = trials(method)[best]
    return {
        "method": method,
        "trial": best,
        "keys": dict(point.keys),
        "trainer": dict(point.trainer),
        "scores": relative.mean(0).round(4).tolist(),
        "cells": {f"{one.cells[0]} {one.cells[0].labels['trainer']}": row.round(4).tolist() for one, row in zip(found, relative, strict=True)},
        "runs": len(rows),
        "failed": sum(one.failed for one in found),
        "passes": sum(one.total("passes") for one in found),
        "seconds": round(sum(one.total("seconds") for one in found), 1),
        "rows": digest([[row.cell, row.seed, row.status, row.metrics.get(key)] for row in rows]),
    }


def _keep(one: Tried, track: str, results: Path) -> None:
    """Record the winner of one cell for the board."""
    scores = one.scores(SCORES[track])
    best, base = winner(scores[None]), one.cells[0]
    runs = [Run(cell=row.cell, seed=row.seed, passes=one.total("passes", row.seed), seconds=one.total("seconds", row.seed)) for row in one.rows[best]]
    record = Record(
        labels=base.labels | {"method": f"{base.labels['method']}:{track}"},
        trial=best,
        winner={axis: one.cells[best].labels[axis] for axis in ("method", "trainer")},
        runs=runs,
        scores=[None if np.isnan(score) else float(score) for score in scores],
        failed=one.failed,
    )
    path = write_record(record, f"{base.id}-{track}", results)
    print(f"{base}: trial {best} of {len(scores)}, {' '.join(record.winner.values())}, {one.total('seconds'):.0f} s in all ({path})")
