"""Labels of every task type, and batches of them."""

from __future__ import annotations

import numpy as np
import torch

from benchmark.core.types import Problem
from benchmark.data.parts import Part
from benchmark.data.problems import Multiclass, MultiLabel, Regression, Tagging
from benchmark.methods.step import Batch, Passes, Step

TAGS = ("O", "B-PER", "I-PER", "B-LOC", "I-LOC")


def probabilities(rng: np.random.Generator, units: int, classes: int) -> np.ndarray:
    found: np.ndarray = rng.dirichlet(np.ones(classes), units)
    return found


def sentences(rng: np.random.Generator, count: int, width: int) -> np.ndarray:
    """Random tag sequences, most of them invalid IOB2; -1 = padding."""
    y = rng.choice(len(TAGS), (count, width), p=[0.4, 0.15, 0.15, 0.15, 0.15])
    return np.where(np.arange(width) < rng.integers(1, width + 1, count)[:, None], y, -1)


def made(name: str, size: int = 60) -> tuple[Problem, np.ndarray, np.ndarray, np.ndarray]:
    """A problem with labels (some unknown), probabilities and decisions."""
    rng = np.random.default_rng(2)
    if name == "tagging":
        y = sentences(rng, size, 7)
        return Tagging(TAGS, 7), y, (p := probabilities(rng, y.size, len(TAGS))), p.argmax(1)
    if name == "multilabel":
        y = np.where(rng.random((size, 4)) < 0.1, -1, rng.integers(0, 2, (size, 4)))
        return MultiLabel(list("pqrs")), y, (p := probabilities(rng, y.size, 2)), p.argmax(1)
    if name == "multiclass":
        y = np.where(rng.random(size) < 0.1, -1, rng.integers(0, 4, size))
        return Multiclass(list("abcd")), y, (p := probabilities(rng, size, 4)), p.argmax(1)
    y = np.where(rng.random(size) < 0.1, np.nan, rng.normal(size=size))
    prediction = rng.normal(size=(size, 1))
    return Regression("z", to_score=np.exp), y, prediction, prediction[:, 0]


def grid(problem: Problem, y: np.ndarray, at: np.ndarray) -> tuple[Step, torch.Tensor, torch.Tensor]:
    """A Step over some examples, cut at the longest sentence as the engine does, a random output and its live slots."""
    labels = problem.labels(y)
    tokens = problem.name == "tagging"
    value, live = (torch.from_numpy(array.reshape(len(y), -1)) for array in (labels.value, labels.live))
    x = (live.long()[..., None]) if tokens else torch.zeros(len(y), 2)
    cut, value, some = Part(x, value, live).rows(torch.from_numpy(at))
    step = Step([], problem, Batch([cut], torch.from_numpy(at), value, some), Passes.zeros(1))
    shape = (len(at), value.shape[1], len(TAGS)) if tokens else (len(at), problem.outputs)
    return step, torch.randn(shape, generator=torch.Generator().manual_seed(1)), torch.ones(value.shape, dtype=torch.bool) if some is None else some
