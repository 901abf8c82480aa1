"""The primary analysis is pinned: whoever changes it does so on purpose."""

from __future__ import annotations

from dataclasses import fields, replace

import numpy as np
import pandas as pd
import pytest

from benchmark.data.problems import PROBLEMS
from benchmark.stats import CELL, rho_sel
from benchmark.stats.analysis_plan import PLAN, AnalysisPlan, primary


def test_the_digest_is_pinned() -> None:
    """A change of the plan is a change of what published numbers mean: raise PROTOCOL_VERSION and say so in CHANGELOG.md."""
    assert PLAN.digest() == "d3625136a2e8d24f"


def test_every_entry_is_in_the_digest() -> None:
    for field in fields(AnalysisPlan):
        assert replace(PLAN, **{field.name: "other"}).digest() != PLAN.digest()


def test_metrics_are_those_that_select() -> None:
    assert dict(PLAN.metrics) == {name: problem.primary for name, problem in PROBLEMS.items()}
    assert PLAN.metric("tagging") == "f1"


@pytest.fixture(scope="module")
def data() -> pd.DataFrame:
    rng = np.random.default_rng(0)
    names = [
        (problem, f"{problem}{t}", noise, "mlp", "quick", track, method, (s, s, s))
        for problem in ("multiclass", "regression")
        for t in range(7)
        for noise in ("clean", "a", "b")
        for track in ("last", "noisy_val")
        for method in ("erm", "x", "y")
        for s in range(8)
    ]
    rows = pd.DataFrame(names, columns=["problem", *CELL, "track", "method", "seed"])
    rows = rows.assign(score=rng.normal(size=len(rows)), memorization=0.4, ceiling=0.9, pretrained=False)
    rows.loc[rows["method"] == "x", "score"] += 3
    rows.loc[(rows["task"] == "multiclass0"), "ceiling"] = 0.5
    rows.loc[rows["problem"] == "regression", "ceiling"] = np.nan
    return rows


def test_primary_analysis(data: pd.DataFrame) -> None:
    runs = data[data["track"] == "last"]
    curves = runs.loc[runs.index.repeat(4), [*CELL, "method", "seed"]].assign(checkpoint=np.tile(np.arange(4), len(runs)))
    curves["clean"] = np.random.default_rng(1).normal(size=len(curves))
    curves["noisy"] = np.where(curves["noise"] == "b", -1, 1) * curves["clean"]
    boards = primary(data, rho_sel(curves))
    assert sorted(boards) == [(p, t) for p in ("multiclass", "regression") for t in ("last", "noisy_val")]
    assert len(boards["multiclass", "last"].blocks.tasks) == 6  # erm does not memorize on multiclass0
    assert len(boards["regression", "last"].blocks.tasks) == 7  # cannot be measured: stays
    assert len(boards["regression", "last"].blocks.cells) == 14
    assert len(boards["regression", "noisy_val"].blocks.cells) == 7  # noisy validation misleads under b
    for (_, track), found in boards.items():
        assert found.table["stars"].to_dict() == {"x": "*" if track == "last" else "", "y": "", "erm": ""}
        assert found.table.loc["x", "low"] > 0  # the other track has intervals, but one test is enough


def test_development_tasks_are_never_ranked(data: pd.DataFrame) -> None:
    renamed = data.assign(task=data["task"].replace({"multiclass1": "digits", "regression1": "diamonds(subset=10000)"}))
    runs = renamed[renamed["track"] == "last"]
    curves = runs[[*CELL, "method", "seed"]].assign(checkpoint=0, clean=0.0, noisy=0.0)
    found = primary(renamed, rho_sel(curves))
    assert not {"digits", "diamonds"} & {task for board in found.values() for task in board.blocks.tasks.index}
    assert len(found["regression", "last"].blocks.tasks) == 6


def test_pretrained_encoders_are_a_tier_of_their_own(data: pd.DataFrame) -> None:
    mixed = data.assign(pretrained=(data["task"] == "multiclass1") & (data["noise"] == "a"))
    runs = mixed[mixed["track"] == "last"]
    found = primary(mixed, rho_sel(runs[[*CELL, "method", "seed"]].assign(checkpoint=0, clean=0.0, noisy=0.0)))
    cells = found["multiclass", "last"].blocks.cells.reset_index()
    assert set(cells.loc[cells["task"] == "multiclass1", "noise"]) == {"b"}
