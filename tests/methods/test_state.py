"""Testing leaves no trace in training, and predicting none in a method: for every method, and three that err."""

from __future__ import annotations

import functools
import re

import numpy as np
import pytest
import torch
from support.methods import METHODS, PAIRS
from support.states import check_that_predicting_is_pure, check_that_tests_leave_no_trace, normed, trained
from support.tiny import PROBLEMS, make_conditions
from torch import Tensor, nn

from benchmark.config.build import load
from benchmark.methods.base import Method, RunInfo
from benchmark.methods.step import Step
from benchmark.running.conditions import Conditions

FIRST = [(name, next(problem for problem in PROBLEMS if (name, problem) in PAIRS)) for name in METHODS]


@functools.cache
def conditions_of(problem: str) -> Conditions:
    return normed(make_conditions(problem, epochs=4))


@pytest.mark.parametrize(("name", "problem"), FIRST)
def test_testing_and_predicting_leave_no_trace(name: str, problem: str) -> None:
    config, conditions = load("method", name), conditions_of(problem)
    run = trained(config, conditions)
    check_that_predicting_is_pure(run[1])
    check_that_tests_leave_no_trace(config, conditions, run)


@pytest.mark.parametrize(("name", "problem"), [pair for pair in PAIRS if pair not in FIRST])
def test_predicting_leaves_no_trace(name: str, problem: str) -> None:
    check_that_predicting_is_pure(trained(load("method", name), conditions_of(problem))[1])


class Counter(Method):
    """Trains with a weight that depends on how often it has predicted."""

    calls = 0

    def predict(self, step: Step) -> Tensor:
        self.calls += 1
        return super().predict(step)

    def objective(self, step: Step) -> Tensor:
        return super().objective(step) * (1 + 0.1 * self.calls)


class Memory(Method):
    """Remembers in ``predict`` what it believes, and learns from that."""

    def setup(self, run: RunInfo) -> None:
        self.register_buffer("memory", torch.full((run.num_units, run.num_classes), 1 / run.num_classes))

    def predict(self, step: Step) -> Tensor:
        probability = super().predict(step)
        self.memory[step.slots()[0]] = probability
        return probability

    def objective(self, step: Step) -> Tensor:
        units = step.units()
        return super().objective(step) + ((units.output.softmax(1) - self.memory[units.index]) ** 2).mean()


class Normed(Method):
    """Predicts with the statistics of its batch, and forgets to go back."""

    def predict(self, step: Step) -> Tensor:
        for layer in step._networks[0].modules():
            if isinstance(layer, nn.BatchNorm1d):
                layer.train()
        return super().predict(step)


BAD = {"counter": Counter, "memory": Memory, "normed": Normed}


def checked(method: type[Method], monkeypatch: pytest.MonkeyPatch) -> list[str]:
    """Return what the checks say of a method."""
    monkeypatch.setattr("benchmark.running.execution.build", lambda *a, **k: method())
    conditions = conditions_of("multiclass")
    run, said = trained({}, conditions), []
    checks = [
        functools.partial(check_that_predicting_is_pure, run[1]),
        functools.partial(check_that_tests_leave_no_trace, {}, conditions, run),
    ]
    for check in checks:
        try:
            check()
        except AssertionError as error:
            said.append(str(error))
    return said


@pytest.mark.parametrize(
    ("name", "words"),
    [
        ("counter", ["depends on how often is tested"]),
        ("memory", [r"predict changes \['1.memory'\]", "depends on how often is tested"]),
        ("normed", [r"in training mode after predict: \['BatchNorm1d'\]", "running_mean depends on how often is tested"]),
    ],
)
def test_accidents_are_caught(name: str, words: list[str], monkeypatch: pytest.MonkeyPatch) -> None:
    said = checked(BAD[name], monkeypatch)
    assert len(said) == len(words), said
    for found, expected in zip(said, words, strict=True):
        assert re.search(expected, found), found


def test_a_method_without_faults_passes(monkeypatch: pytest.MonkeyPatch) -> None:
    assert checked(Method, monkeypatch) == []


def test_drawing_in_predict_is_caught(monkeypatch: pytest.MonkeyPatch) -> None:
    class Noisy(Method):
        def setup(self, run: RunInfo) -> None:
            self.rng = np.random.default_rng(0)

        def predict(self, step: Step) -> Tensor:
            probability = super().predict(step)
            return probability * (1 + 0.01 * float(self.rng.random()))

    assert "a second prediction is another one" in checked(Noisy, monkeypatch)[0]
