"""Rows that a test writes, and the files of a store."""

from __future__ import annotations

from pathlib import Path
from typing import Any

from benchmark.core.seeds import Seed
from benchmark.results.row import Row
from benchmark.results.store import Store

CELL = "0a1b2c3d4e5f6071"


def row(cell: str = CELL, seed: Seed = (3, 3, 3), **fields: Any) -> Row:
    names = {"task": "digits", "noise": "symmetric", "method": "erm", "model": "cnn", "trainer": "quick"}
    content = {"cell": cell, "seed": seed, "status": "ok", **names, "labels": names | {"noise": "symmetric(rate=0.4)"}}
    return Row(**(content | {"metrics": {"test/last/accuracy": 0.75}, "config": {"task": {"problem": "multiclass"}, "noise": {"rate": 0.4}}} | fields))


def files(store: Store) -> list[Path]:
    return sorted(path for path in store.results.rglob("*") if path.is_file())
