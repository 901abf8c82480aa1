"""What the board costs as rows grow: rows of ``make bench``, of a process that begins with nothing imported."""

from __future__ import annotations

import os
import subprocess
import sys
import tempfile
from collections.abc import Iterator
from pathlib import Path

from benchmark.bench.browser import Browser, found
from benchmark.bench.engine import cheap
from benchmark.bench.timing import Measurement
from benchmark.board import leaderboard
from benchmark.core.digests import digest
from benchmark.core.paths import ROOT, Paths
from benchmark.core.protocol import CHECKPOINTS
from benchmark.results.archive import write
from benchmark.results.row import ARCHIVE, Row
from benchmark.running.runner import run_cell

FEW = {"seeds": 3, "methods": 8, "noises": 3}  # then the next task
MANY = {"seeds": 10, "methods": 50, "noises": 10}


def board() -> Iterator[Measurement]:
    """20,000 rows in files, and a million in a compacted store."""
    with tempfile.TemporaryDirectory() as folder:
        base = Path(folder)
        row = _long(base)
        for number in range(20_000):
            put(base / "few", variant(row, number, **FEW))
        yield "board of 20,000 rows, all outputs and pictures, process start included", _board(base / "few"), "at most 8 s"
        write(base / "many" / ARCHIVE, (), (variant(row, number, **MANY) for number in range(1_000_000)))
        yield "board of 1,000,000 rows of a compacted store, process start included", _board(base / "many"), "at most 60 s, 2 GB"


def page() -> Iterator[Measurement]:
    """How long a browser takes until the page of a board is loaded and drawn."""
    if found() is None:
        yield "page of the board", "no chromium here", "at most 1 s"
        return
    with tempfile.TemporaryDirectory() as folder:
        base = Path(folder)
        row = _long(base)
        for count, aim in ((5_000, "at most 1 s"), (50_000, "works")):
            leaderboard.write([variant(row, number, **FEW) for number in range(count)], base / str(count))
            browser = Browser(base / "profile")
            try:
                browser.open((base / str(count) / "leaderboard.html").as_uri())
                took = browser.js("performance.getEntriesByType('navigation')[0].loadEventEnd") / 1000
            finally:
                browser.close()
            yield f"page of {count:,} rows, until it is drawn", f"{took:.2f} s", aim


def _long(base: Path) -> Row:
    """A row with as many checkpoints as a long run has."""
    (row,) = run_cell(cheap(), [(0, 0, 0)], Paths(base, base / "one", base / "cache"))
    metrics = dict(row.metrics)
    for at in range(1, CHECKPOINTS):
        metrics |= {name.replace("_0/", f"_{at}/"): value for name, value in row.metrics.items() if "checkpoint_0/" in name}
    return row.model_copy(update={"metrics": metrics})


def _board(results: Path) -> str:
    """CPU seconds, seconds and peak memory of ``make leaderboard``."""
    before = os.times()
    process = subprocess.Popen(
        [sys.executable, "-m", "benchmark", "leaderboard", f"paths.results={results}"], cwd=ROOT, stdout=subprocess.DEVNULL, stderr=subprocess.PIPE
    )
    _, code, used = os.wait4(process.pid, 0)
    if code:
        raise RuntimeError(process.stderr.read().decode() if process.stderr else "")
    return f"{used.ru_utime + used.ru_stime:.1f} s of CPU in {os.times().elapsed - before.elapsed:.1f} s, {used.ru_maxrss / 2**20:.2f} GB"


def variant(row: Row, number: int, seeds: int, methods: int, noises: int) -> Row:
    """The row again with other names: seeds of methods in noises, then the next task."""
    number, seed = divmod(number, seeds)
    number, method = divmod(number, methods)
    task, noise = divmod(number, noises)
    names = {"task": f"task{task}", "noise": f"noise{noise}" if noise else "clean", "method": f"method{method}" if method else "erm"}
    better = 0.01 * (seed * (1 + noise) % 7 + method)
    metrics = {name: value + better for name, value in row.metrics.items()}
    return row.model_copy(update={"labels": row.labels | names, "seed": (seed,) * 3, "cell": digest(names), "metrics": metrics})


def put(results: Path, row: Row) -> None:
    """A row in its file, without waiting for the disk."""
    path = results / "runs" / row.cell[:2] / f"{row.cell}-{row.seed[0]}.json"
    path.parent.mkdir(parents=True, exist_ok=True)
    path.write_text(row.model_dump_json(indent=1) + "\n", encoding="utf8")
