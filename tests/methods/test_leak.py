"""No method can reach a right label or the test set, and none depends on them."""

from __future__ import annotations

import dataclasses
import types
from collections.abc import Iterator
from typing import Any

import numpy as np
import pytest
import torch
from support.tiny import NOISES, PROBLEMS, corrupt_tiny, make_conditions, make_task, run

from benchmark.config.build import build, load, option, resolve_target
from benchmark.config.registry import names
from benchmark.config.support import layers, needs_of
from benchmark.core.errors import ConfigError
from benchmark.core.seeds import seed_for
from benchmark.core.types import Evaluate, Phase
from benchmark.methods.base import FitFunction, Method, RunInfo, set_up
from benchmark.methods.step import Step
from benchmark.noise.streams import Streams
from benchmark.running.conditions import Conditions
from benchmark.training.recipe import run_info

ATOMS = (int, float, str, bytes, bool, complex, type(None), type, types.ModuleType, types.BuiltinFunctionType, torch.dtype, torch.device)


def reachable(root: Any) -> Iterator[Any]:
    """Everything that attributes, containers, closures, defaults and bound methods lead to."""
    seen: set[int] = set()
    waiting = [root]
    while waiting:
        thing = waiting.pop()
        if id(thing) in seen or isinstance(thing, ATOMS):
            continue
        seen.add(id(thing))
        yield thing
        if isinstance(thing, dict):
            waiting += [*thing.keys(), *thing.values()]
        elif isinstance(thing, list | tuple | set | frozenset):
            waiting += list(thing)
        elif isinstance(thing, types.FunctionType):
            waiting += [cell.cell_contents for cell in thing.__closure__ or ()] + list(thing.__defaults__ or ()) + list((thing.__kwdefaults__ or {}).values())
        elif isinstance(thing, types.MethodType):
            waiting += [thing.__self__, thing.__func__]
        elif isinstance(thing, torch.Tensor | np.ndarray):
            continue
        else:
            waiting += list(getattr(thing, "__dict__", {}).values())
            waiting += [getattr(thing, slot) for cls in type(thing).__mro__ for slot in getattr(cls, "__slots__", ()) if hasattr(thing, slot)]
            for getter in ("__wrapped__", "func", "args", "keywords"):
                if hasattr(thing, getter):
                    waiting.append(getattr(thing, getter))


def arrays(root: Any) -> list[np.ndarray]:
    """Every tensor and array that can be reached."""
    found = [thing for thing in reachable(root) if isinstance(thing, torch.Tensor | np.ndarray)]
    return [f.detach().cpu().numpy() if isinstance(f, torch.Tensor) else f for f in found]


class Spy(Method):
    """Collects what a method is handed."""

    def __init__(self) -> None:
        super().__init__()
        self.handed: list[Any] = []

    def setup(self, run: Any) -> None:
        self.handed.append(run)

    def prepare(self, fit: FitFunction, run: Any) -> None:
        self.handed.append(fit)
        self.handed.append(fit(epochs=1))

    def phases(self, epoch: int, evaluate: Evaluate) -> tuple[Phase, ...]:
        self.handed.append(evaluate)
        return (Phase(streams={"all": np.arange(40)}),)

    def objective(self, step: Step) -> torch.Tensor:
        self.handed += [step, step.again(), *step.streams.values()]
        return super().objective(step)

    def update(self, step: Step, backward: Any, optimizers: Any) -> torch.Tensor:
        self.handed += [backward, optimizers]
        return super().update(step, backward, optimizers)


def marked(problem: str) -> tuple[Conditions, Any]:
    """A setting whose right and test labels are values that occur nowhere else."""
    task = make_task(problem)
    made = corrupt_tiny(task, *NOISES[problem])
    conditions = make_conditions(problem, corruption=made, epochs=2)
    rng = np.random.default_rng(5)

    def secret(size: int) -> np.ndarray:
        return rng.integers(10_000, 20_000, size) + 0.25 if problem == "regression" else rng.integers(10_000, 20_000, size)

    assert conditions.truth.train is not None
    assert conditions.truth.val is not None
    truth = dataclasses.replace(conditions.truth, train=secret(len(conditions.truth.train)), val=secret(len(conditions.truth.val)))
    return dataclasses.replace(conditions, truth=truth), secret


@pytest.mark.parametrize("problem", PROBLEMS)
def test_nothing_handed_to_a_method_leads_to_a_right_or_test_label(problem: str, monkeypatch: pytest.MonkeyPatch) -> None:
    conditions, _ = marked(problem)
    spy = Spy()
    monkeypatch.setattr("benchmark.running.execution.build", lambda *a, **k: spy)
    # right labels are secret numbers now: they must not be scored, only be out of reach
    monkeypatch.setattr("benchmark.measures.evaluation.memorization", lambda *a, **k: {})
    run({}, conditions)
    test_x = conditions.task.test.x
    assert len(spy.handed) > 8
    for thing in spy.handed:
        for array in arrays(thing):
            assert array.size == 0 or array.dtype.kind not in "iuf" or array.max() < 10_000, f"a right label is reachable from {type(thing).__name__}"
            same = array.shape[-test_x.dim() + 1 :] == tuple(test_x.shape[1:]) and array.dtype == test_x.numpy().dtype
            if same and len(array) == len(test_x):
                assert not np.array_equal(array, test_x.numpy()), f"the test set is reachable from {type(thing).__name__}"


def test_the_walk_finds_what_is_hidden_in_a_closure() -> None:
    secret = torch.tensor([12_345])

    class Box:
        def __init__(self) -> None:
            self.get = lambda: secret

    assert any(array.max() == 12_345 for array in arrays(Box()))


BLIND = [n for n in names("method") if "transition" not in resolve_target(option("method", n), "method").needs]


@pytest.mark.parametrize("problem", PROBLEMS)
@pytest.mark.parametrize("name", BLIND)
def test_predictions_do_not_depend_on_right_labels(name: str, problem: str, settings: dict[str, Conditions]) -> None:
    """Right labels of the loaded artefact become garbage, rate and T stay: the test predictions keep their digest."""
    cls = resolve_target(option("method", name), "method")
    kind = "continuous" if problem == "regression" else "categorical"
    if kind not in cls.kinds or (cls.problems is not None and problem not in cls.problems):
        pytest.skip("not served")
    task = make_task(problem)
    made = corrupt_tiny(task, *NOISES[problem])
    assert made.clean is not None
    garbage = np.where(made.clean >= 0, np.random.default_rng(3).permutation(made.clean), made.clean) if problem != "regression" else made.clean[::-1].copy()
    live = task.problem.labels(task.train.y).live
    garbage = np.where(live, np.where(garbage == -1, 0, garbage), made.clean) if problem != "regression" else garbage
    digests = []
    for clean in (made.clean, garbage):
        conditions = make_conditions(problem, corruption=dataclasses.replace(made, clean=clean), epochs=3)
        conditions = dataclasses.replace(conditions, declared=settings[problem].declared)
        digests.append([record.predictions for record in run(load("method", name), conditions).evaluation.records])
    assert digests[0] == digests[1]


def test_a_method_cannot_read_what_it_does_not_declare(settings: dict[str, Conditions]) -> None:
    class Curious(Method):
        def setup(self, run: Any) -> None:
            run.need("transition")

    run = run_info(settings["multiclass"].data, settings["multiclass"].recipe.settings, 2, 0, {})
    with pytest.raises(KeyError, match="without declaring"):
        set_up(Curious(), run)


@pytest.mark.parametrize("seed", [0, 1, 7])
def test_a_method_is_not_told_the_seed_that_its_labels_were_corrupted_with(seed: int, monkeypatch: pytest.MonkeyPatch) -> None:
    """Split, noise and training have one seed by default: with that of training, a line would draw the flips again."""
    task = make_task("multiclass")
    made = corrupt_tiny(task, *NOISES["multiclass"], seed=seed)
    conditions, spy = make_conditions("multiclass", corruption=made, epochs=1, seed=seed), Spy()
    monkeypatch.setattr("benchmark.running.execution.build", lambda *a, **k: spy)
    run({}, conditions, seed)
    told = next(thing for thing in spy.handed if isinstance(thing, RunInfo)).seed
    assert told == seed_for("method", seed)
    assert told not in range(1000)
    labels = task.problem.labels(task.train.y)
    flipped = made.observed != labels.value
    assert np.array_equal(Streams(labels, seed)["flip"] < NOISES["multiclass"][1]["rate"], flipped)
    guess = Streams(labels, told)
    assert (guess["flip"] != Streams(labels, seed)["flip"]).all()
    assert 0.1 < flipped.mean() < 0.3
    assert (guess["flip"] < NOISES["multiclass"][1]["rate"])[flipped].mean() < 0.5


class Needy(Method):
    """Needs T whatever its configuration says."""

    needs = frozenset({"transition"})


def test_a_need_that_the_class_hides_is_refused(settings: dict[str, Conditions], monkeypatch: pytest.MonkeyPatch) -> None:
    """``needs_where`` of ``forward`` says that only the oracle's matrix is a need: the board marks no other row as privileged."""
    monkeypatch.setattr("benchmark.running.execution.build", lambda *a, **k: Needy())
    run(load("method", "forward", estimator="oracle"), settings["multiclass"])
    for config in (load("method", "forward", estimator="anchor"), load("method", "erm"), load("method", "sam")):
        with pytest.raises(ConfigError, match="Needy needs 'transition', which its class hides with these hyper-parameters"):
            run(config, settings["multiclass"])


@pytest.mark.parametrize("name", names("method"))
def test_every_method_states_its_needs(name: str) -> None:
    config = load("method", name)
    assert build(config, "method").needs <= frozenset().union(*map(needs_of, layers(config)))


def test_build_is_what_the_runner_uses() -> None:
    """The monkeypatch above must hit the name that is called."""
    import benchmark.running.execution

    assert benchmark.running.execution.build is build
