"""A job of several processes: it arrives as it was sent, from a folder of this user alone, and nothing in it is executed."""

from __future__ import annotations

import json
import os
import pickle
from pathlib import Path

import pytest

from benchmark.config.cells import Cell
from benchmark.config.grid import expand
from benchmark.core.errors import LaunchError
from benchmark.core.paths import Paths
from benchmark.running import jobs


@pytest.fixture
def cell() -> Cell:
    product = {"task": "digits", "noise": "symmetric(rate=0.1)", "method": "sam(base=elr)", "trainer": "smoke(lr=1e-300)"}
    return expand([product], {}, {}, []).cells[0]


@pytest.fixture
def folder(tmp_path: Path) -> Path:
    jobs.make_folder(tmp_path / "jobs")
    return tmp_path / "jobs"


def test_a_job_arrives_as_it_was_sent(cell: Cell, folder: Path, paths: Paths) -> None:
    jobs.write(folder, 3, cell, (1, 2, 3), paths)
    assert folder.stat().st_mode & 0o777 == 0o700
    arrived, seed, where = jobs.read(folder, 3)
    assert (arrived.id, arrived.config, seed, where) == (cell.id, cell.config, (1, 2, 3), paths)


def test_a_folder_that_was_left_behind_is_made_anew(folder: Path) -> None:
    (folder / "1.json").write_text("{}")
    jobs.make_folder(folder)
    assert not list(folder.iterdir())


def test_what_is_no_job_of_this_user_is_refused(cell: Cell, folder: Path, paths: Paths, tmp_path: Path) -> None:
    jobs.write(folder, 1, cell, (0, 0, 0), paths)
    right = json.loads((folder / "1.json").read_text())
    marker = tmp_path / "executed"

    class Evil:
        def __reduce__(self) -> tuple[object, tuple[str]]:
            return os.system, (f"touch {marker}",)

    contents = [
        pickle.dumps(Evil()),
        b"",
        b" " * (jobs.LARGEST + 1),
        json.dumps(right | {"more": 1}).encode(),
        json.dumps(right | {"seed": [0, 0]}).encode(),
        json.dumps(right | {"choice": {"task": 1}}).encode(),
    ]
    for content in contents:
        (folder / "1.json").write_bytes(content)
        with pytest.raises(LaunchError, match="is no job of this program"):
            jobs.read(folder, 1)
    assert not marker.exists()
    (folder / "1.json").write_text(json.dumps(right))
    (folder / "2.json").symlink_to(folder / "1.json")
    with pytest.raises(LaunchError, match="is no job of this program"):
        jobs.read(folder, 2)
    folder.chmod(0o755)
    with pytest.raises(LaunchError, match="is not a folder of this user alone"):
        jobs.read(folder, 1)


def test_the_folder_belongs_to_one_program(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setenv("MASTER_PORT", "1")
    first = jobs.folder_of_group()
    assert first == jobs.folder_of_group()
    monkeypatch.setenv("MASTER_PORT", "2")
    assert jobs.folder_of_group() != first
