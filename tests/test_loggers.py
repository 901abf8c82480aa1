"""Curves go where they are told to, one W&B run per row."""

from __future__ import annotations

import csv
from pathlib import Path

import pytest

from benchmark.errors import ConfigError
from benchmark.grid import expand
from benchmark.loggers import open_logger
from benchmark.paths import Paths
from benchmark.runner import Options, run_cell

GRID = [{"task": "digits", "noise": "symmetric", "trainer": "smoke(epochs=2,reference_folds=0)", "method": "erm"}]


def test_csv_has_a_line_per_checkpoint(paths: Paths) -> None:
    (cell,) = expand(GRID, {}, {}, []).cells
    (row,) = run_cell(cell, [(0, 0, 0)], paths, Options(logger="csv"))
    (file,) = (paths.results / "curves").glob("*.csv")
    lines = list(csv.DictReader(file.open()))
    assert [line["epoch"] for line in lines] == ["1", "2"]
    assert float(lines[-1]["primary/test"]) == row.metrics["test/last/accuracy"]


def test_unknown_logger_is_refused(tmp_path: Path) -> None:
    (cell,) = expand(GRID, {}, {}, []).cells
    with pytest.raises(ConfigError, match="tensorboard"), open_logger("tensorboard", cell, (0, 0, 0), tmp_path):
        pass


@pytest.mark.slow
def test_wandb_offline_makes_one_finished_run_per_row(paths: Paths, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.delenv("WANDB_API_KEY", raising=False)
    (cell,) = expand(GRID, {}, {}, []).cells
    rows = run_cell(cell, [(0, 0, 0), (1, 1, 1)], paths, Options(logger="wandb"))
    assert [row.status for row in rows] == ["ok", "ok"]
    folders = sorted((paths.results / "wandb" / "wandb").glob("offline-run-*"))
    assert len(folders) == 2
    assert all(list(folder.glob("*.wandb")) for folder in folders)
    import wandb

    assert wandb.run is None


@pytest.mark.slow
def test_wandb_run_is_finished_when_training_fails(paths: Paths, monkeypatch: pytest.MonkeyPatch) -> None:
    import wandb

    monkeypatch.setattr("benchmark.runner.execute", lambda *a, **k: 1 / 0)
    (cell,) = expand(GRID, {}, {}, []).cells
    (row,) = run_cell(cell, [(0, 0, 0)], paths, Options(logger="wandb"))
    assert row.status == "failed"
    assert "ZeroDivisionError" in (row.error or "")
    assert wandb.run is None
