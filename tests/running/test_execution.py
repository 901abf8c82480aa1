"""A method that fits on validation gets half of it, and selection the other half."""

from __future__ import annotations

from typing import Any

import numpy as np
import pytest
import torch
from support.tiny import PROBLEMS, run

from benchmark.core.types import Evaluate
from benchmark.data.splits import halved
from benchmark.methods.base import Method
from benchmark.running.conditions import Conditions


class Fitted(Method):
    """Looks at validation after every epoch."""

    uses_val = True

    def setup(self, run: Any) -> None:
        self.run, self.seen = run, list[int]()

    def on_epoch_end(self, epoch: int, evaluate: Evaluate) -> None:
        self.seen.append(len(evaluate("val")))


class Undeclared(Fitted):
    uses_val = False


@pytest.mark.parametrize("problem", PROBLEMS)
def test_halves_part_the_validation_set_with_its_right_labels(problem: str, settings: dict[str, Conditions]) -> None:
    conditions = settings[problem]
    data, rest, truth = halved(conditions.data, conditions.truth, "name")
    whole, width = conditions.data.val, conditions.data.problem.width
    assert abs(len(data.val) - len(rest)) <= 2
    both = torch.cat([data.val.x, rest.x]).flatten(1)
    assert sorted(map(tuple, both.tolist())) == sorted(map(tuple, whole.x.flatten(1).tolist()))
    at = [int((whole.x.flatten(1) == x).all(1).nonzero()[0]) for x in rest.x.flatten(1)]
    assert conditions.truth.val is not None
    np.testing.assert_array_equal(truth.val, conditions.truth.val.reshape(-1, width)[at].reshape(-1))
    np.testing.assert_array_equal(truth.y_val, conditions.truth.y_val[at])
    assert torch.equal(rest.value, whole.value[at])
    assert torch.equal(halved(conditions.data, conditions.truth, "name")[1].x, rest.x)


def test_method_and_selection_look_at_different_halves(settings: dict[str, Conditions], monkeypatch: pytest.MonkeyPatch) -> None:
    conditions, method = settings["multiclass"], Fitted()
    monkeypatch.setattr("benchmark.running.execution.build", lambda *a, **k: method)
    outcome = run({}, conditions)
    data, rest, _ = halved(conditions.data, conditions.truth, conditions.task.name)
    assert set(method.seen) == {len(data.val)}
    assert torch.equal(method.run.observed["val"].value, data.val.value.reshape(-1))
    assert torch.equal(outcome.evaluation.val.x, rest.x)


def test_validation_is_out_of_reach_without_declaring_it(settings: dict[str, Conditions], monkeypatch: pytest.MonkeyPatch) -> None:
    method = Undeclared()
    monkeypatch.setattr("benchmark.running.execution.build", lambda *a, **k: method)
    with pytest.raises(LookupError, match="Undeclared predicts validation examples without declaring uses_val"):
        run({}, settings["multiclass"])
    assert set(method.run.observed) == {"train"}
