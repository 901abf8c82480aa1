"""The vocabulary of the suite: what passes between tasks, noise, methods and the engine.

A *unit* is one label: an image, a token, an (example, label) pair of a multi-label task, a rating. Every example owns
``width`` unit slots (1, the longest sentence, the number of labels); the unit at ``column`` of ``example`` has the id
``example * width + column`` in every epoch. Slots that hold no unit (padding, unknown in the data) are not *live*. A live unit
without an observed label is *unlabelled*: networks see it and truth scores it, but nothing is learned from it unless a method asks.
"""

from __future__ import annotations

from abc import ABC, abstractmethod
from collections.abc import Callable, Iterable, Mapping, Sequence
from dataclasses import dataclass, field
from typing import Any, Literal, Protocol

import numpy as np
import torch
from torch import Tensor

from benchmark.core.answers import Answers

Kind = Literal["categorical", "continuous"]
Split = Literal["train", "val"]


@dataclass(frozen=True)
class Labels:
    """Labels of one data set, flat: what a noise generator sees."""

    value: np.ndarray  # (N,) int64 class or float64 target
    group: np.ndarray  # (N,) the example that each unit belongs to
    column: np.ndarray  # (N,) label id (multi-label), position (tokens), else 0
    live: np.ndarray  # (N,) bool; False = padding or unknown: never corrupted, never scored
    kind: Kind
    num_classes: int
    names: tuple[str, ...]  # of the classes; of the labels for multi-label
    problem: str = "multiclass"

    @property
    def width(self) -> int:
        """Unit slots per example."""
        return int(self.column.max()) + 1 if len(self.column) else 1

    @property
    def labelled(self) -> np.ndarray:
        """(N,) bool: the live units that have a label. An unlabelled one has the value -1, or NaN where labels are numbers."""
        valued = np.isfinite(self.value) if self.kind == "continuous" else self.value >= 0
        return self.live & valued


@dataclass(frozen=True)
class Corruption:
    """What a noise generator returns. The example at position e is ``source[e]`` of the original data: long tails take some, dilution repeats some."""

    observed: np.ndarray  # (N',) labels after noise; -1 or NaN where a live unit got none
    source: np.ndarray  # (E,) original example at each position
    foreign: np.ndarray  # (E,) row of the open-set pool that replaces the input, -1 = own input
    clean: np.ndarray | None  # (N',); -1 where no class is right; None where nobody knows
    transition: np.ndarray | None = None  # (L, K, K) realised, L = 1 but for multi-label
    answers: Answers | None = None  # what single sources said of the N' units
    candidates: np.ndarray | None = None  # (N', K)
    privileged: np.ndarray | None = None  # (E, d) known of each example's label beside it, such as who gave it
    true_transition: np.ndarray | None = None  # (L, K, K) that labels were drawn from, where there is one
    statistics: Mapping[str, Any] = field(default_factory=dict)  # what only the generator knows; kept in the manifest
    known: np.ndarray | None = None  # (N',) bool: ``clean`` is the ground truth here, elsewhere nobody knows it; None = everywhere
    soft: np.ndarray | None = None  # (N', K) float32: how probable a label model holds each class; rows of unlabelled units are 0

    @property
    def votes(self) -> np.ndarray | None:
        """(N', A) answers as a table, -1 or NaN where a source said nothing; None without answers. For few sources."""
        return None if self.answers is None else self.answers.votes(len(self.observed))


@dataclass(frozen=True)
class Observed:
    """Labels as a method may see them: no clean attribute exists."""

    value: Tensor  # (U,)
    group: Tensor
    column: Tensor
    live: Tensor  # (U,) bool: units to learn from; for a method with ``uses_unlabelled`` all units
    labelled: Tensor | None = None  # (U,) bool: units with an observed label; None = all live ones


@dataclass(frozen=True)
class Units:
    """The live units of one batch, flat. ``row`` is the position of the unit's example in the batch."""

    output: Tensor  # (U, K) logits, or (U, 1) predictions of a continuous target
    given: Tensor | None  # (U,) observed label; None at test time
    index: Tensor  # (U,) global unit id
    row: Tensor
    column: Tensor
    shape: tuple[int, int]  # (B, W)
    partner: Tensor | None = None  # (U,) unit that was mixed in, as a position in this batch's units
    labels: Tensor | None = None  # (U,) bool, of methods with ``uses_unlabelled``; None = every unit is labelled

    @property
    def labelled(self) -> Tensor:
        """(U,) bool: units that have an observed label. All of them, unless the method declares ``uses_unlabelled``."""
        return torch.ones_like(self.index, dtype=torch.bool) if self.labels is None else self.labels

    @property
    def target(self) -> Tensor:
        """(U,) observed label of every unit; a LookupError at test time, where there are none."""
        if self.given is None:
            raise LookupError("a batch has no targets at test time")
        return self.given

    def dense(self, value: Tensor, fill: float) -> Tensor:
        """Scatter a per-unit value (U, ...) back to its layout (B, W, ...), ``fill`` elsewhere."""
        grid = value.new_full((*self.shape, *value.shape[1:]), fill)
        grid[self.row, self.column] = value
        return grid


@dataclass(frozen=True)
class Phase:
    """A part of an epoch: which examples train which networks, with which extra streams."""

    name: str = "train"
    indices: np.ndarray | None = None  # examples; None = all
    networks: tuple[int, ...] | None = None  # the networks in training mode; None = all
    streams: Mapping[str, np.ndarray] = field(default_factory=dict)
    frozen_statistics: bool = False  # batch-norm layers use what they have gathered, and gather no more


class Problem(ABC):
    """How a batch becomes units and how predictions are scored. One subclass per task type."""

    name: str
    kind: Kind
    num_classes: int  # columns of a unit's output; 1 for a continuous target
    names: tuple[str, ...]
    primary: str  # the score that selects a checkpoint
    higher_is_better: bool = True
    width: int = 1

    @property
    def outputs(self) -> int:
        """Output size of a network's head."""
        return self.num_classes

    @abstractmethod
    def labels(self, y: np.ndarray) -> Labels:
        """Flatten dataset labels."""

    @abstractmethod
    def lift(self, output: Tensor) -> Tensor:
        """Network output (B, ...) -> unit grid (B, W, K)."""

    @abstractmethod
    def scores(self, probability: np.ndarray, decision: np.ndarray, y: np.ndarray) -> dict[str, float]:
        """Score predictions: ``probability`` (E * W, K), ``decision`` (E * W,), ``y`` as the task gives it."""

    def primary_scores(self, probability: np.ndarray, decision: np.ndarray, y: np.ndarray, subsets: Sequence[np.ndarray]) -> list[float]:
        """The primary score on subsets of the examples, (E,) bool each: what every checkpoint pays for."""
        slots = [np.repeat(rows, self.width) for rows in subsets]
        return [self.scores(probability[at], decision[at], y[rows])[self.primary] for at, rows in zip(slots, subsets, strict=True)]

    def selected_scores(self, probability: np.ndarray, y: np.ndarray, val: np.ndarray, y_val: np.ndarray) -> dict[str, float]:
        """Further scores at a selected checkpoint, such as those that fit a threshold to observed validation labels ``y_val``."""
        return {}

    def restore(self, value: np.ndarray, y: np.ndarray) -> np.ndarray:
        """Flat unit labels back to the layout of ``y``."""
        return value.reshape(y.shape).astype(y.dtype)


@dataclass
class Examples:
    """Inputs and right labels of one split, aligned by row."""

    x: Tensor  # (E, ...)
    y: np.ndarray  # (E,) or (E, W); -1 or NaN = no label here

    def __len__(self) -> int:
        return len(self.y)


@dataclass
class Task:
    """What ``tasks/<name>/load`` returns. The engine carves validation out of ``train`` unless ``val`` is given."""

    name: str
    problem: Problem
    train: Examples
    test: Examples
    groups: np.ndarray | None = None  # (E,) examples with one id never part in a split
    val: Examples | None = None
    annotations: Mapping[str, np.ndarray] = field(default_factory=dict)  # recorded labels by name, as y
    annotators: tuple[str, ...] = ()  # the annotations that are one person's or one labeling function's each
    privileged: Tensor | None = None  # (E, d) known of each recorded label beside it, such as who gave it and in what time; not of generated ones
    further_tests: Mapping[str, np.ndarray] = field(default_factory=dict)  # other labels of the test part: as y, or (E, K) counts of votes
    features: Callable[[], np.ndarray] | None = None
    foreign: Callable[[], Tensor] | None = None  # inputs of no class, for open-set noise
    val_fraction: float = 0.1
    clean: bool = True  # False: ``y`` are observed labels, nobody knows the right ones
    test_labels: Literal["right", "observed"] = "right"
    known: np.ndarray | None = None  # as y of train (and val): where y is ground truth; elsewhere y is what was observed. None = everywhere
    answers: Answers | None = None  # of single sources on the units of train (and val)
    places: np.ndarray | None = None  # (E_train + E_test, ...) line or file of each example, or of each unit, at its user's
    files: Mapping[str, str] = field(default_factory=dict)  # the user's files with their sha256
    surfaces: tuple[str, ...] = field(default=(), repr=False)  # tokens as they are written, for the last column of token inputs
    gold_val: Examples | None = None  # right labels that nobody carved out of ``train``: the clean_val track looks at them instead


class Evaluate(Protocol):
    """Predictions of the current networks. There is no "test"."""

    def __call__(self, split: Split, net: int | None = None, features: bool = False, by: Callable[[Any], Tensor] | None = None) -> Tensor: ...


class Optimizers(Protocol):
    """The optimizers that take part in a step: clipping happens inside ``step``, which ``by`` takes in place of all of them."""

    def zero_grad(self) -> None: ...
    def step(self, by: torch.optim.Optimizer | None = None) -> None: ...
    def parameters(self) -> Iterable[torch.nn.Parameter]: ...
