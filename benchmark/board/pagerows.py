"""Every run as the page of its cell shows it: scores, command, provenance, configuration, and the curves of its method."""

from __future__ import annotations

import functools
import json
import math
from collections import defaultdict
from collections.abc import Iterable, Mapping, Sequence
from typing import Any

import numpy as np

from benchmark.config.cells import Cell, command, seeds_of
from benchmark.config.registry import current_name
from benchmark.core.errors import UserError
from benchmark.core.protocol import AXES, CHECKPOINTS
from benchmark.results.row import Row, seed_name
from benchmark.stats import CELL
from benchmark.stats.intervals import t_quantile

OWN = ("started", "predictions_digest", "noise_digest", "train_digest")  # of the provenance: what differs from run to run
TRACES = {"memorization": "train/checkpoint_{}/memorization", "noisy_val": "val/checkpoint_{}/noisy_val", "clean_val": "val/checkpoint_{}/clean_val"}
SEEDS = "seeds=[]"  # stands where the seeds of a command go
T = t_quantile(np.arange(1001)).tolist()  # by the number of seeds
STEPS = [{name: form.format(k) for name, form in {**TRACES, "epoch": "val/checkpoint_{}/epoch"}.items()} for k in range(CHECKPOINTS)]


def details(
    rows: Iterable[Row], cells: Sequence[tuple[Any, ...]], methods: Mapping[str, int], shard: int | None
) -> tuple[dict[int, dict[int, Any]], list[int]]:
    """The rows by file and cell, and the file of each cell.

    Args:
        rows: finished and failed ones; those of cells that are not shown are left out.
        cells: keys of the cells, in the order of their numbers.
        methods: name -> number.
        shard: runs a file, about; None for one file.
    """
    number = {key: at for at, key in enumerate(cells)}
    own: dict[int, list[Row]] = defaultdict(list)
    for row in rows:
        at = number.get(tuple(row.labels[axis] for axis in CELL))
        if at is not None and row.labels["method"] in methods:
            own[at].append(row)
    files: dict[int, dict[int, Any]] = defaultdict(dict)
    where, current, filled = [], 0, 0
    for at in range(len(cells)):
        if shard is not None and filled >= shard:
            current, filled = current + 1, 0
        files[current][at] = _cell(own[at], methods)
        filled += len(own[at])
        where.append(current)
    return dict(files), where


def _cell(rows: Sequence[Row], methods: Mapping[str, int]) -> dict[str, Any]:
    """The rows of a cell: what they share is said once."""
    orders = {tuple(row.metrics) for row in rows}  # few: rows of one program name their metrics in one order
    names = sorted({name for order in orders for name in order if "/checkpoint_" not in name})
    provenance, configs, runs = _Table(), _Table(), []
    for row in rows:
        shared = {key: value for key, value in row.provenance.items() if key not in (*OWN, "command")}
        run = {
            "m": methods[row.labels["method"]],
            "id": row.cell,
            "seed": seed_name(row.seed),
            "status": row.status,
            "seconds": row.cost.get("seconds"),
            "command": command_of(row),
            "p": provenance.add(shared, repr(shared)),  # keys of rows of one program are in one order
            "k": configs.add(row.config, row.cell),
            "own": {key: row.provenance[key] for key in OWN if key in row.provenance},
            "values": [round(value, 6) if (value := row.metrics.get(name)) is not None else None for name in names],
        }
        runs.append(run if row.error is None else run | {"error": row.error})
    return {"names": names, "runs": runs, "provenance": provenance.values, "configs": configs.values, "curves": _curves(rows, methods)}


def command_of(row: Row) -> str:
    """Return the command that makes a row again, written from its names and parameters; "" where they are not those of this suite.

    What a row says itself is its sender's own text, which nobody should copy into a shell.
    """
    words = _words(row.cell, json.dumps([row.placed, row.contents, *(getattr(row, axis) for axis in AXES)], sort_keys=True))
    return words.replace(SEEDS, seeds_of(row.seed)) if words else ""


@functools.lru_cache(maxsize=256)
def _words(cell: str, content: str) -> str:
    """Return the command of a cell with ``SEEDS`` in place of its seeds; "" where it cannot be written in plain words on one line."""
    config, contents, *options = json.loads(content)
    names = {axis: current_name(axis, name) for axis, name in zip(AXES, options, strict=True)}
    try:
        words = command(Cell(names, config, contents))
    except (UserError, KeyError, TypeError, ValueError, AttributeError):
        return ""
    return f"{words} {SEEDS}" if words.isprintable() else ""


class _Table:
    """Values in order of first appearance, each once."""

    def __init__(self) -> None:
        self.values: list[Any] = []
        self._at: dict[str, int] = {}

    def add(self, value: Any, key: str) -> int:
        """Number of a value that equals others of its key."""
        if key not in self._at:
            self._at[key] = len(self.values)
            self.values.append(value)
        return self._at[key]


def _curves(rows: Sequence[Row], methods: Mapping[str, int]) -> list[dict[str, Any]]:
    """Means over seeds of what the checkpoints measured, with the half widths of their t-intervals, per method."""
    by_method: dict[int, list[Mapping[str, float]]] = defaultdict(list)
    for row in rows:
        if row.status == "ok":
            by_method[methods[row.labels["method"]]].append(row.metrics)
    out = []
    for method, found in by_method.items():
        values = {name: [[metrics[step[name]] for metrics in found if step[name] in metrics] for step in STEPS] for name in (*TRACES, "epoch")}
        traces = {name: [_mean(seeds) for seeds in own] for name, own in values.items()}
        traces |= {f"{name}_half": [_half(seeds) for seeds in values[name]] for name in TRACES}
        last = max((k for k, epoch in enumerate(traces["epoch"]) if epoch is not None), default=-1) + 1
        out.append({"m": method, **{name: values[:last] for name, values in traces.items()}})
    return out


def _mean(values: Sequence[float]) -> float | None:
    return float(f"{math.fsum(values) / len(values):.5g}") if values else None


def _half(values: Sequence[float]) -> float | None:
    """Of the 95 % t-interval of a mean; None below two seeds."""
    n = len(values)
    if n < 2:
        return None
    mean = math.fsum(values) / n
    return float(f"{T[n] * math.sqrt(math.fsum((v - mean) ** 2 for v in values) / (n - 1) / n):.3g}") if n < len(T) else None
