"""The board of a folder: of many runs only columns are read."""

from __future__ import annotations

import json
from pathlib import Path

import pytest
from support.compacted import ROWS, compacted_store

from benchmark.board import leaderboard
from benchmark.commands import leaderboard as commands_leaderboard
from benchmark.results import archive
from benchmark.results.store import Store


@pytest.fixture
def store(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> Store:
    """A store of groups of seven rows, compacted."""
    monkeypatch.setattr(archive, "GROUP", 7)
    return compacted_store(tmp_path)


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
