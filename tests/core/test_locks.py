"""A lock lets one process at a time in, is free when its holder dies, and says who is waited for."""

from __future__ import annotations

import multiprocessing
from pathlib import Path

import pytest

from benchmark.core.errors import DataError
from benchmark.core.locks import locked

fork = multiprocessing.get_context("fork")


def add(folder: Path, times: int) -> None:
    file = folder / "count"
    for _ in range(times):
        with locked(folder):
            before = int(file.read_text()) if file.exists() else 0
            file.write_text(str(before + 1))


def test_nothing_that_two_processes_add_is_lost(tmp_path: Path) -> None:
    children = [fork.Process(target=add, args=(tmp_path, 200)) for _ in range(2)]
    for child in children:
        child.start()
    for child in children:
        child.join(60)
    assert (tmp_path / "count").read_text() == "400"


def hold(folder: Path, ready: multiprocessing.synchronize.Event) -> None:
    with locked(folder):
        ready.set()
        multiprocessing.Event().wait()


def test_a_lock_is_waited_for_and_free_when_its_holder_is_killed(tmp_path: Path) -> None:
    ready = fork.Event()
    child = fork.Process(target=hold, args=(tmp_path, ready))
    child.start()
    assert ready.wait(60)
    with pytest.raises(DataError, match="held by another process"), locked(tmp_path, patience=0.05):
        pass
    child.kill()
    child.join(60)
    with locked(tmp_path, patience=5):
        pass
