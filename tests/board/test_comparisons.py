"""Methods beside erm in a cell, and which rows and cells count."""

from __future__ import annotations

import pytest
from support.boardrows import rows

from benchmark.board.comparisons import compute, newest
from benchmark.results.columns import run_table


def test_cells_are_compared_with_erm_and_priced() -> None:
    found = compute(rows())
    noisy = found.cells[(found.cells["noise"] == "symmetric(rate=0.4)") & (found.cells["track"] == "last")].set_index("method")
    assert noisy.index[0] == "gce"  # best first
    assert noisy.loc["gce", "gain"] == pytest.approx(0.1, abs=0.03)
    assert noisy.loc["gce", "gap_closed"] == pytest.approx(1, abs=0.3)
    assert noisy.loc["forward", "cost"] == 2
    assert noisy["memorizes"].eq(False).all()
    assert "erm does not memorize here" in noisy["reason"].iloc[0]
    assert noisy["rho_sel"].iloc[0] == pytest.approx(1)
    assert (found.runs, found.stale, found.failed) == (42, 42, 0)


def test_cells_where_erm_does_not_memorize_are_not_on_the_board() -> None:
    boards = compute(rows()).boards
    assert set(boards) == {("regression", "last"), ("regression", "noisy_val")}  # digits is a development task
    made = [row.model_copy(update={"labels": row.labels | {"task": "other"}}) for row in rows() if row.task == "digits"]
    assert compute(made).boards["multiclass", "last"].blocks.tasks.empty


def test_the_newer_of_two_rows_with_the_same_labels_counts() -> None:
    row = rows()[0]
    older, newer = (row.model_copy(update={"cell": c, "provenance": {"started": t}}) for c, t in (("a" * 16, "2026-01-01"), ("b" * 16, "2026-02-01")))
    assert newest(run_table([newer, older]))["cell"].tolist() == ["b" * 16]
