"""A model that says one thing whatever it is shown is marked: made-up predictions on each side of every threshold."""

from __future__ import annotations

from dataclasses import replace
from typing import Any

import numpy as np
import pytest
from support.boardrows import made_rows
from support.tiny import make_conditions, run

from benchmark.board.comparisons import compute
from benchmark.board.tables import marks_of, of_cells
from benchmark.config.build import load
from benchmark.data.problems import Multiclass, MultiLabel, Regression, Tagging
from benchmark.measures.collapse import collapsed
from benchmark.results.row import Row
from benchmark.running.execution import measure
from benchmark.running.sweep import constant, end

CLASSES = Multiclass(["a", "b", "c"])
TAGS = Tagging(["O", "B-PER", "I-PER"], 10)
LABELS = MultiLabel(["x", "y"])
NUMBER = Regression("price")


@pytest.mark.parametrize(("rare", "marked"), [(1, True), (0, False)])
def test_one_class_for_all_is_a_collapse_where_two_classes_have_a_hundredth_each(rare: int, marked: bool) -> None:
    y = np.zeros(100, dtype=np.int64)
    y[:rare] = 2
    assert collapsed(CLASSES, np.full(100, 1), y) is marked


def test_a_second_class_for_one_unit_is_no_collapse_unless_its_slot_is_dead() -> None:
    y = np.arange(100) % 3
    decision = np.full(100, 1)
    decision[0] = 2
    assert not collapsed(CLASSES, decision, y)
    assert collapsed(CLASSES, decision, np.where(np.arange(100) == 0, -1, y))


@pytest.mark.parametrize(("predicted", "marked"), [(4, True), (5, False)])
def test_a_tagger_collapses_below_a_twentieth_of_the_expected_entity_tokens(predicted: int, marked: bool) -> None:
    y = np.zeros((50, 10), dtype=np.int64)
    y[:, :2] = [1, 2]  # 100 entity tokens
    y[:, 9] = -1
    decision = np.zeros((50, 10), dtype=np.int64)
    decision[:predicted, 5] = 1  # wherever they are
    decision[:, 9] = 1  # padding
    assert collapsed(TAGS, decision.reshape(-1), y) is marked


def test_a_tagger_that_predicts_no_entity_where_none_is_expected_is_right() -> None:
    y = np.zeros((5, 10), dtype=np.int64)
    assert not collapsed(TAGS, y.reshape(-1), y)


@pytest.mark.parametrize(("positives", "said_positive", "marked"), [(2, 0, True), (1, 0, False), (2, 1, False), (2, 200, True)])
def test_multi_label_cells_of_one_value_are_a_collapse_where_both_values_have_a_hundredth(positives: int, said_positive: int, marked: bool) -> None:
    y = np.zeros((100, 2), dtype=np.int64)
    y[:positives, 0] = 1  # of 200 cells: the second label is never positive, and that convicts nobody
    decision = (np.arange(200) < said_positive).astype(np.int64)
    assert collapsed(LABELS, decision, y) is marked


@pytest.mark.parametrize(("spread", "marked"), [(0.0099, True), (0.0101, False)])
def test_a_regressor_collapses_below_a_hundredth_of_the_spread_of_its_targets(spread: float, marked: bool) -> None:
    y = np.concatenate([np.random.default_rng(0).normal(5, 3, 200), [np.nan]])
    decision = np.concatenate([7 - spread * y[:200], [1e6]])  # a constant far away, and any direction
    assert collapsed(NUMBER, decision, y) is marked


def test_a_constant_target_convicts_nobody() -> None:
    assert not collapsed(NUMBER, np.full(9, 2.0), np.full(9, 3.0))
    assert not collapsed(NUMBER, np.full(2, 2.0), np.full(2, np.nan))


@pytest.mark.parametrize("one_class", [True, False])
def test_a_run_says_whether_it_collapsed_at_each_selection(one_class: bool) -> None:
    conditions = make_conditions("multiclass", epochs=4)
    found = run(load("method", "erm"), conditions)
    if one_class:
        kept = found.evaluation._kept
        kept.update({name: replace(at, decision=np.full_like(at.decision, conditions.truth.test.y[0])) for name, at in kept.items()})
    metrics = measure(found, conditions)
    assert [metrics[f"test/{track}/collapsed"] for track in ("last", "noisy_val", "oracle")] == [float(one_class)] * 3


def test_an_oracle_has_collapsed_where_its_choice_for_one_half_has() -> None:
    conditions = make_conditions("multiclass", epochs=4)
    found = run(load("method", "erm"), conditions)
    kept = found.evaluation._kept
    kept["half_0"] = replace(kept["half_0"], position=99, decision=np.zeros_like(kept["half_0"].decision))
    found.evaluation.records.extend([found.evaluation.records[-1]] * 99)
    assert found.evaluation.scores("oracle")["collapsed"] == 1.0


def marked(rows: list[Row], at: dict[tuple[str, int], float]) -> list[Row]:
    """Rows in which these methods' runs on the first task at 40 % symmetric noise say whether they collapsed."""
    out = []
    for row in rows:
        said: dict[str, Any] = {}
        if (row.task, row.labels["noise"]) == ("made0", "symmetric(rate=0.4)"):
            value = at.get((row.labels["method"], row.seed[0]))
            said = {} if value is None else {"test/last/collapsed": value}
        out.append(row.model_copy(update={"metrics": row.metrics | said}))
    return out


def test_the_board_marks_the_method_in_that_cell_and_track_alone() -> None:
    rows = marked(made_rows(tasks=2), {("gce", 1): 1.0, ("elr", 1): 0.0})
    found = compute(rows)
    lines = found.cells.set_index(["task", "noise", "track", "method"])["collapsed"]
    here = ("made0", "symmetric(rate=0.4)", "last")
    assert lines[(*here, "gce")] == 1.0  # the runs that do not say do not count
    assert lines[(*here, "elr")] == 0.0
    assert np.isnan(lines[(*here, "erm")])
    tables = {section.title: [line[0] for line in section.lines] for section in of_cells(found.cells)}
    signed = [(title, name) for title, names in tables.items() for name in names if "∅" in name]
    assert [(title.split(" · ")[0], title.split(" · ")[1][:19], title.rpartition(" ")[2], name) for title, name in signed] == [
        ("made0", "symmetric(rate=0.4)", "last", "gce∅")
    ]
    assert marks_of(found.cells)["multiclass", "gce"] == "∅"
    assert marks_of(found.cells)["multiclass", "elr"] == ""


def test_a_sweep_ends_with_the_names_of_collapsed_cells(capsys: pytest.CaptureFixture[str]) -> None:
    rows = marked(made_rows(tasks=1), {("gce", 0): 1.0, ("gce", 2): 1.0, ("elr", 0): 0.0})
    end(rows, drained=False)
    said = capsys.readouterr().out.splitlines()
    assert len(said) == 1
    assert said[0].startswith("collapsed: made0 symmetric(rate=0.4) gce ")
    assert said[0].endswith(" seed 0, 2: (nearly) constant predictions at last")
    assert list(constant([row for row in rows if row.labels["method"] == "elr"])) == []
