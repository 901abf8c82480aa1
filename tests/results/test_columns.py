"""Columns of rows give the board of the rows."""

from __future__ import annotations

from pathlib import Path

import pandas as pd
import pyarrow.parquet as pq
import pytest
from support.compacted import compacted_store

from benchmark.board.comparisons import compared, compute
from benchmark.results import archive
from benchmark.results.store import Store
from benchmark.results.table import run_columns


@pytest.fixture
def store(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> Store:
    """A store of groups of seven rows, compacted."""
    monkeypatch.setattr(archive, "GROUP", 7)
    return compacted_store(tmp_path)


def test_columns_give_the_board_of_the_rows(store: Store) -> None:
    one, other = compute(store.rows()), compared(run_columns(store))
    pd.testing.assert_frame_equal(one.cells, other.cells)
    assert (one.runs, one.stale, one.failed) == (other.runs, other.stale, other.failed)
    assert one.boards.keys() == other.boards.keys()


def test_columns_of_another_version_are_made_again(store: Store, monkeypatch: pytest.MonkeyPatch) -> None:
    before = compared(run_columns(store)).cells
    monkeypatch.setattr(archive, "version", lambda: b"later")
    read = pq.ParquetFile.read_row_group
    monkeypatch.setattr(pq.ParquetFile, "read_row_group", lambda self, group, columns=None: read(self, group, columns=["row"]))
    pd.testing.assert_frame_equal(compared(run_columns(store)).cells, before)
