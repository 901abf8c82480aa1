"""What W&B costs a run of the quick experiment, offline: a row of ``make bench``."""

from __future__ import annotations

import os
import tempfile
from collections.abc import Iterator
from pathlib import Path

from benchmark.bench.timing import Measurement
from benchmark.core.paths import Paths
from benchmark.running.plan import planned
from benchmark.running.runner import Options, run_cell

METHODS = ("erm", "coteaching", "huber")


def logger() -> Iterator[Measurement]:
    """CPU time of runs with and without, in turn, with that of the service of W&B: a noisy cell of every task of quick and some methods."""
    grid, _, _ = planned(["experiment=quick"])
    cells = {(cell.labels["task"], cell.labels["method"]): cell for cell in grid.cells if cell.labels["noise"] != "clean" and cell.labels["method"] in METHODS}
    spent = {"none": 0.0, "wandb": 0.0}
    with tempfile.TemporaryDirectory() as folder:
        base = Path(folder)
        for cell in cells.values():
            for seed in range(3):
                for name in spent:
                    before = _cpu()
                    run_cell(cell, [(seed, seed, seed)], Paths(Paths.default().data, base / name, base / "cache"), Options(logger=name))
                    spent[name] += (_cpu() - before) * (seed > 0)  # the first loads the task, and starts the service
    share = spent["wandb"] / spent["none"] - 1
    yield f"W&B offline, CPU time added to {2 * len(cells)} runs of quick", f"{100 * share:.1f} %", "at most 10 %"


def _cpu() -> float:
    """Seconds of this process and of those that it started, running or ended."""
    own, tick = os.times(), os.sysconf("SC_CLK_TCK")
    running = 0.0
    for stat in Path("/proc").glob("[0-9]*/stat"):
        try:
            fields = stat.read_text(encoding="utf8", errors="replace").rpartition(")")[2].split()
        except OSError:
            continue  # it has ended
        if int(fields[1]) == os.getpid():
            running += (int(fields[11]) + int(fields[12])) / tick
    return own.user + own.system + own.children_user + own.children_system + running
