"""SIGTERM lets the seed that runs end wherever it comes, starts no other one, and no failed run takes an ok row's place."""

from __future__ import annotations

import os
import signal
from collections.abc import Callable
from pathlib import Path
from typing import Any

import pytest

from benchmark.config.cells import Cell
from benchmark.config.grid import expand
from benchmark.core.paths import Paths
from benchmark.measures.evaluation import Evaluation
from benchmark.methods.base import Method
from benchmark.results.store import Store
from benchmark.running.limits import drained_by_sigterm
from benchmark.running.runner import Options, run_cell
from benchmark.training.learner import Learner

SEEDS = [(0, 0, 0), (1, 1, 1)]
PLACES: dict[str, tuple[Any, str]] = {
    "in the first batch": (Method, "objective"),
    "at the end of an epoch": (Learner, "on_train_epoch_start"),
    "at a checkpoint": (Evaluation, "_evaluate"),
    "while the row is written": (Store, "write"),
}


@pytest.fixture(scope="module")
def cell() -> Cell:
    (made,) = expand(
        [{"task": "digits", "noise": "symmetric", "method": "gce", "model": "linear", "trainer": "smoke(epochs=3,reference_folds=0)"}], {}, {}, []
    ).cells
    return made


@pytest.mark.parametrize("place", PLACES)
def test_the_running_seed_ends_and_no_other_begins(place: str, cell: Cell, tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    owner, name = PLACES[place]
    real: Callable[..., Any] = getattr(owner, name)
    sent: list[int] = []

    def signalled(*arguments: Any, **named: Any) -> Any:
        if not sent:
            sent.append(os.getpid())
            os.kill(os.getpid(), signal.SIGTERM)
        return real(*arguments, **named)

    monkeypatch.setattr(owner, name, signalled)
    with drained_by_sigterm(tmp_path / "running") as drained:
        rows = run_cell(cell, SEEDS, Paths(tmp_path / "data", tmp_path / "results", tmp_path / "cache"))
        assert drained()
    assert [(row.seed, row.status) for row in rows] == [(SEEDS[0], "ok")]
    assert [row.status for row in Store(tmp_path / "results").rows()] == ["ok"]


def test_a_failed_rerun_leaves_an_ok_row_where_it_is(cell: Cell, tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    paths = Paths(tmp_path / "data", tmp_path / "results", tmp_path / "cache")
    (before,) = run_cell(cell, SEEDS[:1], paths)

    def broken(self: Method, *arguments: Any) -> None:
        raise ValueError("the method is at fault")

    monkeypatch.setattr("benchmark.methods.robust_loss.gce.GCE.loss", broken)
    (again,) = run_cell(cell, SEEDS[:1], paths, Options(on_existing="rerun"))
    assert again.status == "failed"  # the sweep is told
    assert Store(paths.results).read(cell.id, SEEDS[0]) == before
