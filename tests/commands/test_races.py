"""Compactions at once, and a reader beside them, see every row exactly once."""

from __future__ import annotations

import multiprocessing
from pathlib import Path

import pytest

from benchmark.commands.rows import compact
from benchmark.core.digests import digest
from benchmark.core.protocol import AXES
from benchmark.results.row import Row
from benchmark.results.store import Store
from benchmark.results.table import run_columns

fork = multiprocessing.get_context("fork")
ROWS = 300


def fill(store: Store, first: int, count: int) -> None:
    names = dict.fromkeys(AXES, "x")
    for i in range(first, first + count):
        config = {"task": {"problem": "multiclass"}}
        assert store.write(Row(cell=digest("race", i), seed=(0, 0, 0), status="ok", labels=names, config=config, **names))  # type: ignore[arg-type]


def test_two_compactions_at_once_lose_no_row(tmp_path: Path) -> None:
    store = Store(tmp_path)
    for trial in range(3):
        fill(store, trial * ROWS, ROWS)
        children = [fork.Process(target=compact, args=([f"paths.results={tmp_path}"],)) for _ in range(2)]
        for child in children:
            child.start()
        for child in children:
            child.join(120)
        assert [child.exitcode for child in children] == [0, 0]
        assert len({row.cell for row in store.rows()}) == (trial + 1) * ROWS


@pytest.mark.parametrize("read", [lambda store: [row.cell for row in store.rows()], lambda store: list(run_columns(store)["cell"])])
def test_a_reader_beside_a_compaction_sees_every_row_once(tmp_path: Path, monkeypatch: pytest.MonkeyPatch, read: object) -> None:
    """The compaction happens after the reader has listed the files and read the first of them."""
    store = Store(tmp_path)
    fill(store, 0, 20)
    parsed, calls = Store.parsed, list[Path]()

    def first_then_compact(path: Path) -> Row | None:
        calls.append(path)
        if len(calls) == 2:
            compact([f"paths.results={tmp_path}"])
        return parsed(path)

    monkeypatch.setattr(Store, "parsed", staticmethod(first_then_compact))
    cells = read(store)  # type: ignore[operator]
    assert len(cells) == len(set(cells)) == 20
