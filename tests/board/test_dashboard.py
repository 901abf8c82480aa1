"""One W&B run per row, with the numbers of the store."""

from __future__ import annotations

import json
import subprocess
import sys
from collections import defaultdict
from pathlib import Path
from types import SimpleNamespace
from typing import Any

import pytest

from benchmark.board.dashboard import offline_runs
from benchmark.commands.wandb import sync
from benchmark.config.grid import expand
from benchmark.core.paths import Paths
from benchmark.running.runner import Options, run_cell

GRID = [{"task": "digits", "noise": "symmetric", "trainer": "smoke(epochs=2,reference_folds=0)", "method": "erm"}]


def records(file: Path) -> dict[str, list[dict[str, Any]]]:
    """What a run's log holds, by type, read by W&B's own reader."""
    command = [str(Path(sys.executable).with_name("wandb")), "leet", "inspect", "--json", str(file)]
    found: dict[str, list[dict[str, Any]]] = defaultdict(list)
    for line in subprocess.run(command, capture_output=True, text=True, check=True).stdout.splitlines():
        entry = json.loads(line)
        found[entry["type"]].append(entry[entry["type"]])
    return found


@pytest.mark.slow
def test_every_number_that_wandb_holds_is_the_stores(paths: Paths, monkeypatch: pytest.MonkeyPatch) -> None:
    import wandb

    monkeypatch.delenv("WANDB_API_KEY", raising=False)
    cells = expand([{**GRID[0], "method": ["erm", "small_loss"]}], {}, {}, []).cells
    rows = [row for cell in cells for row in run_cell(cell, [(0, 0, 0), (1, 1, 1)], paths, Options(logger="wandb"))]
    assert wandb.run is None
    found = [records(file) for folder in offline_runs(paths.results) for file in folder.glob("*.wandb")]
    assert len({f["run"][0]["run_id"] for f in found}) == len(rows) == 4
    for row in rows:
        (log,) = [f for f in found if f["run"][0]["run_group"] == row.cell and f["run"][0]["config"]["update"]["seed"] == list(row.seed)]
        run, config = log["run"][0], log["run"][0]["config"]["update"]
        assert (run["job_type"], run["project"]) == (row.method, "labelnoise-bench")
        assert {"digits", "symmetric", "multiclass"} <= set(run["tags"])
        assert {axis: config[axis] for axis in row.config} == row.placed
        summary = {key: value for record in log["summary"] for key, value in record["update"].items()}
        assert {key: summary[key] for key in row.metrics} == row.metrics
        history = [record["item"] for record in log["history"]]
        assert [item["_step"] for item in history] == [1, 2]
        for k, item in enumerate(history):
            assert item["primary/noisy_val"] == row.metrics[f"val/checkpoint_{k}/noisy_val"]
            assert item["primary/clean_val"] == row.metrics[f"val/checkpoint_{k}/clean_val"]
            assert item["train/ceiling"] == row.metrics[f"train/checkpoint_{k}/ceiling"]
        assert history[-1]["primary/test"] == row.metrics["test/last/accuracy"]
        assert ("suspicious._type" in history[-1]) == ("method/selection_precision" in history[-1]) == (row.method == "small_loss")
        (card,) = [a for a in log["artifact"] if a["name"] == f"noise-{row.cell}"]
        assert json.loads(card["metadata"]) == row.noise_stats
        assert log["exit"][0]["exit_code"] == 0

    monkeypatch.setenv("WANDB_API_KEY", "0" * 40)
    commands: list[list[str]] = []
    run = subprocess.run
    with monkeypatch.context() as patch:
        patch.setattr(subprocess, "run", lambda command, **_: commands.append(command) or SimpleNamespace(returncode=0))
        assert sync([f"paths.results={paths.results}"]) == 0
    (command,) = commands  # W&B's own command line takes it: all that it would upload are these runs
    said = run([*command, "--dry-run"], capture_output=True, text=True, check=True)
    assert "Would sync 4 run(s)" in said.stdout + said.stderr
    assert all(f"run-{f['run'][0]['run_id']}.wandb" in said.stdout + said.stderr for f in found)


@pytest.mark.slow
def test_wandb_run_is_finished_when_training_fails(paths: Paths, monkeypatch: pytest.MonkeyPatch) -> None:
    import wandb

    monkeypatch.setattr("benchmark.running.runner.execute", lambda *a, **k: 1 / 0)
    (cell,) = expand(GRID, {}, {}, []).cells
    (row,) = run_cell(cell, [(0, 0, 0)], paths, Options(logger="wandb"))
    assert row.status == "failed"
    assert "ZeroDivisionError" in (row.error or "")
    assert wandb.run is None
    (folder,) = offline_runs(paths.results)
    assert records(next(folder.glob("*.wandb")))["exit"][0]["exit_code"] == 1
