"""One run of a cell: out of time, memory or disk, altered files. Finished rows stay."""

from __future__ import annotations

import signal
import subprocess
import sys
import threading
from pathlib import Path
from typing import Any

import numpy as np
import pytest
import torch

from benchmark.config.cells import Cell
from benchmark.config.grid import expand
from benchmark.core.errors import DataError
from benchmark.core.paths import Paths
from benchmark.results.store import Store
from benchmark.running.runner import Options, run_cell

SEED = (0, 0, 0)


@pytest.fixture
def cells() -> list[Cell]:
    product = {"task": "digits(subset=500)", "noise": "symmetric(rate=0.4)", "method": ["erm", "gce"], "model": "linear", "trainer": "smoke"}
    return expand([product], {}, {}, []).cells


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
