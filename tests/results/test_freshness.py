"""Which of the files that a row names are opened at all."""

from __future__ import annotations

import os
from pathlib import Path
from typing import Any

import pytest
from support.boardrows import rows

from benchmark.core.files import sha256_of
from benchmark.core.protocol import AXES
from benchmark.results.freshness import due, is_stale, sources
from benchmark.results.row import Row
from benchmark.results.store import Store


def row(files: Any) -> Row:
    names: dict[str, Any] = dict.fromkeys(AXES, "x")
    return Row(cell="0" * 16, seed=(0, 0, 0), status="ok", labels=names, provenance={"files": files}, **names)


def test_only_files_below_the_data_folder_are_compared(tmp_path: Path) -> None:
    data = tmp_path / "data"
    data.mkdir()
    (data / "table.csv").write_text("a")
    (tmp_path / "other.csv").write_text("a")
    os.mkfifo(data / "pipe")
    (data / "zero").symlink_to("/dev/zero")
    before = sha256_of(data / "table.csv")
    assert not due(row({str(data / "table.csv"): before}), "skip", data)
    assert due(row({str(data / "table.csv"): "0" * 64}), "skip", data)
    outside = [tmp_path / "other.csv", data / ".." / "other.csv", data, "/dev/zero", data / "pipe", data / "zero", "/", "\0", data / "gone"]
    for path in outside:
        assert not due(row({str(path): "0" * 64}), "skip", data)
    for files in (3, None, [], "text", {"a": 3}):
        assert not due(row(files), "skip", data)


@pytest.mark.parametrize("kind", ["pipe", "folder", "large"])
def test_what_is_no_file_of_a_row_counts_as_missing(kind: str, tmp_path: Path) -> None:
    store = Store(tmp_path)
    path = store.path("ab" * 8, (0, 0, 0))
    path.parent.mkdir(parents=True)
    if kind == "pipe":
        os.mkfifo(path)
    elif kind == "folder":
        path.mkdir()
    else:
        with path.open("wb") as file:
            file.truncate(1 << 25)
    assert store.read("ab" * 8, (0, 0, 0)) is None
    assert store.state("ab" * 8, (0, 0, 0)) == "unreadable"
    assert not list(store.rows())


def test_rows_of_plugins_that_are_gone_are_stale() -> None:
    row = rows()[0]
    fresh = row.model_copy(update={"provenance": {"source_digest": sources(row.config)}})
    gone = fresh.model_copy(update={"config": row.config | {"method": {"_target_": "benchmark.methods.gone.Gone"}}})
    assert [is_stale(r) for r in (row, fresh, gone)] == [True, False, True]
