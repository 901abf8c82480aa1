"""Training, validation and test: what training may touch, and what only the evaluation holds.

``TrainingData`` is all that methods can reach; right labels live in ``Truth``.
"""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass, field, replace

import numpy as np
import torch
from torch import Tensor

from benchmark.core.errors import ConfigError, DataError
from benchmark.core.seeds import generator, stream
from benchmark.core.types import Corruption, Examples, Problem, Task
from benchmark.data.parts import Part
from benchmark.data.reading import split_groups


@dataclass(frozen=True)
class TrainingData:
    """What training can reach: no right label, no test input."""

    problem: Problem
    train: Part
    val: Part
    center: float = 0.0  # continuous targets are standardised by the observed training labels
    scale: float = 1.0
    groups: np.ndarray | None = None  # (E,) training examples with one number never part in a split; None = all differ

    @property
    def num_units(self) -> int:
        """Unit slots of the training set; ids run from 0."""
        return len(self.train) * self.problem.width

    def to(self, device: torch.device) -> TrainingData:
        """The same data on ``device``, a shared pool once; nothing is copied where they are there already."""
        train, val = self.train.to(device), self.val.to(device)
        return replace(self, train=train, val=replace(val, pool=train.pool) if self.val.pool is self.train.pool else val)


@dataclass(frozen=True)
class Truth:
    """Right labels, as flat arrays aligned with the units of each split, and the test set."""

    train: np.ndarray | None
    val: np.ndarray | None
    y_val: np.ndarray
    y_val_clean: np.ndarray | None
    test: Examples
    further_tests: Mapping[str, np.ndarray] = field(default_factory=dict)  # other labels of the test part
    gold_val: Examples | None = None  # what the clean_val track looks at instead of ``y_val_clean``


def choose(task: Task, corruption: Corruption, subset: int | None, rows: int | None, seed: int) -> np.ndarray:
    """Positions that take part: a prefix of ``rows`` examples, then ``subset`` of them.

    The subset is balanced on the *observed* labels of multiclass tasks (never on the right ones), where
    unlabelled examples keep their share, and uniform elsewhere; it is nested: a smaller subset is part of
    a larger one with the same seed.
    """
    source = corruption.source
    at = np.flatnonzero(source < rows) if rows is not None else np.arange(len(source))
    if subset is None:
        return at
    if subset > len(at):
        raise ConfigError(f"task.subset={subset} is more than the {len(at)} training examples of {task.name}")
    order = at[np.argsort(stream(source[at], "subset", task.name, seed), kind="stable")]
    if task.problem.name == "multiclass":
        label = corruption.observed.reshape(len(source), -1)[order, 0]
        rank = np.empty(len(order), dtype=np.int64)
        for c in np.unique(label):
            rank[label == c] = np.arange((label == c).sum())
        labelled = order[label >= 0][np.argsort(rank[label >= 0], kind="stable")]
        order = _interleaved(labelled, order[label < 0])
    return np.sort(order[:subset])


def _interleaved(first: np.ndarray, second: np.ndarray) -> np.ndarray:
    """Return both in their orders, so that every prefix holds about the same share of each as the whole."""
    place = np.concatenate([(np.arange(len(side)) + 0.5) / max(len(side), 1) for side in (first, second)])
    return np.concatenate([first, second])[np.argsort(place, kind="stable")]


def assemble(
    task: Task, pool: Examples, corruption: Corruption, *, seed: int, subset: int | None = None, rows: int | None = None
) -> tuple[TrainingData, Truth]:
    """Split a corrupted pool into noisy training and validation parts and set their right labels apart."""
    problem, source = task.problem, corruption.source
    at = choose(task, corruption, subset, rows, seed)
    groups = task.groups if task.groups is not None else np.arange(len(pool))
    own = source[at] >= len(task.train)
    held = own if task.val is not None else split_groups(groups[source[at]], task.val_fraction, "split", task.name, seed)
    for name, count in (("training", (~held).sum()), ("validation", held.sum())):
        if count == 0:
            raise ConfigError(f"{task.name} has no {name} example left out of {len(at)}: raise task.subset or task.rows")
    observed = corruption.observed.reshape(len(source), -1)
    live = problem.labels(pool.y).live.reshape(len(pool), -1)[source]
    labelled = live & (np.isfinite(observed) if problem.kind == "continuous" else observed >= 0)
    if not labelled[at[~held]].any():
        raise DataError(f"{task.name}: no training example has an observed label: nothing can be learned")
    center, scale = _standard(task, observed[at[~held]][labelled[at[~held]]]) if problem.kind == "continuous" else (0.0, 1.0)
    dtype = torch.float32 if problem.kind == "continuous" else torch.int64
    parts = []
    for side in (at[~held], at[held]):
        x, its, strange = pool.x, torch.from_numpy(source[side]), corruption.foreign[side]
        if (strange >= 0).any():
            x, its = x[its], torch.arange(len(its))
            x[torch.from_numpy(strange >= 0)] = foreign_inputs(task, pool)[torch.from_numpy(strange[strange >= 0])]
        value = torch.as_tensor((observed[side] - center) / scale if problem.kind == "continuous" else observed[side], dtype=dtype)
        taught = None if (labelled[side] == live[side]).all() else torch.from_numpy(labelled[side])
        answers = None if corruption.answers is None else corruption.answers.take(_units(side, observed.shape[1]))
        parts.append(Part(x, value, torch.from_numpy(live[side]), its, _extras(task, corruption, side), taught, answers))
    data = TrainingData(problem, parts[0], parts[1], center, scale, groups[source[at[~held]]])
    return data, _truth(task, pool, corruption, live, labelled, at[~held], at[held])


def _units(examples: np.ndarray, width: int) -> np.ndarray:
    """Return the unit slots (E * W,) of some examples."""
    return (examples[:, None] * width + np.arange(width)).reshape(-1)


def _extras(task: Task, corruption: Corruption, side: np.ndarray) -> dict[str, Tensor]:
    """What is known of examples beside inputs and labels."""
    found, source = dict[str, Tensor](), corruption.source[side]
    if corruption.privileged is not None:  # of the very labels that are trained on
        found["privileged"] = torch.from_numpy(corruption.privileged[side]).float()
    elif task.privileged is not None and (source < len(task.privileged)).all():
        found["privileged"] = task.privileged[torch.from_numpy(source)].float()
    if corruption.candidates is not None:
        found["candidates"] = torch.from_numpy(corruption.candidates.reshape(len(corruption.source), task.problem.width, -1)[side].astype(bool))
    if corruption.soft is not None:
        found["soft"] = torch.from_numpy(corruption.soft.reshape(len(corruption.source), task.problem.width, -1)[side]).float()
    return found


def halved(data: TrainingData, truth: Truth, *axes: object) -> tuple[TrainingData, Part, Truth]:
    """Two halves of validation for a method that fits something on it: one in its data, the other with its right labels for selection.

    Examples with equal inputs are in one half. The halves depend on the axes, never on the method.
    """
    part, width = data.val, data.problem.width
    _, groups = np.unique(part.x.reshape(len(part), -1).numpy(force=True), axis=0, return_inverse=True)
    held = split_groups(groups.reshape(-1), 0.5, "half of validation", *axes)
    mine, rest = (part.take(torch.from_numpy(np.flatnonzero(side))) for side in (~held, held))
    chosen = replace(
        truth,
        val=None if truth.val is None else truth.val.reshape(-1, width)[held].reshape(-1),
        y_val=truth.y_val[held],
        y_val_clean=None if truth.y_val_clean is None else truth.y_val_clean[held],
    )
    return replace(data, val=mine), rest, chosen


def foreign_inputs(task: Task, pool: Examples, most: int = 4096) -> Tensor:
    """Inputs of no class (M, ...): the task's own pool, or its inputs with every feature drawn from an example of its own.

    The substitute keeps the distribution of each feature and nothing else; it depends on the task alone.
    """
    if task.foreign is not None:
        return task.foreign()
    flat = pool.x.flatten(1)
    pick = torch.randint(len(flat), (min(most, len(flat)), flat.shape[1]), generator=generator("foreign", task.name))
    return flat.gather(0, pick).reshape(-1, *pool.x.shape[1:])


def _standard(task: Task, given: np.ndarray) -> tuple[float, float]:
    """Mean and sd of the observed training targets."""
    center, scale = float(given.mean()), float(given.std())
    if not scale > 0:
        raise DataError(f"{task.name}: the observed targets of the training set are constant ({center:g}): nothing can be learned")
    return center, scale


def _truth(task: Task, pool: Examples, corruption: Corruption, live: np.ndarray, labelled: np.ndarray, train: np.ndarray, val: np.ndarray) -> Truth:
    """Return ground truth; -1 or NaN where nobody knows it, and in ``y_val`` where nothing was observed."""
    blank = -1 if task.problem.kind == "categorical" else np.nan
    y_val = pool.y[corruption.source[val]]
    given, right = corruption.observed.reshape(live.shape), None if corruption.clean is None else corruption.clean.reshape(live.shape)
    if right is not None and corruption.known is not None:
        right = np.where(corruption.known.reshape(live.shape), right, blank)
    return Truth(
        train=None if right is None else right[train].reshape(-1),
        val=None if right is None else right[val].reshape(-1),
        y_val=task.problem.restore(np.where(labelled, given, blank)[val], y_val),
        y_val_clean=None if right is None else task.problem.restore(np.where(live, right, blank)[val], y_val),
        test=task.test,
        further_tests=task.further_tests,
        gold_val=task.gold_val,
    )
