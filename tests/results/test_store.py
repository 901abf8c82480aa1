"""Rows on disk: whole or absent, first writer wins."""

from __future__ import annotations

import errno
import os
from concurrent.futures import ThreadPoolExecutor
from pathlib import Path

import pytest
from support.storedrows import CELL, files, row

from benchmark.core.digests import digest
from benchmark.core.errors import DataError
from benchmark.core.seeds import Seed
from benchmark.results.row import seed_name
from benchmark.results.store import Store


@pytest.fixture
def store(tmp_path: Path) -> Store:
    return Store(tmp_path)


def test_what_is_written_is_read(store: Store) -> None:
    one = row(cost={"passes": 12, "device": "cpu"}, noise_stats={"rate": 0.41, "fpr": [0.1, 0.2]}, provenance={"dirty": False})
    assert store.write(one)
    assert store.read(CELL, (3, 3, 3)) == one
    assert list(store.rows()) == [one]


def test_a_failed_row_keeps_its_traceback(store: Store) -> None:
    text = 'Traceback (most recent call last):\n  File "x.py", line 1, in <module>\nValueError: ö "quoted" \\ \t'
    store.write(row(status="failed", error=text, metrics={}))
    found = store.read(CELL, (3, 3, 3))
    assert found is not None
    assert (found.status, found.error) == ("failed", text)


@pytest.mark.parametrize(("seed", "name"), [((3, 3, 3), "3"), ((0, 0, 0), "0"), ((3, 5, 3), "3-5-3"), ((3, 3, 5), "3-3-5")])
def test_layout(store: Store, seed: Seed, name: str) -> None:
    assert seed_name(seed) == name
    store.write(row(seed=seed))
    assert files(store) == [store.results / "runs" / "0a" / f"{CELL}-{name}.json"]
    assert files(store)[0].stat().st_mode & 0o777 == 0o644


def test_nothing_is_read_where_nothing_is(store: Store) -> None:
    assert store.read(CELL, (3, 3, 3)) is None
    assert store.state(CELL, (3, 3, 3)) == "missing"
    assert list(store.rows()) == []


def test_rows_come_in_the_order_of_their_names(store: Store) -> None:
    cells = sorted(digest(i) for i in range(6))
    for cell in reversed(cells):
        store.write(row(cell=cell))
    (store.runs / cells[0][:2] / f"{cells[0]}-3.bits.npy").write_bytes(b"not a row")
    assert [found.cell for found in store.rows()] == cells


def test_first_writer_wins(store: Store) -> None:
    first, second = row(metrics={"a": 1.0}), row(metrics={"a": 2.0})
    assert store.write(first) is True
    assert store.write(second) is False
    assert store.read(CELL, (3, 3, 3)) == first
    assert len(files(store)) == 1


def test_a_superseding_row_replaces(store: Store) -> None:
    store.write(row(status="failed", error="Traceback", metrics={}))
    assert store.state(CELL, (3, 3, 3)) == "failed"
    assert store.write(row(metrics={"a": 2.0}), supersede=True) is True
    assert store.state(CELL, (3, 3, 3)) == "ok"
    assert len(files(store)) == 1
    assert store.write(row(seed=(4, 4, 4)), supersede=True) is True  # nothing to replace
    assert len(files(store)) == 2


@pytest.mark.parametrize("size", [0, 1, 30, -1, -3])
def test_a_truncated_file_is_named_counts_as_missing_and_is_superseded(store: Store, size: int, caplog: pytest.LogCaptureFixture) -> None:
    store.write(row())
    store.write(row(seed=(4, 4, 4)))
    path = store.path(CELL, (3, 3, 3))
    path.write_bytes(path.read_bytes().rstrip()[:size])
    assert store.state(CELL, (3, 3, 3)) == "unreadable"
    assert store.read(CELL, (3, 3, 3)) is None
    assert [found.seed for found in store.rows()] == [(4, 4, 4)]
    for record in caplog.records:
        assert "\n" not in record.getMessage()
        assert f"{path} is not a valid row" in record.getMessage()
        assert "counts as missing" in record.getMessage()
    assert len(caplog.records) == 2
    assert store.write(row(metrics={"again": 1.0}))
    assert store.read(CELL, (3, 3, 3)) == row(metrics={"again": 1.0})
    assert not store.write(row(metrics={"again": 2.0}))


def test_a_row_altered_in_its_middle_counts_as_missing(store: Store) -> None:
    """Both ends are as they should be: only whoever reads it whole can tell."""
    store.write(row())
    (path,) = files(store)
    path.write_bytes(path.read_bytes().replace(b'"metrics": {', b'"metrics": ['))
    assert store.read(CELL, (3, 3, 3)) is None


def test_state_agrees_with_the_row_however_long_it_is(store: Store) -> None:
    """``state`` reads the head of the file: a failed row that talks about other states is still failed."""
    for seed, status in enumerate(("ok", "failed")):
        talk = 'it said "status": "ok" and "status": "failed"'
        store.write(
            row(
                seed=(seed, seed, seed),
                status=status,
                error=talk,
                config={"task": {"problem": "multiclass", "text": talk * 1000}},
                provenance={"command": talk},
            )
        )
        assert store.state(CELL, (seed, seed, seed)) == status
    store.write(row(cell="f" * 64, seed=(123456789, 223456789, 323456789), task="t" * 80))
    assert store.state("f" * 64, (123456789, 223456789, 323456789)) == "ok"


def test_a_write_that_breaks_off_leaves_nothing(store: Store, monkeypatch: pytest.MonkeyPatch) -> None:
    def broken(_: int) -> None:
        raise OSError(errno.ENOSPC, os.strerror(errno.ENOSPC))

    store.write(row(metrics={"a": 1.0}))
    before = {path: path.read_bytes() for path in files(store)}
    monkeypatch.setattr(os, "fsync", broken)
    for supersede, seed in ((True, 3), (False, 3), (False, 4)):
        with pytest.raises(DataError, match=r"cannot be written \(No space left on device\).*paths.results"):
            store.write(row(seed=(seed, seed, seed), metrics={"a": 2.0}), supersede=supersede)
    assert {path: path.read_bytes() for path in files(store)} == before


def test_two_stores_merge_by_copying(tmp_path: Path) -> None:
    one, two = Store(tmp_path / "one"), Store(tmp_path / "two")
    one.write(row(cell="aa" * 8))
    two.write(row(cell="bb" * 8))
    for path in two.runs.rglob("*.json"):
        target = one.runs / path.relative_to(two.runs)
        target.parent.mkdir(parents=True, exist_ok=True)
        target.write_bytes(path.read_bytes())
    assert [found.cell for found in one.rows()] == ["aa" * 8, "bb" * 8]


def writes(results: Path, writer: int, count: int) -> int:
    """How many of ``count`` shared and ``count`` own rows this writer put in place."""
    store = Store(results)
    shared = sum(store.write(row(cell=digest("shared", i), metrics={"writer": writer})) for i in range(count))
    own = sum(store.write(row(cell=digest("own", i), seed=(writer, writer, writer), metrics={"writer": writer})) for i in range(count))
    assert own == count
    return shared


def assert_none_lost_none_doubled(results: Path, placed: list[int], count: int) -> None:
    assert sum(placed) == count
    rows = list(Store(results).rows())
    assert len(rows) == count * (1 + len(placed))
    assert len({(found.cell, found.seed) for found in rows}) == len(rows)
    winners = [int(found.metrics["writer"]) for found in rows if found.cell in {digest("shared", i) for i in range(count)}]
    assert [winners.count(writer) for writer in range(len(placed))] == placed
    assert not list(results.rglob("*.tmp"))


def test_eight_threads_lose_and_double_no_row(tmp_path: Path) -> None:
    with ThreadPoolExecutor(8) as pool:
        placed = list(pool.map(lambda writer: writes(tmp_path, writer, 25), range(8)))
    assert_none_lost_none_doubled(tmp_path, placed, 25)


def test_readers_see_whole_rows_while_one_is_replaced(tmp_path: Path) -> None:
    store = Store(tmp_path)
    store.write(row(metrics={"version": 0}))

    def read(_: int) -> bool:
        found = store.read(CELL, (3, 3, 3))
        return found is not None and found.config["task"]["filler"] == f"{int(found.metrics['version'])}" * 5000

    def replace(version: int) -> bool:
        return store.write(row(metrics={"version": version}, config={"task": {"problem": "multiclass", "filler": f"{version}" * 5000}}), supersede=True)

    replace(0)
    with ThreadPoolExecutor(4) as pool:
        done = [pool.submit(replace if i % 4 == 0 else read, i % 10) for i in range(80)]
    assert all(one.result() for one in done)
