"""What every method must leave alone while it predicts; shared by the tests of the suite's methods and of bad ones."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import replace
from typing import Any

import numpy as np
import pytest
import torch
from torch import Tensor, nn

from benchmark.core.digests import digest
from benchmark.core.types import Examples, Problem
from benchmark.data.parts import Part
from benchmark.methods.step import Batch, Passes, Step
from benchmark.models.base import Network
from benchmark.running.conditions import Conditions
from benchmark.running.execution import Outcome, execute
from benchmark.training import trainer
from benchmark.training.learner import Learner
from benchmark.training.prediction import evaluating
from benchmark.training.recipe import Recipe


class NormedRecipe(Recipe):
    """Normalises the features of every network by batch: most tiny networks have no statistics to spoil."""

    def networks(self, problem: Problem, count: int, *axes: object) -> list[Network]:
        made = super().networks(problem, count, *axes)
        for network in made:
            plain = type(network)

            class Normed(plain):  # type: ignore[misc, valid-type]
                def encode(self, x: Tensor) -> Tensor:
                    features: Tensor = super().encode(x)
                    return self.norm(features.flatten(0, -2)).view_as(features)

            network.norm = nn.BatchNorm1d(network.feature_width)
            network.__class__ = Normed
        return made


def normed(conditions: Conditions) -> Conditions:
    """Return the conditions with networks that have batch norm."""
    return replace(conditions, recipe=NormedRecipe(**vars(conditions.recipe)))


def trained(config: Mapping[str, Any], conditions: Conditions) -> tuple[Outcome, Learner]:
    """Run a method, and keep the learner with its networks."""
    kept: list[Learner] = []

    def train(learner: Learner, *more: Any) -> None:
        kept.append(learner)
        trainer.train(learner, *more)

    with pytest.MonkeyPatch.context() as patch:
        patch.setattr("benchmark.running.execution.train", train)
        return execute(config, conditions, 0), kept[-1]


def bits(outcome: Outcome, learner: Learner) -> dict[str, Any]:
    """Return what a run came to at its end, apart from test scores: predictions, costs, networks, and the method's own state."""
    last = outcome.evaluation._kept["last"]
    found = {"validation": last.validation, "forward": outcome.cost["forward"], "backward": outcome.cost["backward"]}
    if last.suspicion is not None:
        found["suspicion"] = last.suspicion
    for i, module in enumerate([learner.method, *learner.networks]):
        found |= {f"{type(module).__name__}.{i}.{name}": value.numpy(force=True) for name, value in module.state_dict().items()}
    return found


def check_that_tests_leave_no_trace(config: Mapping[str, Any], conditions: Conditions, first: tuple[Outcome, Learner]) -> None:
    """Assert that the bits of a run depend neither on how often nor on what is tested.

    The tests at all epochs are compared with one after the last epoch of the method's own run, however many it trains.
    """
    test = conditions.truth.test
    other = Examples(torch.zeros_like(test.x), test.y[::-1].copy())
    elsewhere = replace(conditions, truth=replace(conditions.truth, test=other))
    with pytest.MonkeyPatch.context() as patch:
        patch.setattr("benchmark.measures.evaluation.checkpoints", lambda epochs: [epochs - 1])
        once = trained(config, conditions)
    expected = bits(*first)
    assert len(expected["validation"]) > 0
    for why, run in (("how often", once), ("what", trained(config, elsewhere))):
        found = bits(*run)
        assert found.keys() == expected.keys()
        for name, value in found.items():
            np.testing.assert_array_equal(value, expected[name], err_msg=f"{name} depends on {why} is tested")


def check_that_predicting_is_pure(learner: Learner) -> None:
    """Assert that a method predicts the same twice, changes no parameter and no buffer, and leaves networks in evaluation mode."""
    method, modules = learner.method, [*learner.networks, learner.method]

    def predict(part: Part, at: Tensor) -> Tensor:
        x, value, live = part.rows(at)
        return method.predict(Step(learner.networks, learner.data.problem, Batch([x], at, None, live, width=value.shape[1]), Passes.zeros(len(modules))))

    def state() -> dict[str, str]:
        return {f"{i}.{name}": digest(value) for i, module in enumerate(modules) for name, value in module.state_dict().items()}

    chunks = [(part, at) for part in (learner.data.train, learner.data.val) for at in torch.arange(min(36, len(part))).split(24)]
    before, generators = state(), (torch.get_rng_state(), np.random.get_state()[1].copy())  # type: ignore[index, union-attr]
    with evaluating(modules), torch.no_grad():
        first = [predict(part, at) for part, at in chunks]
        busy = [type(module).__name__ for root in modules for module in root.modules() if module.training]
        assert not busy, f"in training mode after predict: {busy}"
        again = [predict(part, at) for part, at in chunks]
    for a, b in zip(first, again, strict=True):
        assert torch.equal(a, b), "a second prediction is another one"
    after = state()
    assert after.keys() == before.keys()
    changed = [name for name in before if after[name] != before[name]]
    assert not changed, f"predict changes {changed}"
    assert torch.equal(generators[0], torch.get_rng_state())
    assert np.array_equal(generators[1], np.random.get_state()[1])  # type: ignore[index]
