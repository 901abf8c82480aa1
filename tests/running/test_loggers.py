"""Curves go where they are told to, one W&B run per row."""

from __future__ import annotations

import csv
import json
import subprocess
import sys
from collections import defaultdict
from pathlib import Path
from types import MappingProxyType, SimpleNamespace
from typing import Any

import numpy as np
import pytest
import torch

from benchmark.board.dashboard import offline_runs
from benchmark.commands.wandb import report, sync
from benchmark.config.grid import expand
from benchmark.core.errors import ConfigError
from benchmark.core.paths import Paths
from benchmark.measures.label_errors import Side, kept_quality
from benchmark.methods.base import Method
from benchmark.running.conditions import Conditions
from benchmark.running.loggers import open_logger
from benchmark.running.runner import Options, run_cell
from benchmark.running.suspects import COLUMNS, suspects

DAY = "2026-01-01T00:00:00"
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


def test_the_report_is_built_without_a_network(tmp_path: Path, monkeypatch: pytest.MonkeyPatch, capsys: pytest.CaptureFixture[str]) -> None:
    monkeypatch.delenv("WANDB_API_KEY", raising=False)
    assert report([f"paths.results={tmp_path}"]) == 0
    text = (tmp_path / "local" / "wandb-report.json").read_text()
    for metric in (
        "test/last/accuracy",
        "test/last/map",
        "test/last/f1",
        "test/last/mae",
        "primary/noisy_val",
        "train/memorization",
        "method/selection_recall",
    ):
        assert metric in text
    assert "not uploaded" in capsys.readouterr().out
    with pytest.raises(ConfigError, match="holds no offline run"):
        sync([f"paths.results={tmp_path}"])
    (tmp_path / "wandb" / "wandb" / "offline-run-1").mkdir(parents=True)
    with pytest.raises(ConfigError, match="WANDB_API_KEY is not set: set it to upload 1 runs"):
        sync([f"paths.results={tmp_path}"])


def test_the_report_is_uploaded_to_the_project_of_the_key(tmp_path: Path, monkeypatch: pytest.MonkeyPatch, capsys: pytest.CaptureFixture[str]) -> None:
    """Where wandb-workspaces would speak to a server stands a stranger that writes down what it hears."""
    import wandb
    from wandb_workspaces.reports.v2 import interface

    asked: list[Any] = []
    known = True

    class Api:
        default_entity = "somebody"
        client = SimpleNamespace(app_url="https://wandb.ai", _client=None)
        settings = MappingProxyType({"base_url": "https://api.wandb.ai"})

        def projects(self, entity: str) -> list[Any]:
            return []

        def create_project(self, name: str, entity: str) -> None:
            asked.append((entity, name))

    def answer(api: Any, query: str, variables: dict[str, Any]) -> dict[str, Any]:
        if "internalId" in query:
            return {"project": known and {"id": "p", "internalId": "UHJvamVjdA=="}}
        asked.append(variables)
        project = {"id": "p", "name": variables["projectName"], "entityName": variables["entityName"]}
        view = {"id": "VmlldzoxMjM=", "name": "r", "displayName": variables["displayName"], "description": "", "project": project}
        return {"upsertView": {"view": view | {"type": "runs", "spec": variables["spec"], "updatedAt": DAY, "createdAt": DAY}, "inserted": True}}

    monkeypatch.setenv("WANDB_API_KEY", "0" * 40)
    monkeypatch.delenv("WANDB_ENTITY", raising=False)
    monkeypatch.setattr(wandb, "Api", Api)
    monkeypatch.setattr(interface, "execute_graphql", answer)
    assert report([f"paths.results={tmp_path}"]) == 0
    created, view = asked
    assert created == ("somebody", "labelnoise-bench")
    assert (view["entityName"], view["projectName"], view["type"]) == ("somebody", "labelnoise-bench", "runs")
    panels = [
        panel
        for block in json.loads(view["spec"])["blocks"]
        if block["type"] == "panel-grid"
        for panel in block["metadata"]["panelBankSectionConfig"]["panels"]
    ]
    metrics = [name for panel in panels for name in panel["config"]["metrics"]]
    assert {"test/last/accuracy", "test/noisy_val/map", "test/last/mae", "primary/test", "method/transition_error"} <= set(metrics)
    assert "uploaded: https://wandb.ai/somebody/labelnoise-bench/reports/" in capsys.readouterr().out
    known = False
    with pytest.raises(ConfigError, match=r"project 'somebody/labelnoise-bench' not found.* make wandb-sync creates it"):
        report([f"paths.results={tmp_path}"])
    monkeypatch.setattr(Api, "default_entity", None)
    with pytest.raises(ConfigError, match="give entity=NAME"):
        report([f"paths.results={tmp_path}"])


@pytest.mark.parametrize("problem", ["multiclass", "tagging", "multilabel", "regression"])
def test_suspicious_labels_are_shown_with_what_a_person_needs(problem: str, settings: dict[str, Conditions]) -> None:
    conditions = settings[problem]

    class Known(Method):
        def suspicion(self) -> torch.Tensor:
            return torch.arange(conditions.data.num_units, dtype=torch.float)

    lines = suspects(Known(), conditions, 4)
    assert len(lines) == 4
    assert all(len(line) == len(COLUMNS) for line in lines)
    scores = [line[COLUMNS.index("suspicion")] for line in lines]
    assert scores == sorted(scores, reverse=True)
    live = conditions.data.train.live.flatten()
    assert all(live[line[0] * conditions.data.problem.width + line[1]] for line in lines)
    assert suspects(Method(), conditions) == []


def test_what_is_kept_is_right_as_often_as_it_says() -> None:
    right = np.array([0, 1, 1, 0, 1])
    given = np.array([0, 1, 0, 1, 1])
    side = Side(right, given, np.ones(5, bool), np.zeros(5, int), given)
    found = kept_quality(np.array([0.1, 0.9, 0.2, 0.8, 0.3]), side)  # keeps 0, 2, 4: two right ones of three
    assert found == {"selection_precision": pytest.approx(2 / 3), "selection_recall": pytest.approx(2 / 3)}
    assert kept_quality(np.zeros(5), Side(right, right, np.ones(5, bool), np.zeros(5, int), right)) == {}
