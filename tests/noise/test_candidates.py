"""Candidate sets, and how they and privileged inputs reach the methods that declare them."""

from __future__ import annotations

from dataclasses import replace

import numpy as np
import pytest
import torch
from support.tiny import corrupt_tiny, make_conditions, make_task, run

from benchmark.config.build import build, load
from benchmark.config.grid import expand
from benchmark.core.errors import ConfigError
from benchmark.core.paths import Paths
from benchmark.core.types import Corruption, Labels
from benchmark.data.problems import Multiclass
from benchmark.data.splits import assemble
from benchmark.methods.base import Method
from benchmark.methods.step import Step
from benchmark.noise.base import Context, Noise
from benchmark.noise.streams import Streams
from benchmark.running.conditions import conditions_for

LABELS = Multiclass([str(i) for i in range(10)]).labels(np.random.default_rng(0).integers(0, 10, 6000))


def made(labels: Labels = LABELS, seed: int = 0, **options: float) -> Corruption:
    noise: Noise = build(load("noise", "candidates", **options), "noise")
    return noise(labels, Streams(labels, seed), Context())


def test_sets_hold_the_right_class_and_wrong_ones_with_their_rate() -> None:
    found = made(rate=0.3)
    assert found.candidates is not None
    right = found.candidates[np.arange(6000), LABELS.value]
    assert right.all()
    assert (found.candidates.sum() - 6000) / (6000 * 9) == pytest.approx(0.3, abs=0.01)
    assert found.candidates[np.arange(6000), found.observed].all()


def test_the_observed_label_is_an_even_draw_of_its_set() -> None:
    found = made(rate=0.3)
    assert (found.observed != LABELS.value).mean() == pytest.approx(1 - (1 - 0.7**10) / (10 * 0.3), abs=0.02)
    assert found.candidates is not None
    pairs = found.candidates.sum(1) == 2
    assert (found.observed == LABELS.value)[pairs].mean() == pytest.approx(0.5, abs=0.05)


def test_sets_are_nested_in_the_rate() -> None:
    few, many = made(rate=0.2).candidates, made(rate=0.5).candidates
    assert few is not None
    assert many is not None
    assert (few <= many).all()
    alone = made(rate=0.0)
    assert alone.candidates is not None
    assert (alone.candidates.sum(1) == 1).all()
    assert np.array_equal(alone.observed, LABELS.value)


def test_a_chain_keeps_the_sets_of_either_part() -> None:
    task = make_task("multiclass")
    chain = corrupt_tiny(task, "chain", {"first": "long_tail", "second": "candidates"})
    assert chain.candidates is not None
    assert len(chain.candidates) == len(chain.source)
    assert chain.candidates[np.arange(len(chain.observed)), chain.observed].all()


def test_sets_follow_their_examples_through_the_split() -> None:
    task = make_task("multiclass")
    found = corrupt_tiny(task, "candidates", {})
    assert found.candidates is not None
    data, truth = assemble(task, task.train, found, seed=0)
    assert truth.train is not None
    sets = data.train.extras["candidates"][:, 0]
    assert bool(sets[torch.arange(len(sets)), torch.from_numpy(truth.train)].all())
    at = [int((task.train.x == x).all(1).nonzero()[0, 0]) for x in data.train.x]
    assert np.array_equal(sets.numpy(), found.candidates[at])
    assert task.privileged is not None
    np.testing.assert_allclose(data.train.extras["privileged"], task.privileged[torch.tensor(at)], rtol=1e-6)


@pytest.mark.parametrize("needs", [[], ["privileged"], ["candidates"], ["candidates", "privileged"]])
def test_a_step_has_only_the_extras_that_its_method_declares(needs: list[str], monkeypatch: pytest.MonkeyPatch) -> None:
    seen: list[list[str]] = []

    class Spy(Method):
        def objective(self, step: Step) -> torch.Tensor:
            seen.append(sorted(step.extras))
            assert all(len(rows) == len(step) for rows in step.extras.values())
            return super().objective(step)

    spy = Spy()
    spy.needs = frozenset(needs)  # type: ignore[misc]
    monkeypatch.setattr("benchmark.running.execution.build", lambda *a, **k: spy)
    monkeypatch.setattr("benchmark.running.execution.needs_of", lambda config: spy.needs)
    run({}, make_conditions("multiclass", epochs=1))
    assert seen == [needs] * 4


def test_candidate_sets_reach_a_cell_of_the_command_line(paths: Paths) -> None:
    """Through the cache, the split, the move to the device and half of a part."""
    entry = {"task": "digits", "noise": "candidates", "method": "partial_label", "trainer": "smoke(reference_folds=0)"}
    (cell,) = expand([entry], {}, {}, []).cells
    conditions = conditions_for(cell, (0, 0, 0), paths)
    sets = conditions.declared["candidates"]
    assert sets.shape == (len(conditions.data.train), 10)
    assert conditions.truth.train is not None
    assert bool(sets[torch.arange(len(sets)), torch.from_numpy(conditions.truth.train)].all())
    assert torch.equal(conditions.data.train.take(torch.arange(5)).extras["candidates"][:, 0], sets[:5])


def test_who_labeled_reaches_tram_and_goes_before_what_the_task_knows() -> None:
    """Privileged inputs of the noise are about the labels that are trained on; a chain passes them on."""
    task = make_task("multiclass")
    crowd = {"per_example": 1, "workers": 7}
    found = corrupt_tiny(task, "annotators", crowd)
    assert found.privileged is not None
    data, _ = assemble(task, task.train, found, seed=0)
    at = [int((task.train.x == x).all(1).nonzero()[0, 0]) for x in data.train.x]
    assert data.train.extras["privileged"].dtype == torch.float32
    assert np.array_equal(data.train.extras["privileged"].numpy(), found.privileged[at])
    conditions = make_conditions("multiclass", epochs=1, corruption=found)
    method = run(load("method", "tram"), conditions).method
    assert method.tower[0].in_features == conditions.recipe.networks(data.problem, 1)[0].feature_width + 7  # type: ignore[index,union-attr]
    chain = corrupt_tiny(task, "chain", {"first": "annotators", "second": "long_tail"})
    assert chain.privileged is not None
    whole = corrupt_tiny(task, "annotators", {})
    assert whole.privileged is not None
    assert len(chain.source) < len(whole.privileged)
    assert np.array_equal(chain.privileged, whole.privileged[chain.source])


def test_tram_is_skipped_where_nobody_knows_who_labeled() -> None:
    products = [
        {"task": "digits", "trainer": "quick", "noise": ["symmetric", "annotators"], "method": "tram"},
        {"task": ["cifar10n", "cifar100n"], "trainer": "quick", "noise": "human", "method": "tram"},
    ]
    grid = expand(products, {}, {}, [])
    assert sorted((cell.choice["task"], cell.choice["noise"]) for cell in grid.cells) == [("cifar100n", "human"), ("digits", "annotators")]
    lacking = [("digits", "symmetric"), ("cifar10n", "human")]
    assert grid.skipped == [f"tram needs privileged, which neither {task} nor {noise} gives" for task, noise in lacking]


def test_who_labeled_is_nothing_to_know_of_labels_that_nobody_gave() -> None:
    """Recorded workers did not make generated labels; right labels are the control of theirs, and a crowd's own workers go before them."""
    theirs = ["human", "recorded", "clean", "chain(first=long_tail,second=human)", "annotators"]
    others = ["symmetric", "instance_projection", "chain(first=human,second=symmetric)", "chain(first=clean,second=symmetric)", "dilution"]
    grid = expand([{"task": "cifar100n", "trainer": "quick", "noise": theirs + others, "method": "tram"}], {}, {}, [])
    assert [cell.choice["noise"] for cell in grid.cells] == [text.partition("(")[0] for text in theirs]
    names = ["symmetric", "instance_projection", "chain", "dilution"]
    assert grid.skipped == [f"tram needs privileged, which cifar100n has for its recorded labels, not for those of {name}" for name in names]


def test_a_task_without_privileged_inputs_is_refused_in_one_line() -> None:
    conditions = make_conditions("multiclass")
    conditions = replace(conditions, declared={k: v for k, v in conditions.declared.items() if k != "privileged"})
    with pytest.raises(ConfigError, match="TRAM needs 'privileged'"):
        run(load("method", "tram"), conditions)


def test_partial_labels_are_skipped_where_the_noise_makes_no_sets() -> None:
    noises = ["symmetric", "candidates", "chain(second=candidates)"]
    grid = expand([{"task": "digits", "trainer": "quick", "noise": noises, "method": ["erm", "partial_label"]}], {}, {}, [])
    assert sorted(cell.labels["noise"] for cell in grid.cells if cell.choice["method"] == "partial_label") == ["candidates", "chain(second=candidates)"]
    assert grid.skipped == ["partial_label needs candidates, which neither digits nor symmetric gives"]
