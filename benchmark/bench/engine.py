"""What the engine costs beside training: rows of ``make bench``."""

from __future__ import annotations

import os
import subprocess
import sys
import tempfile
from collections.abc import Iterator
from pathlib import Path

from benchmark.bench.timing import Measurement, seconds
from benchmark.config.cells import Cell
from benchmark.config.grid import expand
from benchmark.core.paths import ROOT, Paths
from benchmark.results.row import Row
from benchmark.running.runner import run_cell

CHEAP = {"task": "digits", "noise": "symmetric", "method": "erm", "model": "linear", "trainer": "smoke(reference_folds=0)"}


def engine() -> Iterator[Measurement]:
    """Overhead and leaks of runs, one process against many, and how status grows."""
    with tempfile.TemporaryDirectory() as folder:
        base = Path(folder)
        yield from warm_runs(Paths(base, base / "warm", base / "cache"))
        yield from one_process_against_many(base)
        yield from workers(base)
        yield from many_cells(base / "many")


def cheap() -> Cell:
    """A cell whose runs take no time."""
    return expand([CHEAP], {}, {}, []).cells[0]


def warm_runs(paths: Paths, runs: int = 200) -> Iterator[Measurement]:
    """A whole run of one tiny epoch is an upper bound of the overhead: its few gradient steps are in it."""
    cell = cheap()
    run_cell(cell, [(s, s, s) for s in range(20)], paths)
    before, rows = _resident_mb(), list[Row]()
    total = seconds(lambda: rows.extend(run_cell(cell, [(s % 3, s % 3, s) for s in range(20, 20 + runs)], paths)))
    training = sum(row.cost["seconds"] for row in rows)
    yield (
        "runner overhead a run after the first",
        f"{1000 * (total - training) / runs:.0f} ms beside {1000 * training / runs:.0f} ms of training",
        "at most 40 ms",
    )
    yield f"memory kept by a run, mean of {runs}", f"{(_resident_mb() - before) / runs:.3f} MB", "at most 0.2 MB"


def _resident_mb() -> float:
    pages = int(Path("/proc/self/statm").read_text(encoding="ascii").split()[1])
    return pages * os.sysconf("SC_PAGE_SIZE") / 2**20


def one_process_against_many(base: Path, runs: int = 10) -> Iterator[Measurement]:
    """``linear`` on digits: seeds in one process against a process for each."""

    def command(folder: str, *words: str) -> None:
        arguments = [f"{axis}={entry}" for axis, entry in CHEAP.items()]
        paths = [f"paths.results={base / folder}", f"paths.cache={base / folder}/cache"]
        subprocess.run([sys.executable, "-m", "benchmark", *arguments, *words, *paths], cwd=ROOT, check=True, capture_output=True)

    many = seconds(lambda: [command("each", f"seeds=[{s}]") for s in range(runs)]) / runs  # type: ignore[func-returns-value]
    few, lots = (seconds(lambda n=n: command(f"together{n}", f"seeds={list(range(n))}")) for n in (runs, 20 * runs))  # type: ignore[misc]
    together = (lots - few) / (19 * runs)
    yield "runs a minute, linear on digits", f"{60 / together:.0f}, {many / together:.0f} x one process a run", "at least 15 x"


def workers(base: Path) -> Iterator[Measurement]:
    """Two workers against one: a whole command, and what 48 further runs add to it, in which start-up and board are not."""

    def sweep(jobs: int, seeds: list[int]) -> None:
        folder = base / f"jobs{jobs}-{len(seeds)}"
        launcher = f"launcher={'basic' if jobs == 1 else 'joblib'}"
        words = ["experiment=quick", "task=digits", f"seeds={seeds}", launcher, f"jobs={jobs}", f"paths.results={folder}", f"paths.cache={folder}/cache"]
        subprocess.run([sys.executable, "-m", "benchmark", *words], cwd=ROOT, check=True, capture_output=True)

    took = {(jobs, n): seconds(lambda jobs=jobs, n=n: sweep(jobs, list(range(n)))) for n in (1, 3) for jobs in (1, 2)}  # type: ignore[misc]
    one, two = (took[jobs, 3] for jobs in (1, 2))
    more, shared = (took[jobs, 3] - took[jobs, 1] for jobs in (1, 2))
    yield "two workers against one, 72 runs, start-up included", f"{one / two:.2f} x ({one:.0f} s, {two:.0f} s)", "at least 1.8 x"
    yield "two workers against one, 48 further runs", f"{more / shared:.2f} x ({more:.0f} s, {shared:.0f} s)", "at least 1.8 x"


def many_cells(results: Path) -> Iterator[Measurement]:
    """``status`` of a grid of 10,000 cells."""
    noises = ",".join(f"symmetric(rate={i / 1000})" for i in range(500))
    methods = ",".join(f"gce(q={i / 20})" for i in range(1, 21))
    words = ["task=digits", "experiment=smoke", f"noise={noises}", f"method={methods}", "seeds=[0]", f"paths.results={results}"]
    took = seconds(lambda: subprocess.run([sys.executable, "-m", "benchmark", "status", *words], cwd=ROOT, check=True, capture_output=True))
    yield "status of 10,000 cells, process start included", f"{took:.1f} s", "at most 3 s"
