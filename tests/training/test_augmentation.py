"""Augmentation: each operation against an independent formula or Pillow, the distribution of its draws, and what a run sees of it."""

from __future__ import annotations

from typing import Any

import numpy as np
import pytest
import torch
from support.networks import SMALL
from support.pictures import pictures

from benchmark.config.build import build, load
from benchmark.core.seeds import generator
from benchmark.core.types import Examples, Phase
from benchmark.data.parts import Part
from benchmark.data.problems import Multiclass
from benchmark.data.splits import TrainingData, Truth
from benchmark.functional import images
from benchmark.measures.evaluation import Evaluation
from benchmark.methods.base import Method
from benchmark.methods.step import Passes, Step
from benchmark.training.augmentation import Augmentation, augment
from benchmark.training.learner import Learner
from benchmark.training.recipe import Recipe, input_shape
from benchmark.training.trainer import TrainerSettings, train

STRENGTHS = ("crop_flip", "cutout", "strong")


@pytest.mark.parametrize("strength", STRENGTHS)
def test_bytes_stay_bytes_and_a_seed_gives_the_same_images(strength: str) -> None:
    x = pictures(32)
    before = torch.get_rng_state()
    first, again, other = (augment(x, strength, generator("view", seed)) for seed in (0, 0, 1))
    assert first.dtype == torch.uint8
    assert first.shape == x.shape
    assert torch.equal(first, again)
    assert not torch.equal(first, other)
    assert torch.equal(before, torch.get_rng_state())


def test_shifts_and_flips_are_uniform() -> None:
    """A dot in a black image shows where the window was and whether it was mirrored."""
    x = torch.zeros(20_000, 1, 16, 16, dtype=torch.uint8)
    x[:, :, 8, 5] = 255
    at = augment(x, "crop_flip", generator("dots")).flatten(1).argmax(1)
    row, column = at // 16 - 8, at % 16
    mirrored = column >= 8
    shift = torch.where(mirrored, 10 - column, column - 5)
    assert set(row.tolist()) == set(shift.tolist()) == {-2, -1, 0, 1, 2}
    tolerance = 4 * (0.25 / 20_000) ** 0.5
    assert abs(float(mirrored.float().mean()) - 0.5) < tolerance
    for values in (row, shift):
        share = torch.bincount(values + 2) / len(values)
        assert float((share - 0.2).abs().max()) < tolerance
    together = torch.bincount((row + 2) * 5 + shift + 2, minlength=25) / len(row)
    assert float((together - 0.04).abs().max()) < tolerance


def cell(views: int = 1, augment: str = "crop_flip", **trainer: Any) -> tuple[TrainingData, Recipe]:
    """A class is a color, which no crop or flip takes away."""
    rng = np.random.default_rng(0)
    y = rng.integers(0, 3, 120)
    x = rng.integers(0, 60, (120, 3, 16, 16))
    x[np.arange(120), y] += 150
    value = torch.from_numpy(y)[:, None]
    part = Part(torch.from_numpy(x.astype(np.uint8)), value, torch.ones(120, 1, dtype=torch.bool), torch.arange(120))
    settings = TrainerSettings(**({"epochs": 3, "batch_size": 24, "optimizer": "adam", "lr": 0.01, "augment": augment} | trainer))
    return TrainingData(Multiclass(list("abc")), part, part), Recipe(load("model", "resnet8"), input_shape(part.pool), settings, 0)


class Watching(Method):
    """Keeps the views that it is shown."""

    def __init__(self, views: int = 1) -> None:
        super().__init__()
        self.views = views
        self.shown: list[tuple[torch.Tensor, list[torch.Tensor]]] = []

    def objective(self, step: Step) -> torch.Tensor:
        self.shown.append((step.index, [step.inputs(view) for view in range(self.views)]))
        return super().objective(step)


class WithStreams(Watching):
    """Has an extra stream, and other batches than a plain method."""

    strong_views = frozenset({1})

    def phases(self, epoch: int, evaluate: Any) -> tuple[Phase, ...]:
        return (Phase(indices=np.arange(60), streams={"rest": np.arange(60, 120)}),)

    def objective(self, step: Step) -> torch.Tensor:
        self.shown.append((step.streams["rest"].index, [step.streams["rest"].inputs(view) for view in range(self.views)]))
        return super().objective(step)


def steps_of(method: Method, epoch: int = 0, **trainer: Any) -> list[Step]:
    data, recipe = cell(**trainer)
    learner = Learner(method, [], data, recipe.settings, 0, epochs=3, passes=Passes.zeros(1))
    return [step for step, _ in learner.steps(epoch)]


def test_methods_see_the_same_images_and_views_differ() -> None:
    one, two = steps_of(Watching(1)), steps_of(Watching(2))
    for a, b in zip(one, two, strict=True):
        assert torch.equal(a.inputs(0), b.inputs(0))
        assert not torch.equal(b.inputs(0), b.inputs(1))
        assert a.inputs(0).is_floating_point()
        assert 0 <= float(a.inputs(0).min()) < float(a.inputs(0).max()) <= 1


def test_epochs_and_seeds_see_other_images() -> None:
    first, later = (torch.cat([s.inputs()[s.index.argsort()] for s in steps_of(Watching(), epoch)]) for epoch in (0, 1))
    assert not torch.equal(first, later)
    plain = steps_of(Watching(), augment="none")
    data, _ = cell()
    assert all(torch.equal(step.inputs(), data.train.rows(step.index)[0]) for step in plain)


def test_streams_are_augmented_and_strong_views_are_stronger() -> None:
    """A strong view is gray in a square somewhere; a weak one is not."""
    for step in steps_of(WithStreams(2)):
        for part in (step, step.streams["rest"]):
            gray = [(part.inputs(view) - images.GRAY / 255).abs().amax(1).lt(1e-6).flatten(1).sum(1) for view in (0, 1)]
            assert bool((gray[1] >= 16).all())
            assert bool((gray[0] < 16).all())
    unaugmented = steps_of(WithStreams(2), augment="none")
    assert all(torch.equal(step.inputs(0), step.inputs(1)) for step in unaugmented)


def test_labels_play_no_part() -> None:
    data, recipe = cell()
    shuffled = TrainingData(data.problem, Part(data.train.pool, data.train.value.flip(0), data.train.live, data.train.source), data.val)
    sides = [list(Learner(Watching(), [], part, recipe.settings, 0, epochs=3, passes=Passes.zeros(1)).steps(0)) for part in (data, shuffled)]
    assert all(torch.equal(a[0].inputs(), b[0].inputs()) for a, b in zip(*sides, strict=True))


def test_inputs_that_are_no_images_are_left_alone() -> None:
    assert not Augmentation("strong").serves(torch.zeros(4, 8))
    assert not Augmentation("none").serves(pictures())
    assert Augmentation("crop_flip").serves(pictures())
    assert not Augmentation("crop_flip").serves(torch.zeros(4, 9, 2, dtype=torch.int64))


@pytest.mark.parametrize("precision", ["32-true", "bf16-mixed"])
def test_a_fit_with_augmentation_beats_chance_and_is_evaluated_without(precision: str) -> None:
    """Predictions of two evaluations in a row agree bit for bit; two trainings do."""
    data, recipe = cell(precision=precision, channels_last=precision != "32-true", epochs=6)
    y = data.train.value[:, 0].numpy()
    truth = Truth(y, y, y, y, Examples(data.train.pool, y))
    digests = []
    for _ in range(2):
        networks = recipe.networks(data.problem, 1)
        evaluation = Evaluation(truth, data.val, data.problem, "halves", 6)
        train(Learner(Method(), networks, data, recipe.settings, 0, epochs=6, passes=Passes.zeros(1)), [evaluation])
        digests.append([record.predictions for record in evaluation.records])
        assert evaluation.records[-1].primary["test"] > 0.8
        assert evaluation.records[-1].primary["test"] == evaluation.records[-1].primary["clean_val"]
    assert digests[0] == digests[1]


def test_models_of_the_registry_learn_from_bytes() -> None:
    data, _ = cell()
    for name in ("cnn3", "preact_resnet18"):
        network = build(load("model", name, **SMALL[name]), "model", inputs=input_shape(data.train.pool), outputs=3)
        assert network(data.train.rows(torch.arange(4))[0]).shape == (4, 3)
