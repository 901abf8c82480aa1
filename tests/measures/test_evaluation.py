"""Selection tracks are look-ups in what was recorded, and looking does not change a run."""

from __future__ import annotations

from dataclasses import replace

import numpy as np
from support.tiny import make_conditions

from benchmark.core.types import Examples
from benchmark.measures.evaluation import Checkpoint, Evaluation, Kept
from benchmark.running.conditions import Conditions


def recorded(conditions: Conditions, rows: list[dict[str, float]]) -> Evaluation:
    """An evaluation that has seen these primary scores; at checkpoint k every test prediction is ``decisions[k]``."""
    evaluation = Evaluation(conditions.truth, conditions.data.val, conditions.data.problem, "halves", len(rows))
    for k, primary in enumerate(rows):
        n = len(conditions.truth.test)
        decision = np.full(n, k, dtype=np.int64 if conditions.data.problem.kind == "categorical" else float)
        probability = np.eye(4)[decision] if conditions.data.problem.kind == "categorical" else decision[:, None]
        evaluation._keep(primary, Kept(k, probability, decision, probability, None, None))
        evaluation.records.append(Checkpoint(k, primary, {}, np.zeros(n, dtype=bool), "", 0.0))
    return evaluation


def test_the_first_of_equal_checkpoints_wins_and_last_is_the_last(settings: dict[str, Conditions]) -> None:
    rows = [{"noisy_val": v, "clean_val": c} for v, c in [(float("nan"), 0.1), (0.5, 0.3), (0.7, 0.3), (0.7, 0.2)]]
    made = recorded(settings["multiclass"], rows)
    assert [made.position(track) for track in ("last", "noisy_val", "clean_val")] == [3, 2, 1]
    errors = recorded(settings["regression"], rows)  # smaller is better
    assert [errors.position(track) for track in ("last", "noisy_val", "clean_val")] == [3, 1, 0]


def test_the_oracle_chooses_on_one_half_and_is_scored_on_the_other(settings: dict[str, Conditions]) -> None:
    conditions = settings["multiclass"]
    # class 2 is right everywhere on one half, class 1 on the other: who chose and scored on the same half would have 1
    first = recorded(conditions, [])._halves[0]
    y = np.where(first, 2, 1)
    conditions = replace(conditions, truth=replace(conditions.truth, test=Examples(conditions.truth.test.x, y)))
    rows = [{"half_0": float(k == 2), "half_1": float(k == 1)} for k in range(3)]
    assert recorded(conditions, rows).scores("oracle")["accuracy"] == 0.0
    swapped = replace(conditions, truth=replace(conditions.truth, test=Examples(conditions.truth.test.x, np.where(first, 1, 2))))
    assert recorded(swapped, rows).scores("oracle")["accuracy"] == 1.0
    sizes = [int(half.sum()) for half in recorded(conditions, [])._halves]
    assert abs(sizes[0] - sizes[1]) <= 1
    assert sum(sizes) == len(y)


def test_the_oracle_averages_what_both_halves_have() -> None:
    """Thirds of three labels need each label's both values: one half may lack some."""
    conditions = make_conditions("multilabel")
    first = recorded(conditions, [])._halves[0]
    y = np.zeros_like(conditions.truth.test.y)
    y[np.flatnonzero(first)[:2], 0] = 1
    y[np.flatnonzero(~first)[:2], :] = 1
    conditions = replace(conditions, truth=replace(conditions.truth, test=Examples(conditions.truth.test.x, y)))
    evaluation = Evaluation(conditions.truth, conditions.data.val, conditions.data.problem, "halves", 1)
    units = y.size
    kept = Kept(0, np.full((units, 2), 0.5), np.zeros(units, dtype=np.int64), np.zeros((1, 2)), None, None)
    evaluation._keep({"half_0": 0.5, "half_1": 0.5}, kept)
    evaluation.records.append(Checkpoint(0, {"half_0": 0.5, "half_1": 0.5}, {}, np.zeros(units, dtype=bool), "", 0.0))
    found = evaluation.scores("oracle")
    assert "map" in found
    assert "map_head" not in found


def test_a_track_without_its_labels_has_no_score(settings: dict[str, Conditions]) -> None:
    made = recorded(settings["multiclass"], [{"noisy_val": 0.5}, {"noisy_val": 0.4}])
    assert made.position("clean_val") is None
    assert made.scores("clean_val") == made.scores("oracle") == {}
