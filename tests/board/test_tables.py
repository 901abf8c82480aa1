"""What stands in the tables of a board, and how it reads."""

from __future__ import annotations

from typing import Any

import numpy as np
import pytest
from support.boardrows import made_rows

from benchmark.board.comparisons import compute
from benchmark.board.tables import interval, marks_of, of_board, of_cells, plain_board
from benchmark.config.grid import expand
from benchmark.results.row import Row


@pytest.mark.parametrize(
    ("numbers", "text"),
    [((0.5, 0.4, 0.6), "0.500 [0.400, 0.600]"), ((np.nan, 0, 1), "n/a"), ((0.5, np.nan, np.nan), "0.500"), ((1234.5, 1200, 1300), "1234 [1200, 1300]")],
)
def test_intervals_read_well(numbers: tuple[float, float, float], text: str) -> None:
    assert interval(*numbers) == text


def test_a_ranking_marks_who_knows_more_and_keeps_its_stars_apart() -> None:
    found = compute(made_rows(seeds=8))
    ranking = of_board(("multiclass", "last"), found.boards["multiclass", "last"], marks_of(found.cells))
    lines = {line[0]: line for line in ranking.lines}
    assert {"elr", "gce", "small_loss*", "mixup", "erm"} == lines.keys()
    assert lines["elr"][1].endswith("]*")
    assert ranking.columns[2] == "[95 % over seeds, these tasks]"
    assert plain_board(("multiclass", "last"), found.boards["multiclass", "last"], marks_of(found.cells))["methods"][0]["marks"] == ""


@pytest.mark.parametrize(
    ("noise", "same"),
    [("clean", False), ("recorded", True), ("votes", True), ("human(set=worse)", True), ("human(set=redraw)", False), ("symmetric", False)],
)
def test_intervals_say_where_all_seeds_have_the_same_wrong_labels(noise: str, same: bool) -> None:
    task = "cifar10n" if noise.startswith("human") else "newswire"
    (cell,) = expand([{"task": task, "noise": noise, "method": "erm", "trainer": "smoke"}], {}, {}, []).cells
    metric = "accuracy" if task == "cifar10n" else "f1"
    fields: dict[str, Any] = {"labels": cell.labels, "config": dict(cell.config), "cost": {"passes": 1, "seconds": 1.0}}
    made = [Row(cell=cell.id, seed=(s, s, s), status="ok", metrics={f"test/last/{metric}": 0.5 + s / 10}, **fields, **cell.choice) for s in range(2)]
    (section,) = of_cells(compute(made).cells)
    assert ("all seeds have the same wrong labels: intervals are conditional on this noise" in section.note) == same


@pytest.mark.parametrize(
    ("noise", "words"),
    [
        ({"rate": 0.4}, ", 41.2 % wrong (nominal 40 %) ·"),
        ({"rate": 0.125, "exact": True}, ", 41.2 % wrong (nominal 12.5 %) ·"),
        ({"first": {"factor": 10.0}, "second": {"rate": 0.2}}, ", 41.2 % wrong (nominal 20 %) ·"),
        ({"first": {"rate": 0.1}, "second": {"rate": 0.2}}, ", 41.2 % wrong ·"),
        ({"set": "worse"}, ", 41.2 % wrong ·"),
    ],
)
def test_the_realised_rate_stands_beside_the_nominal_one(noise: dict[str, Any], words: str) -> None:
    rows = made_rows(tasks=1, seeds=2, effects={"erm": 0.0}, noises={"symmetric(rate=0.4)": 0.4123})
    rows = [row.model_copy(update={"config": row.config | {"noise": {"_target_": row.config["noise"]["_target_"]} | noise}}) for row in rows]
    titles = [section.title for section in of_cells(compute(rows).cells)]
    assert titles
    assert all(words in title for title in titles)
