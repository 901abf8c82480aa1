"""Units without a label, ground truth for a few units, and soft labels: what every method must bear."""

from __future__ import annotations

import functools
from dataclasses import replace

import numpy as np
import pytest
import torch
from support.methods import METHODS, PAIRS, defaults
from support.tiny import NOISES, PROBLEMS, corrupt_tiny, make_conditions, make_task, run
from torch import Tensor

from benchmark.config.build import load
from benchmark.core.answers import Answers
from benchmark.core.errors import ConfigError
from benchmark.core.types import Corruption
from benchmark.methods.base import Method
from benchmark.methods.step import Step
from benchmark.running.conditions import Conditions
from benchmark.running.execution import measure

FIRST = [(name, next(problem for problem in PROBLEMS if (name, problem) in PAIRS)) for name in METHODS]


def partly_labelled(problem: str) -> Corruption:
    """Noisy labels of a tiny task, without those of three tenths of the live units."""
    task = make_task(problem)
    labels = task.problem.labels(task.train.y)
    made = corrupt_tiny(task, *NOISES[problem])
    hidden = labels.live & (np.random.default_rng(7).random(len(labels.value)) < 0.3)
    missing = np.nan if labels.kind == "continuous" else -1
    return replace(made, observed=np.where(hidden, missing, made.observed))


def partly_known(problem: str) -> Corruption:
    """Noisy labels whose ground truth is known for one unit in five, with what a label model believes of them."""
    task = make_task(problem)
    made = corrupt_tiny(task, *NOISES[problem])
    known = np.random.default_rng(8).random(len(made.observed)) < 0.2
    k = task.problem.num_classes
    if k == 1:
        return replace(made, known=known)
    soft = np.full((len(made.observed), k), 0.1 / k)
    soft[np.arange(len(soft)), np.maximum(made.observed, 0)] += 0.9
    return replace(made, known=known, soft=soft.astype(np.float32))


@functools.cache
def unlabelled(problem: str) -> Conditions:
    return make_conditions(problem, epochs=3, corruption=partly_labelled(problem))


@functools.cache
def few_known(problem: str) -> Conditions:
    return make_conditions(problem, epochs=3, corruption=partly_known(problem))


@pytest.mark.parametrize(("name", "problem"), FIRST)
def test_a_method_bears_units_without_a_label(name: str, problem: str) -> None:
    conditions = unlabelled(problem)
    outcome = run(defaults(name, problem), conditions)
    scores = measure(outcome, conditions)
    primary = conditions.data.problem.primary
    assert np.isfinite(scores[f"test/last/{primary}"])
    suspicion = outcome.method.suspicion()
    assert suspicion is None or bool(suspicion[conditions.data.train.taught.reshape(-1)].isfinite().all())


@pytest.mark.parametrize(("name", "problem"), FIRST)
def test_a_method_bears_little_ground_truth_and_soft_labels(name: str, problem: str) -> None:
    conditions = few_known(problem)
    scores = measure(run(defaults(name, problem), conditions), conditions)
    assert np.isfinite(scores[f"test/last/{conditions.data.problem.primary}"])


class Spy(Method):
    """Notes what a step hands out."""

    def __init__(self) -> None:
        super().__init__()
        self.targets: list[Tensor] = []
        self.labelled: list[Tensor] = []
        self.examples: list[Tensor] = []

    def objective(self, step: Step) -> Tensor:
        units = step.units()
        self.targets.append(units.target)
        self.labelled.append(units.labelled)
        self.examples.append(step.index)
        shown = units.labelled
        return self.loss(units.output[shown], units.target[shown]).mean()


class Greedy(Spy):
    """Wants the units without a label too."""

    uses_unlabelled = True


def spied(spy: Spy, problem: str, monkeypatch: pytest.MonkeyPatch) -> Spy:
    monkeypatch.setattr("benchmark.running.execution.build", lambda *a, **k: spy)
    run({}, unlabelled(problem))
    return spy


@pytest.mark.parametrize("problem", PROBLEMS)
def test_a_step_skips_units_without_a_label_unless_a_method_asks_for_them(problem: str, monkeypatch: pytest.MonkeyPatch) -> None:
    part = unlabelled(problem).data.train
    plain, greedy = spied(Spy(), problem, monkeypatch), spied(Greedy(), problem, monkeypatch)
    for spy in (plain, greedy):
        labelled, targets = torch.cat(spy.labelled), torch.cat(spy.targets)
        there = targets.isfinite() if targets.is_floating_point() else targets >= 0
        assert torch.equal(labelled, there)
    assert bool(torch.cat(plain.labelled).all())
    assert len(torch.cat(plain.labelled)) == 3 * int(part.taught.sum())
    share = float(torch.cat(greedy.labelled).float().mean())
    assert abs(share - float(part.taught.sum() / part.live.sum())) < 0.03
    assert len(torch.cat(greedy.labelled)) > len(torch.cat(plain.labelled))
    if problem in ("multiclass", "regression"):  # an example without any label is in no batch
        used = torch.cat(plain.examples)
        assert bool(part.taught.any(1)[used].all())


def test_noisy_validation_has_no_score_for_units_without_a_label_and_truth_has() -> None:
    truth = unlabelled("multiclass").truth
    assert truth.y_val_clean is not None
    assert (truth.y_val_clean >= 0).all()
    assert 0.1 < (truth.y_val < 0).mean() < 0.5


def test_measures_use_the_units_whose_truth_is_known() -> None:
    conditions = few_known("multiclass")
    truth = conditions.truth
    assert truth.train is not None
    assert 0.1 < (truth.train >= 0).mean() < 0.3
    assert truth.y_val_clean is not None
    assert (truth.y_val_clean < 0).sum() == (truth.val < 0).sum()  # type: ignore[operator]


def test_erm_trains_on_soft_labels(monkeypatch: pytest.MonkeyPatch) -> None:
    conditions = few_known("multiclass")
    method = load("method", "erm", soft=True)
    seen: list[tuple[Tensor, Tensor]] = []
    whole = Step.soft

    def noted(step: Step) -> Tensor:
        found = whole(step)
        seen.append((found, step.targets()))
        return found

    monkeypatch.setattr(Step, "soft", noted)
    run(method, conditions)
    soft, target = seen[0]
    assert torch.equal(soft.argmax(1), target)
    torch.testing.assert_close(soft.sum(1), torch.ones(len(soft)))
    with pytest.raises(ConfigError, match="needs 'soft', which nobody knows"):
        run(method, make_conditions("multiclass", epochs=1))


def test_a_step_gives_the_answers_of_its_units(monkeypatch: pytest.MonkeyPatch) -> None:
    task = make_task("multiclass")
    votes = np.random.default_rng(3).integers(-1, 4, (160, 5))
    made = replace(corrupt_tiny(task, *NOISES["multiclass"]), answers=Answers.from_votes(votes))
    conditions = make_conditions("multiclass", epochs=1, corruption=made)
    seen: list[tuple[Tensor, Tensor, tuple[Tensor, Tensor, Tensor]]] = []

    class Voter(Method):
        needs = frozenset({"votes"})

        def objective(self, step: Step) -> Tensor:
            seen.append((step.index, step.votes(), step.answers()))
            return super().objective(step)

    monkeypatch.setattr("benchmark.running.execution.build", lambda *a, **k: Voter())
    monkeypatch.setattr("benchmark.running.execution.needs_of", lambda config: Voter.needs)
    run(load("method", "erm"), conditions)
    source = conditions.data.train.source
    assert source is not None
    for index, table, (unit, who, label) in seen:
        np.testing.assert_array_equal(table.numpy(), votes[source[index].numpy()])
        np.testing.assert_array_equal(table[unit, who].numpy(), label.numpy())
        assert len(unit) == int((table >= 0).sum())
