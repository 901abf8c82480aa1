"""Grids of tuned cells and their rows."""

from __future__ import annotations

import functools
from typing import Any

from benchmark.config.grid import Grid, expand
from benchmark.results.row import Row
from benchmark.tuning.frozen import variants
from benchmark.tuning.space import Point

PRODUCT = {"task": "digits", "noise": "symmetric(rate=0.4)", "trainer": "quick(epochs=10)"}
POINT = Point({"q": 0.25}, {"lr": 2.0, "weight_decay": 1e-06, "epochs": 0.52})
SEEDS = [(0, 0, 0), (1, 1, 1)]


def grid(setting: str, method: str = "gce", extra: tuple[str, ...] = (), **changed: str) -> Grid:
    return expand([PRODUCT | {"method": method} | changed], {}, {}, extra, functools.partial(variants, setting))


def row_of(cell: Any, seed: tuple[int, int, int], score: float | None, **changed: Any) -> Row:
    """A finished row with a validation score, or a failed one; its test scores rank the other way round."""
    made: dict[str, Any] = {"cell": cell.id, "seed": seed, "status": "failed", "labels": cell.labels, "config": dict(cell.config), **cell.choice}
    if score is not None:
        metrics = {"val/last/clean_val": score, "val/last/noisy_val": 1 - score, "test/last/accuracy": -score, "test/last/mae": -score}
        made |= {"status": "ok", "metrics": metrics, "cost": {"passes": 10, "seconds": 0.5}}
    return Row(**(made | changed))
