"""What every method must do, found through conf/method: a new yaml is tested without an edit here."""

from __future__ import annotations

import copy
import functools
import re
from collections.abc import Callable
from dataclasses import replace
from typing import Any

import numpy as np
import pytest
import torch
from support.methods import METHODS, PAIRS, defaults, made
from support.tiny import MODELS, PROBLEMS, make_conditions, make_task, run

from benchmark.config.build import build, load, option, resolve_target
from benchmark.config.cells import label
from benchmark.config.support import layers, needs_of
from benchmark.core.digests import digest
from benchmark.core.types import Examples
from benchmark.data.parts import Part
from benchmark.methods.base import NEEDS, Method
from benchmark.methods.families import FAMILIES, slug
from benchmark.methods.step import Batch, Passes, Step
from benchmark.running.conditions import Conditions
from benchmark.running.execution import Outcome

Trained = Callable[[str, str], Outcome]


@pytest.fixture(scope="session")
def trained(settings: dict[str, Conditions]) -> Trained:
    """One finished run per method and task type, shared by the tests that only look at it."""

    @functools.cache
    def of(name: str, problem: str) -> Outcome:
        return run(defaults(name, problem), settings[problem])

    return of


def batch_step(method: Method, conditions: Conditions, at: torch.Tensor, networks: Any) -> Step:
    part = conditions.data.train
    live = None if bool(part.live.all()) else part.live[at]
    extras = {name: table[at] for name, table in part.extras.items() if name in method.needs}
    batch = Batch([part.x[at]] * method.views, at, part.value[at], live, extras)
    return Step(networks, conditions.data.problem, batch, Passes.zeros(method.networks))


@pytest.mark.parametrize("name", METHODS)
def test_constructs_with_defaults_and_is_named_after_them(name: str) -> None:
    method = build(load("method", name), "method")
    assert isinstance(method, Method)
    assert method.kinds <= {"categorical", "continuous"}
    assert label("method", name, option("method", name)) == name


@pytest.mark.parametrize("name", METHODS)
def test_docstring_cites_and_prices(name: str) -> None:
    cls = resolve_target(option("method", name), "method")
    assert cls.__doc__
    assert len(cls.__doc__) > 80
    assert re.search(r"\d{4}", cls.cites), "cites: authors, year, arXiv id"
    assert cls.needs <= set(NEEDS)
    assert build(option("method", name), "method").needs == frozenset().union(*map(needs_of, layers(option("method", name))))
    assert cls.fidelity == "exact" or cls.differs


@pytest.mark.parametrize(("name", "problem"), PAIRS)
def test_passes_are_as_declared(name: str, problem: str, settings: dict[str, Conditions], trained: Trained) -> None:
    """Counted by hooks on the networks, per training example and epoch of the trainer."""
    outcome, data, epochs = trained(name, problem), settings[problem].data, settings[problem].recipe.settings.epochs
    price = outcome.method.passes(epochs)
    forward, backward = (sum(outcome.cost[kind]) / (len(data.train) * epochs) for kind in ("forward", "backward"))
    validation = len(data.val) / len(data.train) if outcome.method.uses_val else 0.0  # it may look at its half twice an epoch
    if price.at_most:
        assert price.forward / 4 < forward < price.forward * 1.05 + validation
        assert price.backward / 4 < backward < price.backward * 1.05
    else:
        assert price.forward - 0.01 < forward < price.forward + 0.01 + validation
        assert backward == pytest.approx(price.backward, abs=0.01)


@pytest.mark.parametrize(("name", "problem"), PAIRS)
def test_fit_beats_chance(name: str, problem: str, settings: dict[str, Conditions], trained: Trained) -> None:
    conditions = settings[problem]
    outcome = trained(name, problem)
    chance = {"multiclass": 0.25, "multilabel": 0.382, "tagging": 0.15, "regression": 0.89}[problem]

    def beats(scores: list[float]) -> bool:
        return np.mean(scores) < chance if problem == "regression" else np.mean(scores) > chance

    scores = [outcome.evaluation.records[-1].primary["test"]]
    if not beats(scores):  # six epochs on 120 examples: one run in four of some methods is no better, their mean is
        more = (run(defaults(name, problem), conditions, seed) for seed in range(1, 5))
        scores += [other.evaluation.records[-1].primary["test"] for other in more]
    assert beats(scores), scores
    assert outcome.cost["passes"] > 0
    suspicion = outcome.method.suspicion()
    assert suspicion is None or (suspicion.shape == (conditions.data.num_units,) and bool(suspicion.isfinite().all()))


@pytest.mark.parametrize(("name", "problem"), PAIRS)
def test_same_seed_same_bits_and_no_global_generator(name: str, problem: str, settings: dict[str, Conditions], trained: Trained) -> None:
    """Two runs agree bit for bit although the global generators moved in between, and leave those as they were."""
    first = trained(name, problem).evaluation
    torch.manual_seed(11)
    np.random.seed(11)
    before = torch.get_rng_state(), np.random.get_state()[1].copy()  # type: ignore[union-attr]
    second = run(defaults(name, problem), settings[problem]).evaluation
    assert [r.predictions for r in first.records] == [r.predictions for r in second.records]
    assert torch.equal(before[0], torch.get_rng_state())
    assert np.array_equal(before[1], np.random.get_state()[1])  # type: ignore[index]


@pytest.mark.parametrize(("name", "problem"), PAIRS)
def test_objective_is_finite_and_differentiable(name: str, problem: str, settings: dict[str, Conditions]) -> None:
    conditions = settings[problem]
    method = made(name, conditions)
    if type(method).prepare is not Method.prepare and "prepare" in vars(type(method)):
        pytest.skip("its objective exists after side trainings; test_fit_beats_chance covers it")
    networks = conditions.recipe.networks(conditions.data.problem, method.networks)
    value = method.objective(batch_step(method, conditions, torch.arange(24), networks))
    assert value.shape == ()
    assert bool(value.isfinite())
    value.backward()
    for network in networks[: method.networks - method.averaged]:
        gradients = [p.grad for p in network.parameters() if p.grad is not None]
        assert gradients
        assert all(bool(g.isfinite().all()) for g in gradients)


@pytest.mark.parametrize(("name", "problem"), PAIRS)
def test_loss_follows_the_order_of_units(name: str, problem: str, settings: dict[str, Conditions]) -> None:
    conditions = settings[problem]
    method = made(name, conditions)
    networks = conditions.recipe.networks(conditions.data.problem, 1)
    units = batch_step(method, conditions, torch.arange(24), networks * method.networks).units()
    order = torch.randperm(len(units.target), generator=torch.Generator().manual_seed(1))
    loss = method.loss(units.output, units.target)
    assert loss.shape == units.target.shape
    assert torch.allclose(method.loss(units.output[order], units.target[order]), loss[order], atol=1e-6)


@pytest.mark.parametrize(("name", "problem"), PAIRS)
def test_objective_ignores_the_order_of_examples(name: str, problem: str, settings: dict[str, Conditions]) -> None:
    conditions = settings[problem]
    method = made(name, conditions)
    if "prepare" in vars(type(method)):
        pytest.skip("its objective exists after side trainings")
    if hasattr(method, "rng"):
        pytest.skip("it pairs examples at random")
    networks = conditions.recipe.networks(conditions.data.problem, method.networks)
    at = torch.arange(24)
    values = [copy.deepcopy(method).objective(batch_step(method, conditions, order, networks)) for order in (at, at.flip(0))]
    assert torch.allclose(values[0], values[1], rtol=1e-4, atol=1e-6)


@pytest.mark.parametrize(("name", "problem"), PAIRS)
def test_state_round_trip(name: str, problem: str, settings: dict[str, Conditions], trained: Trained) -> None:
    """state_dict of a trained method goes into a fresh one, which then suspects the same labels."""
    conditions = settings[problem]
    method = trained(name, problem).method
    fresh = made(name, conditions)
    for key, value in method.state_dict().items():
        if key not in fresh.state_dict():  # allocated by side trainings
            fresh.register_buffer(key, torch.empty_like(value))
    fresh.load_state_dict(method.state_dict())
    a, b = method.suspicion(), fresh.suspicion()
    assert (a is None and b is None) or (a is not None and b is not None and torch.equal(a, b))


@pytest.fixture(scope="session")
def dated() -> Conditions:
    """Give sentences of which most have one length below the longest, as date lines have."""
    task = make_task("tagging", train=128, test=64)
    examples = []
    for part in (task.train, task.test):
        x, y = part.x.clone(), np.array(part.y)
        line = np.arange(len(y)) % 8 > 0
        x[torch.from_numpy(line), 3:] = 0
        y[line, 3:] = -1
        examples.append(Examples(x, y))
    return make_conditions("tagging", epochs=4, task=replace(task, train=examples[0], test=examples[1]))


@pytest.mark.parametrize("name", [name for name, problem in PAIRS if problem == "tagging"])
def test_batches_of_one_length_below_the_longest(name: str, dated: Conditions, monkeypatch: pytest.MonkeyPatch) -> None:
    """A batch without a mask is its batch with a mask that is true everywhere, bit for bit."""
    monkeypatch.setattr("benchmark.training.prediction.TEXT_BATCH", 16)
    cut, bits, seen = Part.rows, [], set()

    def rows(part: Part, at: torch.Tensor, masked: bool) -> tuple[torch.Tensor, torch.Tensor, torch.Tensor | None]:
        x, value, live = cut(part, at)
        if live is None and x.shape[1] < part.value.shape[1]:
            seen.add((torch.is_grad_enabled(), x.shape[1]))
            live = torch.ones_like(value, dtype=torch.bool) if masked else None
        return x, value, live

    for masked in (False, True):
        monkeypatch.setattr(Part, "rows", functools.partialmethod(rows, masked=masked))
        outcome = run(load("method", name), dated)
        bits.append([record.predictions for record in outcome.evaluation.records])
    assert (False, 3) in seen, "no prediction chunk of one length below the longest"
    trains = any(outcome.cost["backward"])
    assert (True, 3) in seen or not trains, "no batch of one length below the longest"
    assert bits[0] == bits[1]


@pytest.mark.parametrize("problem", PROBLEMS)
def test_test_set_is_left_alone(problem: str, settings: dict[str, Conditions]) -> None:
    conditions = settings[problem]
    before = digest(conditions.task.test.x, conditions.task.test.y, conditions.data.val.x, conditions.data.val.value)
    run(load("method", "mixup"), conditions)
    assert digest(conditions.task.test.x, conditions.task.test.y, conditions.data.val.x, conditions.data.val.value) == before


def test_every_kind_is_served_by_the_plain_baselines() -> None:
    for name in ("erm", "erm_ensemble", "erm_long", "mixup", "small_loss", "coteaching", "sam"):
        assert all((name, problem) in PAIRS for problem in MODELS)


@pytest.mark.parametrize("name", METHODS)
def test_one_file_tells_a_method(name: str) -> None:
    """Code is shared through functions and state objects: a method has at most one base between itself and ``Method``."""
    chain = [kind for kind in resolve_target(option("method", name), "method").__mro__ if issubclass(kind, Method)]
    assert len(chain) <= 3, " < ".join(kind.__name__ for kind in chain)


@pytest.mark.parametrize("name", METHODS)
def test_a_method_lies_in_the_folder_of_its_family(name: str) -> None:
    kind = resolve_target(option("method", name), "method")
    assert kind.family in FAMILIES
    assert kind.__module__ == f"benchmark.methods.{slug(kind.family)}.{kind.__module__.rpartition('.')[2]}"


def test_every_family_has_a_sentence_and_a_method_or_is_still_to_come() -> None:
    declared_by = {resolve_target(option("method", name), "method").family for name in METHODS}
    assert set(FAMILIES) - declared_by <= {"crowds"}
    assert all(sentence.endswith(".") for sentence in FAMILIES.values())
