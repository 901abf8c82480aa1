"""What the whole board can say: which method to use, whether orders carry over, and what papers report."""

from __future__ import annotations

import json
from collections.abc import Iterator, Mapping
from functools import partial
from typing import Any

import numpy as np
import pandas as pd

from benchmark.core.errors import DataError
from benchmark.core.paths import ROOT
from benchmark.core.protocol import is_development
from benchmark.core.yamls import read_yaml
from benchmark.stats import CELL, Board, as_text, block_scores, groups
from benchmark.stats.advice import Advice, answers
from benchmark.stats.analysis_plan import PLAN
from benchmark.stats.boards import block_names, dataset
from benchmark.stats.orders import label_sensitivity, rank_transfer

TABLE = 24  # tasks in the table of rank transfer, evenly spaced by cost
BUDGETS = (1.05, 2.05, 4.05, 1e9)  # cost relative to erm
PUBLISHED = ROOT / "results" / "published.yaml"
FIELDS = ("method", "task", "noise", "value", "source", "protocol", "sure")
SURE = ("read", "secondary", "unsure")


def advice(cells: pd.DataFrame, data: pd.DataFrame) -> Iterator[dict[str, Any]]:
    """Answers per task type from the noisy cells of its tasks; from development tasks and pretrained encoders only where there are no others."""
    last = data[(data["track"] == PLAN.selection) & (data["noise"] != "clean")]
    for problem, rows in last.groupby("problem", sort=True, observed=True):
        development = rows["task"].isin([task for task in rows["task"].unique() if is_development(task)])
        ranked = ~development & ~rows["pretrained"]
        kept = rows[ranked] if ranked.any() else rows
        z = block_scores(kept, PLAN.baseline).cells
        if z.empty:
            continue
        family = as_text(kept.iloc[groups(kept, CELL)[1]][[*CELL, "family"]]).set_index(CELL)["family"]
        index = pd.MultiIndex.from_arrays([block_names(z), family.loc[z.index].to_numpy()], names=["task", "family"])
        z = z.assign(**{PLAN.baseline: 0.0}).set_axis(index)
        own = cells[(cells["problem"] == problem) & (cells["track"] == PLAN.selection)]
        privileged = frozenset(own.loc[own["privileged"] != "", "method"])
        cost = own.groupby("method")["cost"].mean()
        spent = _relative_seconds(own)
        of_kind = int(z.index.get_level_values("task").nunique())
        yield from answers(
            z, cost, privileged, BUDGETS, partial(_answer, problem=problem, cost=cost, spent=spent, development=bool(development.all()), of_kind=of_kind)
        )


def _relative_seconds(cells: pd.DataFrame) -> pd.Series:
    """Seconds of each method, relative to erm in the same cell: the median over cells, because machines are shared."""
    erm = cells[cells["method"] == PLAN.baseline].set_index(CELL)["seconds"]
    of_erm = erm.reindex(pd.MultiIndex.from_frame(cells[CELL])).to_numpy()
    return (cells["seconds"] / of_erm).groupby(cells["method"]).median()


def _answer(found: Advice, cost: pd.Series, spent: pd.Series, of_kind: int, **facts: Any) -> dict[str, Any]:
    """An answer as JSON."""
    policies = [
        {
            **{"name": r.policy, "mean": _number(r.regret.value), "low": _number(r.regret.low), "high": _number(r.regret.high)},
            **{"over": _number(r.over.value), "over_low": _number(r.over.low), "over_high": _number(r.over.high)},
        }
        for r in found.regret or ()
    ]
    prices = {"cost": cost, "seconds": spent}
    methods = [
        {"name": name, **{key: _number(value) for key, value in line.items()}, **{key: _number(of.get(name)) for key, of in prices.items()}}
        for name, line in found.table.iterrows()
    ]
    regret = {"policies": policies, "picks": found.picks} if found.regret else None
    return {**facts, "tasks": found.tasks, "cells": found.cells, "tasks_of_kind": of_kind, "methods": methods, "regret": regret}


def transfer(boards: Mapping[tuple[str, str], Board], data: pd.DataFrame) -> Iterator[dict[str, Any]]:
    """Rank transfer on each board that has two tasks and four methods."""
    erm = data.loc[data["method"] == PLAN.baseline, ["task", "seconds"]]
    seconds = erm["seconds"].groupby(erm["task"].astype(str).map(dataset)).mean()
    for (problem, track), board in boards.items():
        found = rank_transfer(board.blocks.tasks, seconds) if len(board.blocks.tasks) else None
        if found is not None:
            shown = np.unique(np.linspace(0, len(found.tasks) - 1, min(len(found.tasks), TABLE)).round().astype(int))
            correlation = [[_number(v) for v in line] for line in found.correlation[np.ix_(shown, shown)].tolist()]
            tasks, times = ([values[at] for at in shown] for values in (found.tasks, found.seconds))
            halves = {"halves": _number(found.halves.value), "low": _number(found.halves.low), "high": _number(found.halves.high)}
            yield {
                "problem": problem,
                "track": track,
                "tasks": tasks,
                "seconds": times,
                "methods": found.halves.n,
                "correlation": correlation,
                **halves,
            }


def further_frame(runs: pd.DataFrame) -> pd.DataFrame:
    """One line per finished run and other labels of the test part: CELL, method, seed, labels, score and other (both larger is better), at ``last``.

    Args:
        runs: as ``frames.described`` gives them.
    """
    lines = []
    for run in runs[[*CELL, "method", "seed", "metric", "sign", "further", f"score_{PLAN.selection}"]].to_dict("records"):
        metric, sign, score = run.pop("metric"), run.pop("sign"), run.pop(f"score_{PLAN.selection}")
        for name, value in json.loads(run.pop("further")).items():
            split, _, key = name.split("/", 2)
            if np.isfinite(score) and key in (metric, "agreement"):
                better = sign if key == metric else 1
                lines.append({**run, "labels": split.removeprefix("test_"), "score": sign * score, "other": better * value})
    return pd.DataFrame(lines)


def sensitivity(further: pd.DataFrame) -> list[dict[str, Any]]:
    """Ranks under corrected labels of the test part against those under the original ones, of a ``further_frame``."""
    found = label_sensitivity(further).to_dict("records") if len(further) else []
    return [{str(key): _number(value) if isinstance(value, float) else value for key, value in line.items()} for line in found]


def published() -> list[dict[str, str]]:
    """``results/published.yaml``: numbers of papers with source, protocol and how sure they are; shown beside ours, never mixed in.

    Raises:
        DataError: an entry lacks a field, or is not as sure as ``read``, ``secondary`` or ``unsure``.
    """
    entries: Any = read_yaml(PUBLISHED) if PUBLISHED.is_file() else []
    for at, entry in enumerate(entries):
        if set(entry) != set(FIELDS) or entry["sure"] not in SURE:
            raise DataError(f"{PUBLISHED.name} entry {at + 1}: it needs exactly {', '.join(FIELDS)}, with sure one of {', '.join(SURE)}")
    return [{key: str(entry[key]) for key in FIELDS} for entry in entries]


def _number(value: float | None) -> float | None:
    return None if value is None or not np.isfinite(value) else float(f"{value:.5g}")
