"""What goes wrong while a sweep runs: killed, asked to end, out of time, memory or disk, altered files. Finished rows stay."""

from __future__ import annotations

import importlib
import json
import os
import re
import signal
import subprocess
import sys
import threading
from collections.abc import Callable, Iterator
from pathlib import Path
from typing import Any

import numpy as np
import pytest
import torch
from support.commands import wait_for

from benchmark.bench import faults
from benchmark.commands.leaderboard import rebuild
from benchmark.commands.status import plan, status
from benchmark.config.cells import Cell
from benchmark.config.grid import expand
from benchmark.core.errors import DataError, LaunchError
from benchmark.core.paths import PLUGINS, Paths
from benchmark.results.row import DIED
from benchmark.results.store import Store
from benchmark.running.conditions import _conditions
from benchmark.running.execution import Outcome, execute
from benchmark.running.launching import launched
from benchmark.running.runner import Options, run_cell
from benchmark.running.sweep import pending

SEED = (0, 0, 0)


@pytest.fixture
def cells() -> list[Cell]:
    product = {"task": "digits(subset=500)", "noise": "symmetric(rate=0.4)", "method": ["erm", "gce"], "model": "linear", "trainer": "smoke"}
    return expand([product], {}, {}, []).cells


@pytest.mark.slow
def test_killed_sweeps_end_with_the_rows_of_one_that_nobody_disturbed(tmp_path: Path) -> None:
    survived, moments = faults.kills(tmp_path, 3)
    assert survived == 3
    assert all(0 < moment < 1 for moment in moments)


def test_eight_writers_lose_and_double_no_row(tmp_path: Path) -> None:
    assert faults.race(tmp_path, 8, 160) == 160


@pytest.mark.slow
def test_two_sweeps_of_the_same_grid_at_once(tmp_path: Path) -> None:
    both = [faults.start(tmp_path / "both", "seeds=[0,1]") for _ in range(2)]
    assert [faults.ended(child) for child in both] == [0, 0]
    assert len(list(Store(tmp_path / "both").rows())) == 4
    assert not list((tmp_path / "both" / "running").iterdir())


@pytest.mark.slow
def test_sigterm_lets_the_running_seed_end_and_starts_no_other(tmp_path: Path) -> None:
    results = tmp_path / "drained"
    child = faults.start(results, "seeds=[0,1,2,3,4,5,6,7]")
    wait_for(Store(results).under_way, child.is_alive)
    assert child.pid is not None
    os.kill(child.pid, signal.SIGTERM)
    assert faults.ended(child) == 128 + signal.SIGTERM
    assert "drained: the running seeds have ended, no other was started; the same command goes on" in results.with_suffix(".log").read_text()
    rows = list(Store(results).rows())
    assert 0 < len(rows) < 16
    assert {row.status for row in rows} == {"ok"}
    assert not list((results / "running").iterdir())


class DiedError(Exception):
    """What a launcher raises when it loses a worker."""


class LauncherOf:
    """As much of Hydra's as is used."""

    def __init__(self, launch: Callable[..., Any]) -> None:
        self.launch = launch


def test_a_launcher_that_breaks_names_the_cells_that_died_with_it(tmp_path: Path) -> None:
    store = Store(tmp_path)

    def break_down(jobs: Any, initial_job_idx: int) -> Any:
        gone = subprocess.Popen([sys.executable, "-c", ""])
        gone.wait(timeout=60)
        with store.running("cell", SEED, "digits clean erm"):
            alive = store.under_way()[0]
        host = alive.name.split("@")[1]
        alive.with_name(f"ab-0@{host}@{gone.pid}").write_text("digits clean gce")
        alive.with_name(f"cd-0@{host}@{os.getpid()}").write_text("digits clean elr")
        alive.with_name(f"ef-0@elsewhere@{gone.pid}").write_text("digits clean sop")
        raise DiedError("the pool is broken\nand more")

    told: list[Any] = []
    (error,) = launched(LauncherOf(break_down), [[]], store, lambda *key: told.append(key))
    assert told == [("ab", SEED)]
    assert isinstance(error, LaunchError)
    assert str(error).startswith("a worker process died while it ran digits clean gce: finished rows are kept")
    assert isinstance(error.__cause__, DiedError)
    assert store.died() == {}
    (error,) = launched(LauncherOf(refuse), [[]], store, lambda *key: told.append(key))
    assert len(told) == 1
    assert str(error).startswith("the launcher stopped: ConnectionError: no cluster at x: finished rows are kept")


def refuse(jobs: Any, initial_job_idx: int) -> Any:
    raise ConnectionError("no cluster at x\nmore")


@pytest.mark.slow
def test_a_run_that_always_kills_its_process_gets_a_failed_row_and_keeps_no_other_from_running(
    cells: list[Cell], tmp_path: Path, misbehaving: Any, monkeypatch: pytest.MonkeyPatch
) -> None:
    """The launcher is the plain one, with a process of its own for every job."""

    def in_children(launcher: Any, *rest: Any) -> Any:
        def launch(jobs: Any, initial_job_idx: int) -> Any:
            for job in jobs:
                child = faults.fork.Process(target=launcher.launch, args=([job], 0))
                child.start()
                if faults.ended(child) < 0:
                    raise DiedError("a worker was killed")
            return []

        return launched(LauncherOf(launch), *rest)

    monkeypatch.setattr("benchmark.running.sweep.launched", in_children)
    misbehaving(lambda: os.kill(os.getpid(), signal.SIGKILL), "ERM")
    erm, gce = (cell.id for cell in cells)
    results, found = tmp_path / "results", []
    for _ in range(2):
        assert faults.ended(faults.start(results, "seeds=[0,1]", "seeds.noise=[4,5]")) == 1
        found.append({(row.cell, row.seed[1]): row.status for row in Store(results).rows()})
    died = {(erm, 4): "failed", (erm, 5): "failed"}
    assert found == [{(erm, 4): "failed"}, died | {(gce, 4): "ok", (gce, 5): "ok"}]
    row = Store(results).read(erm, (1, 5, 1))
    assert row is not None
    assert row.error == DIED
    assert row.labels["noise"] == "symmetric(rate=0.4)"
    assert f"seed 1-5-1: {DIED}\n  repeat: {row.provenance['command']}\n" in results.with_suffix(".log").read_text()


@pytest.fixture
def misbehaving(monkeypatch: pytest.MonkeyPatch) -> Callable[..., None]:
    """Make a method, gce by default, do something while it trains; the other methods stay as they are."""

    def arrange(do: Callable[[], None], method: str = "GCE") -> None:
        def run(config: Any, *arguments: Any, **named: Any) -> Outcome:
            if config["_target_"].endswith(f".{method}"):
                do()
            return execute(config, *arguments, **named)

        monkeypatch.setattr("benchmark.running.runner.execute", run)

    return arrange


def test_a_run_that_takes_too_long_fails_and_the_other_cells_finish(cells: list[Cell], paths: Paths, misbehaving: Any) -> None:
    misbehaving(lambda: threading.Event().wait(60))
    rows = [row for cell in cells for row in run_cell(cell, [SEED], paths, Options(seconds=0.3 if cell.choice["method"] == "gce" else None))]
    assert [row.status for row in rows] == ["ok", "failed"]
    assert "TimeoutError: the run took longer than limits.seconds" in str(rows[1].error)
    assert signal.getitimer(signal.ITIMER_REAL) == (0.0, 0.0)


def test_a_run_that_allocates_too_much_fails_and_the_other_cells_finish(cells: list[Cell], paths: Paths, misbehaving: Any) -> None:
    misbehaving(lambda: np.ones(2**31))
    rows = [row for cell in cells for row in run_cell(cell, [SEED], paths, Options(memory_gb=2))]
    assert [row.status for row in rows] == ["ok", "failed"]
    assert "MemoryError" in str(rows[1].error)
    np.ones(10**6)
    misbehaving(lambda: torch.ones(2**30))
    (row,) = run_cell(cells[1], [SEED], paths, Options(memory_gb=2))
    assert row.status == "failed"
    assert "allocate" in str(row.error)


def test_a_method_that_ends_the_program_ends_its_run_only(cells: list[Cell], paths: Paths, misbehaving: Any) -> None:
    misbehaving(lambda: sys.exit(0), method="ERM")
    rows = [row for cell in cells for row in run_cell(cell, [SEED], paths)]
    assert [row.status for row in rows] == ["failed", "ok"]
    assert "SystemExit: 0" in str(rows[0].error)


def test_a_truncated_row_is_made_again(cells: list[Cell], paths: Paths) -> None:
    (first,) = run_cell(cells[0], [SEED], paths)
    path = Store(paths.results).path(cells[0].id, SEED)
    path.write_bytes(path.read_bytes()[:-50])
    (again,) = run_cell(cells[0], [SEED], paths)
    assert again.metrics == first.metrics
    assert Store(paths.results).read(cells[0].id, SEED) == again
    assert f"{path} is not a valid row" in (paths.results / "logs" / f"{cells[0].id}.log").read_text()


def test_altered_reference_predictions_are_named_and_made_again(cells: list[Cell], paths: Paths) -> None:
    (first,) = run_cell(cells[0], [SEED], paths)
    (path,) = (paths.cache / "reference").glob("*.npz")
    good = path.read_bytes()
    path.write_bytes(good[:200] + bytes([good[200] ^ 1]) + good[201:])
    _conditions.cache_clear()
    (again,) = run_cell(cells[0], [SEED], paths, Options(on_existing="rerun"))
    assert path.read_bytes() == good
    assert again.metrics == first.metrics
    assert f"{path} was altered" in (paths.results / "logs" / f"{cells[0].id}.log").read_text()


@pytest.fixture
def small_disk(tmp_path: Path) -> Iterator[Path]:
    """A folder on a disk of one megabyte."""
    folder = tmp_path / "small"
    folder.mkdir()
    if os.geteuid() != 0 or subprocess.run(["mount", "-t", "tmpfs", "-o", "size=1m", "tmpfs", folder], capture_output=True, check=False, timeout=60).returncode:
        pytest.skip("mounting a small disk takes root")
    yield folder
    subprocess.run(["umount", folder], check=True, timeout=60)


def test_a_disk_that_is_full_is_told_before_any_training_and_loses_nothing(cells: list[Cell], paths: Paths, small_disk: Path) -> None:
    small = Paths(paths.data, small_disk, paths.cache)
    run_cell(cells[0], [SEED], small)
    with pytest.raises(OSError, match="No space left"), (small_disk / "filler").open("wb") as file:
        file.write(bytes(2**21))
    before = {path: path.read_bytes() for path in small_disk.glob("runs/??/*.json")}
    with pytest.raises(DataError, match=r"cannot be written \(No space left on device\): make room, or give paths.results=DIR"):
        run_cell(cells[1], [SEED], small)
    assert {path: path.read_bytes() for path in small_disk.glob("runs/??/*.json")} == before
    subprocess.run(["mount", "-o", "remount,ro", small_disk], check=True, timeout=60)
    with pytest.raises(DataError, match=r"cannot be written \(Read-only file system\)"):
        run_cell(cells[1], [SEED], small)


def test_a_sweep_on_a_full_disk_is_one_line_and_exit_code_2(small_disk: Path, tmp_path: Path) -> None:
    (small_disk / "filler").write_bytes(bytes(2**20 - 8192))
    results = tmp_path / "link"
    results.symlink_to(small_disk)
    assert faults.ended(faults.start(results)) == 2
    (line,) = results.with_suffix(".log").read_text().splitlines()
    assert line.startswith(f"error: {results}/runs cannot be written (No space left on device): make room")


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
