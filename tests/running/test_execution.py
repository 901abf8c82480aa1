"""A method that fits on validation gets half of it, and selection the other half."""

from __future__ import annotations

from typing import Any

import pytest
import torch
from support.tiny import run

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
