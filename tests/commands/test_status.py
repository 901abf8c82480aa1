"""Status and plan name what is truncated, and count whole runs."""

from __future__ import annotations

import importlib
import json
import re

import pytest

from benchmark.commands.leaderboard import rebuild
from benchmark.commands.status import plan, status
from benchmark.config.cells import Cell
from benchmark.config.grid import expand
from benchmark.core.paths import PLUGINS, Paths
from benchmark.results.store import Store
from benchmark.running.runner import run_cell
from benchmark.running.sweep import pending

SEED = (0, 0, 0)


@pytest.fixture
def cells() -> list[Cell]:
    product = {"task": "digits(subset=500)", "noise": "symmetric(rate=0.4)", "method": ["erm", "gce"], "model": "linear", "trainer": "smoke"}
    return expand([product], {}, {}, []).cells


def test_status_sweep_and_board_name_a_truncated_row_and_go_on(
    cells: list[Cell], paths: Paths, monkeypatch: pytest.MonkeyPatch, capsys: pytest.CaptureFixture[str], caplog: pytest.LogCaptureFixture
) -> None:
    monkeypatch.syspath_prepend(PLUGINS)
    importlib.import_module("hydra_plugins.grid_sweeper")
    for cell in cells:
        run_cell(cell, [SEED], paths)
    store = Store(paths.results)
    path = store.path(cells[0].id, SEED)
    path.write_bytes(path.read_bytes()[:700])
    assert status(["experiment=smoke", "task=digits", "model=linear", "seeds=[0]", f"paths.results={paths.results}"]) == 0
    shown = capsys.readouterr().out
    assert f"{path} cannot be read: it counts as missing" in shown
    assert re.search(r"^erm +0 +0 +3$", shown, re.MULTILINE)
    assert re.search(r"^gce +1 +0 +2$", shown, re.MULTILINE)
    assert list(pending(cells, [SEED], store, "skip")) == [(cells[0].id, SEED)]
    caplog.clear()
    assert rebuild([f"paths.results={paths.results}"]) == 0
    (record,) = caplog.records
    assert f"{path} is not a valid row" in record.getMessage()
    assert {line["method"] for line in json.loads((paths.results / "local" / "leaderboard.json").read_text())["cells"]} == {"gce"}


def test_plan_counts_whole_runs(cells: list[Cell], paths: Paths, monkeypatch: pytest.MonkeyPatch, capsys: pytest.CaptureFixture[str]) -> None:
    """Training alone would promise too little: data, references and evaluation take time too."""
    monkeypatch.syspath_prepend(PLUGINS)
    importlib.import_module("hydra_plugins.grid_sweeper")
    for cell in cells:
        (row,) = run_cell(cell, [SEED], paths)
        assert row.cost["run_seconds"] > row.cost["seconds"]
        altered = row.model_copy(update={"cost": row.cost | {"seconds": 1.0, "run_seconds": 60.0}})
        Store(paths.results).write(altered, supersede=True)
    words = ["task=digits(subset=500)", "noise=symmetric(rate=0.4)", "method=erm,gce", "model=linear", "seeds=[0,1,2]"]
    assert plan(["experiment=smoke", *words, f"paths.results={paths.results}"]) == 0
    shown = capsys.readouterr().out
    assert "1 of 3 done, 60.0 s a run" in shown
    assert "about 4.0 minutes of one core are left" in shown
