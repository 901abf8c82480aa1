"""What goes wrong while a sweep runs: killed, asked to end, out of time, memory or disk, altered files. Finished rows stay."""

from __future__ import annotations

import os
import signal
import subprocess
import sys
from collections.abc import Callable
from pathlib import Path
from typing import Any

import pytest
from support.commands import wait_for

from benchmark.bench import faults
from benchmark.config.cells import Cell
from benchmark.config.grid import expand
from benchmark.core.errors import LaunchError
from benchmark.results.row import DIED
from benchmark.results.store import Store
from benchmark.running.launching import launched

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


def test_a_sweep_on_a_full_disk_is_one_line_and_exit_code_2(small_disk: Path, tmp_path: Path) -> None:
    (small_disk / "filler").write_bytes(bytes(2**20 - 8192))
    results = tmp_path / "link"
    results.symlink_to(small_disk)
    assert faults.ended(faults.start(results)) == 2
    (line,) = results.with_suffix(".log").read_text().splitlines()
    assert line.startswith(f"error: {results}/runs cannot be written (No space left on device): make room")
