"""Boards are written: errors as they are, empty ones, and nothing that a row could smuggle in."""

from __future__ import annotations

import json
from pathlib import Path

import pandas as pd
import pytest
from support.boardrows import rows

from benchmark.board.figures import plt
from benchmark.board.leaderboard import publish_local, table_csv, write
from benchmark.board.tables import escaped


def test_pages_show_errors_as_they_are(tmp_path: Path) -> None:
    write(rows(), tmp_path)
    table = pd.read_csv(tmp_path / "leaderboard.csv")
    regression = table[(table["task"] == "diamonds") & (table["noise"] == "uniform_resample") & (table["track"] == "last")]
    assert regression["mean"].between(200, 500).all()
    assert (regression["low"] <= regression["mean"]).all()
    assert (regression["mean"] <= regression["high"]).all()
    text = (tmp_path / "leaderboard.md").read_text()
    assert "| small_loss†* | 3 |" in text
    assert "| forward* |" in text
    assert "42 runs, 42 made by other code (stale)" in text
    content = json.loads((tmp_path / "leaderboard.json").read_text())
    assert {board["problem"] for board in content["boards"]} == {"regression"}
    assert "never ranked: digits." in text
    assert (tmp_path / "gains.svg").read_text().startswith("<?xml")


def test_text_of_rows_is_escaped(tmp_path: Path, capsys: pytest.CaptureFixture[str]) -> None:
    evil = "<script>alert(1)</script>[red]|x"
    made = [row.model_copy(update={"labels": row.labels | {"noise": evil}}) for row in rows() if row.noise != "clean"]
    publish_local(made, tmp_path, full=True)
    assert "<script>alert" not in (tmp_path / "local/leaderboard.html").read_text()
    assert evil in capsys.readouterr().out.replace("\n", "")


def test_no_rows_make_an_empty_board(tmp_path: Path) -> None:
    failed = rows()[0].model_copy(update={"status": "failed", "metrics": {}, "error": "boom"})
    for given in ([], [failed]):
        _, parts = write(given, tmp_path)
        assert parts == []
    assert "1 runs, 1 failed" in (tmp_path / "leaderboard.md").read_text()


def test_a_label_is_plain_text_wherever_it_is_shown() -> None:
    frame = pd.DataFrame({"method": ["=1+1", "-x", "gce"], "gain": [-0.5, 0.5, 0.25]})
    lines = table_csv(frame).decode().splitlines()
    assert [line.split(",")[0].strip('"') for line in lines[1:]] == ["'=1+1", "'-x", "gce"]
    assert lines[1].endswith("-0.5")  # a number stays one
    assert escaped("a|b <!-- board: end -->") == "a\\|b &lt;!-- board: end -->"
    figure = plt.figure()
    figure.text(0, 0, "$\\frac$")
    figure.canvas.draw()
    plt.close(figure)
