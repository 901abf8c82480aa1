"""Rows are compacted and printed whole."""

from __future__ import annotations

import logging
from pathlib import Path

import pytest
from support.compacted import KEYS, ROWS, by_run, compacted, compacted_store

from benchmark.commands.rows import compact, show
from benchmark.core.errors import ConfigError
from benchmark.results import archive
from benchmark.results.row import Row
from benchmark.results.store import Store
from benchmark.results.table import run_columns


@pytest.fixture
def store(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> Store:
    """A store of groups of seven rows, compacted."""
    monkeypatch.setattr(archive, "GROUP", 7)
    return compacted_store(tmp_path)


def test_a_file_wins_over_the_archive_and_is_taken_in(store: Store) -> None:
    old, failed = ROWS[3], ROWS[4].model_copy(update={"status": "failed", "metrics": {}, "error": "boom"})
    new = old.model_copy(update={"metrics": {"test/last/accuracy": 0.123}})
    assert not store.write(new)
    assert store.read(*KEYS[3]) == old
    assert store.write(new, supersede=True)
    assert not store.write(failed, supersede=True)  # what was measured once stays
    expected = by_run([new if row is old else row for row in ROWS])
    for _ in range(2):
        assert by_run(list(store.rows())) == expected
        assert store.read(*KEYS[3]) == new
        assert store.state(*KEYS[4]) == "ok"
        assert run_columns(store)["score_last"].isna().sum() == 0
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


def test_rows_are_printed_whole(store: Store, capsys: pytest.CaptureFixture[str]) -> None:
    assert show(["task=made1", "noise=clean", "method=elr", f"paths.results={store.results}"]) == 0
    printed = [Row.model_validate_json(line) for line in capsys.readouterr().out.splitlines()]
    assert by_run(printed) == by_run([row for row in ROWS if (row.labels["task"], row.labels["noise"], row.labels["method"]) == ("made1", "clean", "elr")])
    assert [row.digest for row in printed]
    with pytest.raises(ConfigError, match="tasks"):
        show(["tasks=made1"])
