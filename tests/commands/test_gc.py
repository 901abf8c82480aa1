"""What killed runs leave behind is shown, then removed; nothing else is touched."""

from __future__ import annotations

import os
import socket
import subprocess
import sys
import time
from pathlib import Path
from typing import Any

import pytest

from benchmark.commands.gc import collect
from benchmark.commands.rows import compact
from benchmark.core.errors import ConfigError
from benchmark.core.paths import Paths
from benchmark.core.protocol import AXES
from benchmark.results.row import Row
from benchmark.results.store import Store

CELL = "ab" * 8
LONG_AGO = time.time() - 7200


def made(path: Path, age: float = LONG_AGO) -> Path:
    path.parent.mkdir(parents=True, exist_ok=True)
    path.write_bytes(b"12345")
    os.utime(path, (age, age))
    return path


def gone() -> int:
    """The number of a process that has ended."""
    child = subprocess.Popen([sys.executable, "-c", ""])
    child.wait()
    return child.pid


@pytest.fixture
def litter(paths: Paths) -> tuple[list[Path], list[Path]]:
    """What can go, and what has to stay."""
    names: dict[str, Any] = dict.fromkeys(AXES, "x")
    Store(paths.results).write(Row(cell=CELL, seed=(0, 0, 0), status="failed", labels=names, **names))
    running, runs = paths.results / "running", paths.results / "runs"
    host, dead = socket.gethostname(), gone()
    litter = [
        made(runs / "ab" / ".x1.tmp"),
        made(paths.cache / "noise" / ".y.tmp"),
        made(paths.results / ".rows.parquet.7.tmp"),
        made(runs / "ab" / f"{CELL}-1.bits.npy"),
        made(running / f"{CELL}-3@{host}@{dead}"),
        made(running / f"drain-{dead}"),
        made(paths.cache / "wheels" / "tmpabcdefgh" / "wanted.txt").parent,
        made(paths.cache / "datasets" / "csv" / "x.arrow").parent.parent,
    ]
    os.utime(litter[-2], (LONG_AGO, LONG_AGO))
    kept = [
        Store(paths.results).path(CELL, (0, 0, 0)),
        made(runs / "ab" / ".new.tmp", time.time()),
        made(runs / "ab" / f"{CELL}-0.bits.npy"),
        made(runs / "ab" / "notes.bits.npy"),
        made(running / f"{CELL}-4@{host}@{os.getpid()}"),
        made(running / f"{CELL}-5@elsewhere@{dead}"),
        made(running / "a@b@c@d"),
        made(paths.cache / "noise" / "a.npz"),
        made(paths.cache / "wheels" / "x.whl"),
        made(paths.data / ".mine.tmp"),
    ]
    (paths.cache / "link.tmp").symlink_to(paths.data)
    return litter, kept


def words(paths: Paths) -> list[str]:
    return [f"paths.results={paths.results}", f"paths.cache={paths.cache}"]


def test_what_killed_runs_leave_is_shown_first(litter: tuple[list[Path], list[Path]], paths: Paths, capsys: pytest.CaptureFixture[str]) -> None:
    assert collect(words(paths)) == 0
    shown = capsys.readouterr().out
    assert all(path.exists() for side in litter for path in side)
    assert all(str(path) in shown for path in litter[0])
    assert f"{len(litter[0])} files and folders" in shown


def test_then_it_is_removed_and_nothing_else(litter: tuple[list[Path], list[Path]], paths: Paths, capsys: pytest.CaptureFixture[str]) -> None:
    assert collect([*words(paths), "remove=yes"]) == 0
    assert not any(path.exists() for path in litter[0])
    assert all(path.exists() for path in litter[1])
    collect(words(paths))
    assert "0 files and folders" in capsys.readouterr().out


def test_a_row_in_the_archive_keeps_its_bits(paths: Paths, capsys: pytest.CaptureFixture[str]) -> None:
    names: dict[str, Any] = dict.fromkeys(AXES, "x")
    Store(paths.results).write(Row(cell=CELL, seed=(0, 0, 0), status="failed", labels=names, **names))
    bits = made(Store(paths.results).path(CELL, (0, 0, 0)).with_suffix(".bits.npy"))
    compact(words(paths)[:1])
    assert not Store(paths.results).path(CELL, (0, 0, 0)).exists()
    collect([*words(paths), "remove=yes"])
    assert bits.exists()


@pytest.mark.parametrize("word", ["hours=x", "hours=-1", "hours=inf", "remove=maybe", "all"])
def test_other_words_are_one_line(word: str, paths: Paths) -> None:
    with pytest.raises(ConfigError, match=r"gc takes|is no time"):
        collect([*words(paths), word])
