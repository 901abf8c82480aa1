"""From rows to pages: the right numbers in the right direction, marks, notes, and nothing that a row could smuggle in."""

from __future__ import annotations

import json
from pathlib import Path
from typing import Any

import numpy as np
import pandas as pd
import pytest
from support.boardrows import made_rows, rows

from benchmark.board.comparisons import compute, newest
from benchmark.board.figures import plt
from benchmark.board.frames import curve_frame, run_frame
from benchmark.board.leaderboard import publish_local, table_csv, write
from benchmark.board.pagerows import details
from benchmark.board.tables import escaped, interval, marks_of, of_board, of_cells, plain_board
from benchmark.config.grid import expand
from benchmark.results.columns import run_table
from benchmark.results.freshness import is_stale, sources
from benchmark.results.row import Row
from benchmark.stats import CELL, mean_interval


def test_frames_turn_errors_and_mark_methods() -> None:
    data = run_frame(rows())
    assert set(data["track"]) == {"last", "noisy_val"}
    errors = data[data["problem"] == "regression"]
    assert (errors["score"] < 0).all()
    assert (errors["sign"] == -1).all()
    marks = data.drop_duplicates(["problem", "method"]).set_index(["problem", "method"])
    assert marks.loc[("multiclass", "forward"), "privileged"] == "transition"
    assert marks.loc[("regression", "small_loss"), "adapted"]
    assert not marks.loc[("multiclass", "erm"), "adapted"]
    assert marks["likelihood"].eq("").all()


def test_cells_on_pretrained_encoders_are_told_apart() -> None:
    row = rows()[0]
    changed = {"task": {"features": "efficientnet_lite0"}, "model": {"_target_": "benchmark.models.pretrained.Pretrained"}, "noise": {}}
    made = [row.model_copy(update={"cell": row.cell + axis, "config": row.config | {axis: row.config[axis] | new}}) for axis, new in changed.items()]
    assert run_frame(made, ["last"])["pretrained"].tolist() == [True, True, False]


def test_a_wrapper_is_marked_by_what_it_wraps_and_a_crf_by_its_likelihood() -> None:
    row = rows()[0]
    grid = expand(
        [{"task": "newswire", "noise": "clean", "trainer": "smoke", "model": "bilstm_crf", "method": ["erm", "erm(sequence=false)", "sam(base=forward)"]}],
        {},
        {},
        [],
    )
    made = [
        row.model_copy(update={"cell": cell.id, "labels": cell.labels, "config": cell.config, "metrics": {"test/last/f1": 0.5}, "task": "newswire"})
        for cell in grid.cells
    ]
    found = run_frame(made).set_index("method")
    assert found["likelihood"].tolist() == ["crf_nll", "crf_marginal", "crf_marginal"]
    assert found.loc["sam(base=forward)", "privileged"] == "transition"
    assert found.loc["sam(base=forward)", "adapted"]


def test_curves_have_a_line_per_checkpoint() -> None:
    made = rows()
    curves = curve_frame(made)
    assert len(curves) == 3 * len(made)
    assert (curves["clean"] - curves["noisy"]).to_numpy() == pytest.approx(1)


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


def test_the_newer_of_two_rows_with_the_same_labels_counts() -> None:
    row = rows()[0]
    older, newer = (row.model_copy(update={"cell": c, "provenance": {"started": t}}) for c, t in (("a" * 16, "2026-01-01"), ("b" * 16, "2026-02-01")))
    assert newest(run_table([newer, older]))["cell"].tolist() == ["b" * 16]


@pytest.mark.parametrize(
    ("numbers", "text"),
    [((0.5, 0.4, 0.6), "0.500 [0.400, 0.600]"), ((np.nan, 0, 1), "n/a"), ((0.5, np.nan, np.nan), "0.500"), ((1234.5, 1200, 1300), "1234 [1200, 1300]")],
)
def test_intervals_read_well(numbers: tuple[float, float, float], text: str) -> None:
    assert interval(*numbers) == text


def test_rows_of_plugins_that_are_gone_are_stale() -> None:
    row = rows()[0]
    fresh = row.model_copy(update={"provenance": {"source_digest": sources(row.config)}})
    gone = fresh.model_copy(update={"config": row.config | {"method": {"_target_": "benchmark.methods.gone.Gone"}}})
    assert [is_stale(r) for r in (row, fresh, gone)] == [True, False, True]


def test_a_board_groups_noises_by_the_family_that_they_declare() -> None:
    found = run_frame(made_rows(tasks=1))
    named = dict(zip(found["noise_name"].astype(str), found["family"].astype(str), strict=True))
    assert named["clean"] == "clean"
    assert named["symmetric"] == "class-conditional"


def test_curves_of_a_cell_have_the_interval_over_its_seeds() -> None:
    made = [row for row in made_rows(tasks=1) if (row.method, row.labels["noise"]) == ("gce", "clean")]
    files, _ = details(made, [tuple(made[0].labels[axis] for axis in CELL)], {"gce": 0}, None)
    (curve,) = files[0][0]["curves"]
    for k in range(4):
        found = mean_interval(np.array([row.metrics[f"val/checkpoint_{k}/noisy_val"] for row in made]))
        assert curve["noisy_val"][k] == pytest.approx(found.value, rel=1e-4)
        assert curve["noisy_val_half"][k] == pytest.approx(found.high - found.value, rel=1e-2)


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
