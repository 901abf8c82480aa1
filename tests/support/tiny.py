"""Make tiny data of every task type, and what methods of a cell share. Nothing here needs a file or a network."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import replace
from typing import Any

import numpy as np
import torch

from benchmark.config.build import load
from benchmark.core.types import Corruption, Examples, Labels, Task
from benchmark.data.problems import Multiclass, MultiLabel, Regression, Tagging
from benchmark.data.splits import assemble
from benchmark.measures.evaluation import side
from benchmark.noise.base import Context
from benchmark.noise.streams import Streams
from benchmark.running.conditions import Conditions, declared_needs, extra_needs
from benchmark.running.execution import Outcome, execute
from benchmark.training.recipe import Recipe, input_shape
from benchmark.training.trainer import TrainerSettings

PROBLEMS = ("multiclass", "multilabel", "tagging", "regression")
MODELS = {"multiclass": "mlp", "multilabel": "mlp", "tagging": "bilstm", "regression": "mlp"}
NOISES = {
    "multiclass": ("symmetric", {"rate": 0.2}),
    "multilabel": ("label_flip", {"fpr": 0.1, "fnr": 0.2}),
    "tagging": ("symmetric", {"rate": 0.2}),
    "regression": ("uniform_resample", {"rate": 0.2}),
}
TINY: dict[str, dict[str, Any]] = {"mlp": {"hidden": [32]}, "bilstm": {"embedding": 8, "hidden": 12}, "bilstm_crf": {"embedding": 8, "hidden": 12}}


def make_examples(problem: str, size: int, seed: int) -> tuple[Any, Examples]:
    """A problem that a small network learns in seconds, and ``size`` examples of it."""
    rng = np.random.default_rng(seed)
    if problem == "tagging":
        words = rng.integers(1, 10, (size, 6))
        lengths = rng.integers(3, 7, size)
        dead = np.arange(6) >= lengths[:, None]
        y = np.where(words >= 8, 1, 0)
        y = np.where((y == 1) & (np.roll(y, 1, axis=1) == 1) & (np.arange(6) > 0), 2, y)
        words, y = np.where(dead, 0, words), np.where(dead, -1, y)
        return Tagging(["O", "B-X", "I-X"], 6), Examples(torch.from_numpy(np.stack([words, words % 3 + (words > 0)], axis=2)), y)
    x = rng.normal(size=(size, 8)).astype(np.float32)
    if problem == "multiclass":
        y = x[:, :4].argmax(1)
        x[np.arange(size), y] += 1.5
        return Multiclass(list("abcd")), Examples(torch.from_numpy(x), y.astype(np.int64))
    if problem == "multilabel":
        return MultiLabel(["p", "q", "r"]), Examples(torch.from_numpy(x), (x[:, :3] > 0.3).astype(np.int64))
    return Regression("z"), Examples(torch.from_numpy(x), (x[:, 0] + 0.5 * x[:, 1]).astype(np.float64))


def make_task(problem: str, train: int = 160, test: int = 80) -> Task:
    """An in-memory task."""
    kind, pool = make_examples(problem, train, 0)
    privileged = torch.from_numpy(np.random.default_rng(2).normal(size=(train, 3))) if problem == "multiclass" else None
    return Task(f"tiny-{problem}", kind, pool, make_examples(problem, test, 1)[1], val_fraction=0.25, privileged=privileged)


def corrupt_tiny(task: Task, name: str, options: dict[str, Any], seed: int = 0) -> Corruption:
    """Corrupt the pool of a task with a generator, without a cache."""
    from benchmark.config.build import build

    labels = task.problem.labels(task.train.y)
    made: Corruption = build(load("noise", name, **options), "noise")(labels, Streams(labels, seed), Context())
    return made


def make_conditions(
    problem: str, *, epochs: int = 6, model: str | None = None, corruption: Corruption | None = None, task: Task | None = None, seed: int = 0, **trainer: Any
) -> Conditions:
    """What the methods of a tiny cell share."""
    task = task or make_task(problem)
    made = corruption or corrupt_tiny(task, *NOISES[problem])
    if problem == "multiclass" and made.candidates is None:  # the observed label, and every other one with probability .3
        drawn = np.random.default_rng(3).random((len(made.observed), 4)) < 0.3
        made = replace(made, candidates=drawn | (made.observed[:, None] == np.arange(4)))
    data, truth = assemble(task, task.train, made, seed=0)
    name = model or MODELS[problem]
    settings = TrainerSettings(**({"epochs": epochs, "batch_size": 32, "optimizer": "adam", "lr": 0.02, "schedule": "constant"} | trainer))
    recipe = Recipe(load("model", name, **TINY.get(name, {})), input_shape(task.train.x, task.test.x), settings, seed)
    assert truth.train is not None
    train = side(data, data.train, truth.train, np.zeros(0))
    k, names = task.problem.num_classes, task.problem.names
    labels = Labels(train.right, data.train.observed().group.numpy(), train.column, train.live, task.problem.kind, k, names, task.problem.name)
    return Conditions(task, data, truth, recipe, declared_needs(data, labels, train.given, made.transition) | extra_needs(data), {}, {}, {})


def run(method: Mapping[str, Any], conditions: Conditions, seed: int = 0) -> Outcome:
    """Train one method in a setting."""
    return execute(method, conditions, seed)
