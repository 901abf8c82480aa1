"""The report of a project."""

from __future__ import annotations

import json
from pathlib import Path
from types import MappingProxyType, SimpleNamespace
from typing import Any

import pytest

from benchmark.commands.wandb import report, sync
from benchmark.core.errors import ConfigError

DAY = "2026-01-01T00:00:00"


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
