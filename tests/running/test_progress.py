"""What a sweep shows of itself: a line that changes on a terminal, plain lines elsewhere."""

from __future__ import annotations

import os
import pty
import re
import select
import time
from collections.abc import Callable, Iterator
from contextlib import contextmanager
from pathlib import Path
from typing import Any

import pytest

from benchmark.results.row import Row
from benchmark.results.store import Store
from benchmark.running import progress as module
from benchmark.running.progress import progress

CELL = "table(path=[/a].csv) symmetric(rate=0.4) gce(q=0.7)"  # which is no markup of rich
RUNS = [(f"{i:016x}", (0, 0, 0)) for i in range(5)]
ANSI = re.compile(r"\x1b\[[0-9;?]*[A-Za-z]")
Wait = Callable[[str], str]


def row(number: int, status: Any) -> Row:
    names: dict[str, Any] = dict.fromkeys(("task", "noise", "method", "model", "trainer"), "x")
    return Row(cell=RUNS[number][0], seed=RUNS[number][1], status=status, labels=names, **names)


@contextmanager
def terminal(columns: int, monkeypatch: pytest.MonkeyPatch) -> Iterator[Wait]:
    """Standard error is a pseudo-terminal; the function yielded reads what it shows until a pattern occurs, and fails after 20 s."""
    ours, theirs = pty.openpty()
    monkeypatch.setenv("COLUMNS", str(columns))
    monkeypatch.setenv("TERM", "xterm")
    for name in ("NO_COLOR", "FORCE_COLOR", "TTY_COMPATIBLE", "TTY_INTERACTIVE"):
        monkeypatch.delenv(name, raising=False)
    shown = ""

    def wait(pattern: str) -> str:
        nonlocal shown
        last = time.monotonic() + 20
        while not re.search(pattern, shown, re.MULTILINE):
            ready, _, _ = select.select([ours], [], [], max(0, last - time.monotonic()))
            assert ready, f"{pattern} is not in {shown[-300:]!r}"
            shown += ANSI.sub("", os.read(ours, 65536).decode()).replace("\r", "\n")
        return shown

    with os.fdopen(theirs, "w") as file:
        monkeypatch.setattr("sys.stderr", file)
        try:
            yield wait
        finally:
            monkeypatch.undo()
            os.close(ours)


@pytest.mark.parametrize("columns", [80, 160])
def test_on_a_terminal_the_line_tells_everything(columns: int, tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    store = Store(tmp_path)
    monkeypatch.setattr(module, "EVERY", 0.01)
    with terminal(columns, monkeypatch) as wait, progress(RUNS, store, skipped=7), store.running(*RUNS[3], CELL), store.running(*RUNS[4], "other"):
        wait(r"0/5 failed 0, skipped 7, running 2, ETA -:--:--")
        store.write(row(0, "ok"))
        wait(r"1/5 failed 0")
        store.write(row(1, "failed"))
        found = wait(r"2/5 failed 1, skipped 7, running 2, ETA \d:\d\d:\d\d " + (re.escape(CELL) if columns > 100 else r"table\(path=\[/a\]"))
    lines = [line.rstrip() for line in found.split("\n") if "/5" in line]
    assert max(map(len, lines)) <= columns


def test_elsewhere_plain_lines_tell_the_same(tmp_path: Path, monkeypatch: pytest.MonkeyPatch, capsys: pytest.CaptureFixture[str]) -> None:
    store, shown = Store(tmp_path), ""
    for name in ("EVERY", "QUIET"):
        monkeypatch.setattr(module, name, 0.01)
    last = time.monotonic() + 20
    with progress(RUNS, store, skipped=7), store.running(*RUNS[3], CELL):
        store.write(row(0, "ok"))
        store.write(row(1, "failed"))
        while not re.search(rf"^2 of 5 runs, failed 1, skipped 7, running 1, ETA [-:\d]+: {re.escape(CELL)}$", shown, re.MULTILINE):
            assert time.monotonic() < last, shown
            shown += capsys.readouterr().err
    shown += capsys.readouterr().err
    assert "\x1b" not in shown
    assert shown.endswith("\n2 of 5 runs done, failed 1, skipped 7\n")
