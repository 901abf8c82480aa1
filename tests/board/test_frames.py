"""From rows to frames: signs, marks, tracks, curves."""

from __future__ import annotations

import pytest
from support.boardrows import made_rows, rows

from benchmark.board.frames import curve_frame, run_frame
from benchmark.config.grid import expand


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


def test_a_board_groups_noises_by_the_family_that_they_declare() -> None:
    found = run_frame(made_rows(tasks=1))
    named = dict(zip(found["noise_name"].astype(str), found["family"].astype(str), strict=True))
    assert named["clean"] == "clean"
    assert named["symmetric"] == "class-conditional"
