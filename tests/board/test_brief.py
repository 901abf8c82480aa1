"""The summary of a sweep: at most 20 lines, whole names and numbers, nothing claimed that the rows do not carry."""

from __future__ import annotations

from pathlib import Path

import pytest
from support.boardrows import made_rows, rows

from benchmark.board.brief import LINES, SMOKE, summary_lines
from benchmark.board.comparisons import compute
from benchmark.board.leaderboard import publish_local, summary
from benchmark.results.row import Row


def trained(made: list[Row], trainer: str = "quick") -> list[Row]:
    return [row.model_copy(update={"labels": row.labels | {"trainer": trainer}}) for row in made]


@pytest.mark.parametrize("width", [60, 80, 120])
def test_names_and_numbers_are_whole_and_lines_fit(width: int) -> None:
    lines = summary_lines(compute(trained(made_rows(tasks=2))), "results/local/leaderboard.html", width)
    assert len(lines) <= LINES
    assert all(len(line) <= width for line in lines), lines
    assert not any("…" in line or "..." in line for line in lines)
    (best,) = [line for line in lines if line.startswith("  best")]
    assert " elr " in best
    assert best.count("[") == best.count("]") == 1


def test_tasks_that_are_no_development_tasks_come_first() -> None:
    digits = [row for row in trained(rows()) if row.task == "digits"]
    (head,) = [line for line in summary_lines(compute(digits), "b.html") if line.startswith("MULTI-CLASS")]
    assert "development, never ranked" in head
    both = summary_lines(compute([*digits, *trained(made_rows(tasks=1))]), "b.html")
    (head,) = [line for line in both if line.startswith("MULTI-CLASS")]
    assert "digits" not in head
    assert "estimates, no test" in head


def test_a_harm_names_the_method_and_where() -> None:
    made = made_rows(tasks=1, effects={"erm": 0.0, "gce": 0.05, "mixup": -0.3})
    (harm,) = [line for line in summary_lines(compute(trained(made)), "b.html", 100) if line.startswith("  harm")]
    assert "mixup" in harm
    assert "made0, " in harm
    assert "(rate=0.4)" in harm


def test_no_difference_says_what_would_have_been_found() -> None:
    made = made_rows(tasks=1, effects={"erm": 0.0, "gce": 0.0})
    text = "\n".join(summary_lines(compute(trained(made)), "b.html", 90))
    assert "no difference found (could see " in text
    assert "first: gce" in text
    assert "  best " not in text


def test_a_smoke_run_says_that_its_numbers_mean_nothing() -> None:
    found = compute(made_rows(tasks=1))
    lines = summary_lines(found, "b.html")
    assert SMOKE in lines
    assert not any("[" in line for line in lines)
    assert summary(found).startswith("A smoke run: numbers mean nothing. ")


def test_a_board_without_a_finished_run_still_says_what_ran() -> None:
    failed = rows()[0].model_copy(update={"status": "failed", "metrics": {}, "error": "boom"})
    assert summary_lines(compute([failed]), "b.html")[0].startswith("1 run, 0 tasks, 0 seeds, 1 failed")


def test_a_sweep_prints_the_summary_and_full_its_tables(tmp_path: Path, capsys: pytest.CaptureFixture[str], monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setenv("COLUMNS", "60")
    publish_local(trained(made_rows(tasks=1)), tmp_path)
    brief = capsys.readouterr().out
    assert "next: open" in brief
    assert "memorization" not in brief
    publish_local(trained(made_rows(tasks=1)), tmp_path, full=True)
    full = capsys.readouterr().out
    assert "gain over erm" in full
    assert "…" not in full
    assert len(full.splitlines()) > LINES
