"""The compacted store: rows are found as before, files win, boards are the same, damage is named."""

from __future__ import annotations

import json
import logging
from pathlib import Path

import pandas as pd
import pyarrow.parquet as pq
import pytest
from support.boardrows import made_rows

from benchmark.board import leaderboard
from benchmark.board.comparisons import compared, compute
from benchmark.commands import leaderboard as commands_leaderboard
from benchmark.commands.rows import compact, show
from benchmark.core.errors import ConfigError, DataError
from benchmark.results import archive
from benchmark.results.archive import Archive
from benchmark.results.row import Row
from benchmark.results.store import Store
from benchmark.results.table import run_columns
from benchmark.review.doctor import read_rows

ROWS = made_rows(tasks=2, seeds=2)
KEYS = [(row.cell, row.seed) for row in ROWS]


@pytest.fixture
def store(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> Store:
    """A store of groups of seven rows, compacted."""
    monkeypatch.setattr(archive, "GROUP", 7)
    made = Store(tmp_path)
    for row in ROWS:
        made.write(row)
    assert compact([f"paths.results={tmp_path}"]) == 0
    return made


def compacted(store: Store) -> Archive:
    assert store.archive is not None
    return store.archive


def by_run(rows: list[Row]) -> dict[str, Row]:
    return {f"{row.cell}-{row.seed}": row for row in rows}


def test_rows_are_found_as_before(store: Store) -> None:
    assert not store.files()
    assert len(store) == len(ROWS)
    assert by_run(list(store.rows())) == by_run(ROWS)
    assert [store.read(*key) for key in KEYS] == ROWS
    assert {store.state(*key) for key in KEYS} == {"ok"}
    assert store.state("f" * 16, (0, 0, 0)) == "missing"
    assert store.read("f" * 16, (0, 0, 0)) is None


def test_a_file_wins_over_the_archive_and_is_taken_in(store: Store) -> None:
    old, failed = ROWS[3], ROWS[4].model_copy(update={"status": "failed", "metrics": {}, "error": "boom"})
    new = old.model_copy(update={"metrics": {"test/last/accuracy": 0.123}})
    assert not store.write(new)
    assert store.read(*KEYS[3]) == old
    assert store.write(new, supersede=True)
    assert store.write(failed, supersede=True)
    expected = by_run([new if row is old else failed if row is ROWS[4] else row for row in ROWS])
    for _ in range(2):
        assert by_run(list(store.rows())) == expected
        assert store.read(*KEYS[3]) == new
        assert store.state(*KEYS[4]) == "failed"
        assert run_columns(store)["score_last"].isna().sum() == 1
        assert len(run_columns(store)) == len(ROWS)
        compact([f"paths.results={store.results}"])
    assert not store.files()
    assert len(compacted(store)) == len(ROWS)


def test_what_is_no_row_stays(store: Store, caplog: pytest.LogCaptureFixture) -> None:
    path = store.path("a" * 16, (0, 0, 0))
    path.parent.mkdir(exist_ok=True)
    path.write_text("{")
    with caplog.at_level(logging.WARNING):
        compact([f"paths.results={store.results}"])
    assert path.read_text() == "{"
    assert len(compacted(store)) == len(ROWS)
    assert "counts as missing" in caplog.text


def test_a_running_sweep_is_not_disturbed(store: Store) -> None:
    with store.running("a" * 16, (0, 0, 0), "x"), pytest.raises(ConfigError, match="a run is under way"):
        compact([f"paths.results={store.results}"])


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


def test_a_board_of_many_runs_reads_columns(store: Store, monkeypatch: pytest.MonkeyPatch) -> None:
    results = store.results
    leaderboard.write(list(store.rows()), results / "few")
    monkeypatch.setattr(leaderboard, "LARGE", len(ROWS) - 1)
    monkeypatch.setattr(Store, "rows", lambda self: pytest.fail("rows were read"))
    assert commands_leaderboard.rebuild([f"paths.results={results}"]) == 0
    few, many = results / "few", results / "local"
    assert (many / "leaderboard.csv").read_bytes() == (few / "leaderboard.csv").read_bytes()
    boards = [json.loads((folder / "leaderboard.json").read_text())["boards"] for folder in (few, many)]
    assert boards[0] == boards[1]
    page = (many / "leaderboard.html").read_text()
    assert '"runs_shown":false' in page
    assert not list((many / "leaderboard-rows").glob("*"))
    assert len(page) < len((few / "leaderboard.html").read_text())


def test_rows_are_printed_whole(store: Store, capsys: pytest.CaptureFixture[str]) -> None:
    assert show(["task=made1", "noise=clean", "method=elr", f"paths.results={store.results}"]) == 0
    printed = [Row.model_validate_json(line) for line in capsys.readouterr().out.splitlines()]
    assert by_run(printed) == by_run([row for row in ROWS if (row.labels["task"], row.labels["noise"], row.labels["method"]) == ("made1", "clean", "elr")])
    assert [row.digest for row in printed]
    with pytest.raises(ConfigError, match="tasks"):
        show(["tasks=made1"])


def test_the_doctor_reads_an_archive(store: Store) -> None:
    for path in (store.results, compacted(store).path):
        rows, wrong = read_rows(path)
        assert by_run(rows) == by_run(ROWS)
        assert wrong == []
