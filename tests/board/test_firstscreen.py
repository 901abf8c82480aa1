"""The first screen: an answer that the rows carry, a matrix that colours no noise, html that reads without a script."""

from __future__ import annotations

import re
from collections.abc import Iterator
from pathlib import Path
from typing import Any

import pytest
from support.boardrows import made_rows, rows

from benchmark.bench.browser import Browser, found
from benchmark.board.comparisons import compute
from benchmark.board.firstscreen import first_screens
from benchmark.board.leaderboard import write
from benchmark.results.row import Row

BROWSER = pytest.mark.skipif(found() is None, reason="browser tests left out: no chromium on this machine (apt-get install chromium)")


def trained(made: list[Row], trainer: str = "quick") -> list[Row]:
    return [row.model_copy(update={"labels": row.labels | {"trainer": trainer}}) for row in made]


def screen_of(made: list[Row]) -> dict[str, Any]:
    (screen,) = first_screens(compute(trained(made)))
    return screen


def test_the_answer_names_the_best_and_rows_follow_the_ranking() -> None:
    screen = screen_of(made_rows(tasks=2))
    assert screen["headline"].startswith("elr gains most: +")
    assert [row["name"] for row in screen["rows"]][:2] == ["erm", "elr"]
    assert screen["rows"][1]["mark"] == "best"
    assert "needs 6 tasks, here 2 tasks" in screen["few"]


def test_right_labels_stand_right_and_plain_training_shows_scores() -> None:
    screen = screen_of(made_rows(tasks=1))
    assert [head["noise"] for head in screen["heads"]][-1] == "right labels"
    assert [head["rate"] for head in screen["heads"]] == ["10 % wrong", "40 % wrong", "40 % wrong", ""]
    erm = screen["rows"][0]
    assert {cell["level"] for cell in erm["cells"]} == {"raw"}
    assert float(erm["cells"][-1]["text"]) == pytest.approx(94, abs=1.5)


def test_a_cell_is_coloured_only_where_its_interval_leaves_0_out() -> None:
    noisy = screen_of(made_rows(tasks=1, effects={"erm": 0.0, "gce": 0.0, "elr": 0.08}))
    levels = {row["name"]: [cell["level"] for cell in row["cells"]] for row in noisy["rows"]}
    assert levels["elr"][1] == "up3"  # 2 * .08 * .4: 6.4 points
    assert set(levels["gce"]) == {"unsure"}
    assert next(row for row in noisy["rows"] if row["name"] == "gce")["cells"][0]["text"].startswith("≈ ")


def test_a_method_without_a_setting_has_no_mean_and_says_so() -> None:
    made = [row for row in made_rows(tasks=1) if (row.method, row.labels["noise"]) != ("elr", "symmetric(rate=0.1)")]
    elr = next(row for row in screen_of(made)["rows"] if row["name"] == "elr")
    assert (elr["gain"], elr["mark"]) == ("", "lacks 1 setting")
    assert [cell["text"] for cell in elr["cells"]].count("not run") == 1


def test_development_tasks_are_a_marked_block_after_the_others() -> None:
    screens = first_screens(compute(trained([*made_rows(tasks=1), *(row for row in rows() if row.task == "digits")])))
    assert [screen["development"] for screen in screens] == [False, True]
    assert "nothing here is ranked" in screens[1]["few"]


def test_a_smoke_run_has_no_answer() -> None:
    assert first_screens(compute(made_rows(tasks=1)))[0]["headline"] == "A smoke run: numbers mean nothing"


def test_the_matrix_reads_before_any_script_and_text_of_rows_is_escaped(tmp_path: Path) -> None:
    evil = "<script>alert(1)</script>"
    write([row.model_copy(update={"labels": row.labels | {"task": evil}}) for row in trained(made_rows(tasks=1))], tmp_path)
    text = (tmp_path / "leaderboard.html").read_text()
    assert evil not in text
    table = re.search(r'<table class="matrix">.*?</table>', text, re.DOTALL)
    assert table
    assert 'href="#/method/elr"' in table[0]


@pytest.fixture(scope="module")
def tab(tmp_path_factory: pytest.TempPathFactory) -> Iterator[Browser]:
    folder = tmp_path_factory.mktemp("board")
    write(trained(made_rows(tasks=3)), folder)
    browser = Browser(tmp_path_factory.mktemp("profile"))
    browser.open((folder / "leaderboard.html").as_uri())
    yield browser
    browser.close()


@BROWSER
@pytest.mark.parametrize(("width", "height"), [(1440, 900), (390, 844)])
@pytest.mark.parametrize("dark", [False, True])
def test_answer_and_leaders_are_on_the_first_screen_and_the_method_stays(tab: Browser, width: int, height: int, dark: bool) -> None:
    tab.size(width, height, dark)
    tab.go("#/board")
    assert tab.texts("#main .answer")[0].startswith("elr gains most")
    assert tab.js("document.querySelectorAll('#main .matrix tbody tr')[1].getBoundingClientRect().bottom") <= height
    assert tab.js("document.documentElement.scrollWidth") <= width
    left = "document.querySelector('#main .matrix tbody th').getBoundingClientRect().left"
    before = tab.js(left)
    tab.js("document.querySelector('#main .first .scroll').scrollLeft = 400")
    assert tab.js(left) == pytest.approx(before, abs=1)
    assert tab.errors == []
