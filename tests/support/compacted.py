"""A store whose rows are in its archive."""

from __future__ import annotations

from pathlib import Path

from benchmark.commands.rows import compact
from benchmark.results.archive import Archive
from benchmark.results.row import Row
from benchmark.results.store import Store
from support.boardrows import made_rows

ROWS = made_rows(tasks=2, seeds=2)
KEYS = [(row.cell, row.seed) for row in ROWS]


def compacted_store(folder: Path) -> Store:
    store = Store(folder)
    for row in ROWS:
        store.write(row)
    assert compact([f"paths.results={folder}"]) == 0
    return store


def compacted(store: Store) -> Archive:
    assert store.archive is not None
    return store.archive


def by_run(rows: list[Row]) -> dict[str, Row]:
    return {f"{row.cell}-{row.seed}": row for row in rows}
