"""The compacted store: rows are found as before, files win, boards are the same, damage is named."""

from __future__ import annotations

from pathlib import Path

import pyarrow.parquet as pq
import pytest
from support.compacted import KEYS, ROWS, by_run, compacted, compacted_store

from benchmark.core.errors import DataError
from benchmark.results import archive
from benchmark.results.store import Store
from benchmark.review.doctor import read_rows


@pytest.fixture
def store(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> Store:
    """A store of groups of seven rows, compacted."""
    monkeypatch.setattr(archive, "GROUP", 7)
    return compacted_store(tmp_path)


def test_rows_are_found_as_before(store: Store) -> None:
    assert not store.files()
    assert len(store) == len(ROWS)
    assert by_run(list(store.rows())) == by_run(ROWS)
    assert [store.read(*key) for key in KEYS] == ROWS
    assert {store.state(*key) for key in KEYS} == {"ok"}
    assert store.state("f" * 16, (0, 0, 0)) == "missing"
    assert store.read("f" * 16, (0, 0, 0)) is None


def test_damage_is_one_line(store: Store) -> None:
    path = compacted(store).path
    content = bytearray(path.read_bytes())
    columns = pq.ParquetFile(path).metadata.row_group(1)
    content[columns.column(columns.num_columns - 1).data_page_offset + 60] ^= 255  # in the rows
    path.write_bytes(content)
    with pytest.raises(DataError, match=r"rows\.parquet cannot be read .*restore it"):
        list(store.rows())
    path.write_bytes(content[:100])
    with pytest.raises(DataError, match=r"rows\.parquet cannot be read"):
        store.read(*KEYS[0])


def test_the_doctor_reads_an_archive(store: Store) -> None:
    for path in (store.results, compacted(store).path):
        rows, wrong = read_rows(path)
        assert by_run(rows) == by_run(ROWS)
        assert wrong == []
