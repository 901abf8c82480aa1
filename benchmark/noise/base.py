"""What every noise generator shares: the contract, and flips from a transition matrix.

A generator is a pure function of flat labels, streams and what it declares in ``needs``.
"""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass, field
from pathlib import Path
from typing import Any, ClassVar

import numpy as np

from benchmark.core.answers import Answers
from benchmark.core.errors import ConfigError
from benchmark.core.types import Corruption, Labels
from benchmark.noise.streams import BLOCK, Streams


@dataclass(frozen=True)
class Context:
    """What a generator asked for in ``needs``, and nothing else."""

    annotations: Mapping[str, np.ndarray] = field(default_factory=dict)  # name -> (N,) flat labels
    features: np.ndarray | None = None  # (E, D), raw inputs where the task names no features of its own
    tokens: np.ndarray | None = None  # (N,) id of the word in every unit slot
    foreign: int = 0  # rows of the open-set pool
    answers: Answers | None = None  # of single sources: people, labelling functions

    @property
    def sets(self) -> list[str]:
        """Names of everything that was recorded: label sets, then single sources that are no set of their own."""
        sources = () if self.answers is None else self.answers.names
        return [*self.annotations, *(name for name in sources if name not in self.annotations)]

    def recorded(self, name: str, units: int) -> np.ndarray:
        """Return the labels (units,) of a set or of a single source, -1 or NaN where it has none.

        Raises:
            KeyError: nothing of this name was recorded.
        """
        if name in self.annotations:
            return self.annotations[name]
        if self.answers is None or name not in self.answers.names:
            raise KeyError(name)
        return self.answers.said_by(name, units)

    def take(self, source: np.ndarray, width: int) -> Context:
        """The same for the examples ``source`` (E',)."""
        if np.array_equal(source, np.arange(len(source))) and (self.features is None or len(source) == len(self.features)):
            return self  # features may be large: no copy without need
        units = (source[:, None] * width + np.arange(width)).reshape(-1)
        return Context(
            {name: value[units] for name, value in self.annotations.items()},
            None if self.features is None else self.features[source],
            None if self.tokens is None else self.tokens[units],
            self.foreign,
            None if self.answers is None else self.answers.take(units),
        )


class Noise:
    """Base of the generators: the constructor stores, the call corrupts.

    ``needs``: annotations, features, tokens, foreign. The three ``not_*`` are reasons for an exception from the
    contract: mistakes at a low ``rate`` are a subset of those at a higher one; a unit's fate does not depend on
    the other units; another seed gives other labels.
    """

    family: ClassVar[str]  # of ``families.FAMILIES``: what makes labels wrong
    problems: ClassVar[frozenset[str]] = frozenset({"multiclass", "tagging", "multilabel", "regression"})
    needs: ClassVar[frozenset[str]] = frozenset()
    gives: ClassVar[frozenset[str]] = frozenset()  # beside labels, what a method may need: candidates, privileged
    recorded: ClassVar[bool] = False  # labels are those that the task brings, so that what it knows beside them (``Task.privileged``) holds
    version: ClassVar[int] = 1
    names: ClassVar[tuple[str, ...] | None] = None  # class names that the yaml as it stands is made for; None = any
    highest: float = 1.0  # largest rate that has a meaning
    leaves_unknown: ClassVar[bool] = False  # some live units get no label at all (-1)
    not_nested: ClassVar[str] = ""
    not_local: ClassVar[str] = ""
    not_drawn: ClassVar[str] = ""

    def __call__(self, labels: Labels, streams: Streams, context: Context) -> Corruption:
        """Corrupt ``labels``. Units that are not live keep their value."""
        raise NotImplementedError

    def nominal_rate(self) -> float | None:
        """The rate that was asked for, where the generator has one."""
        return getattr(self, "rate", None)

    def files(self) -> tuple[Path, ...]:
        """Files that decide the labels beside the configuration: their content is part of the cache key."""
        return ()


def check_rate(rate: float, where: str, most: float = 1.0) -> float:
    """A rate in [0, most]; 0 is legal and means clean.

    Raises:
        ConfigError: outside the range, or not a number.
    """
    if isinstance(rate, bool) or not isinstance(rate, int | float) or not 0 <= rate <= most:
        raise ConfigError(f"{where}={rate!r} is outside [0, {most:g}]; 0 means clean")
    return float(rate)


def corruption(labels: Labels, observed: np.ndarray, *, fresh: bool = False, **extra: Any) -> Corruption:
    """A ``Corruption`` that keeps every example in place. Fills in the realised transition matrix.

    Args:
        labels: the right ones. Units that are not live keep their value.
        observed: (N,) labels after noise.
        fresh: ``observed`` belongs to the caller alone and left the dead units as they are: it is not copied.
        extra: other fields of ``Corruption``; ``clean`` where no class is right any more.
    """
    if not fresh:
        observed = np.where(labels.live, observed, labels.value)
    examples = len(labels.value) // labels.width
    kept: dict[str, Any] = {
        "source": np.arange(examples, dtype=np.int32),
        "foreign": np.full(examples, -1, dtype=np.int32),
        "clean": labels.value,
        "transition": realised_transition(labels, observed) if labels.kind == "categorical" else None,
    }
    return Corruption(observed=observed, **(kept | extra))


def realised_transition(labels: Labels, observed: np.ndarray) -> np.ndarray:
    """T[l, i, j] = share of live units with right class i that carry j: (L, K, K), L = labels of a multi-label task, else 1.

    A class without a unit gets the identity row. Units without a right or an observed class do not count.
    """
    k = labels.num_classes
    layers = labels.width if labels.problem == "multilabel" else 1
    counts = np.zeros(layers * k * k, dtype=np.int64)
    for start in range(0, len(observed), BLOCK):
        at = slice(start, start + BLOCK)
        right, given = labels.value[at], observed[at]
        flat = right * k + given if layers == 1 else (labels.column[at] * k + right) * k + given
        use = labels.live[at] & (right >= 0) & (given >= 0)
        counts += np.bincount(flat if use.all() else flat[use], minlength=len(counts))
    table = counts.reshape(layers, k, k).astype(float)
    total = table.sum(2, keepdims=True)
    return np.where(total > 0, table / np.maximum(total, 1), np.eye(k))


def checked_transition(matrix: np.ndarray, classes: int, columns: int = 1) -> np.ndarray:
    """``matrix`` as (L, K, K), L in {1, columns}.

    Raises:
        ConfigError: another shape, negative or undefined entries, or rows that do not sum to one.
    """
    matrix = np.asarray(matrix, dtype=float)
    matrix = matrix[None] if matrix.ndim == 2 else matrix
    if matrix.shape[1:] != (classes, classes):
        raise ConfigError(f"transition matrix has shape {matrix.shape[1:]}, the labels have {classes} classes: give a {classes} x {classes} matrix")
    if len(matrix) not in (1, columns):
        raise ConfigError(f"transition has {len(matrix)} matrices, the task has {columns} labels: give one, or one for each")
    if not np.isfinite(matrix).all() or (matrix < 0).any():
        raise ConfigError("transition matrix has a negative or undefined entry; every entry is a probability")
    sums = matrix.sum(2)
    if np.abs(sums - 1).max() > 1e-6:
        worst = np.unravel_index(np.abs(sums - 1).argmax(), sums.shape)
        raise ConfigError(f"transition matrix row {worst[1]} sums to {sums[worst]:.6g}, not 1")
    return matrix


def flip_by_transition(labels: Labels, transition: np.ndarray, streams: Streams) -> np.ndarray:
    """Observed labels under class-conditional noise.

    Args:
        labels: categorical.
        transition: (K, K) or (L, K, K), rows are distributions: T[i, j] = P(observed = j | right = i).
        streams: ``flip`` and ``pick`` are used.

    Raises:
        ConfigError: see ``checked_transition``.
    """
    k = labels.num_classes
    matrix = checked_transition(transition, k, labels.width)
    rows = matrix.reshape(-1, k)
    row = labels.value + k * labels.column if len(matrix) > 1 else labels.value
    leave = streams["flip"] < (1 - own_probability(rows))[row]
    at = np.flatnonzero(leave & labels.live & (labels.value >= 0))
    observed = labels.value.copy()
    observed[at] = draw_other(rows, row[at], streams["pick"][at])
    return observed


def flip_rows(rows: np.ndarray, row: np.ndarray, own: np.ndarray, flip: np.ndarray, pick: np.ndarray) -> np.ndarray:
    """(N,) classes drawn from ``rows[row]``, so that the flips are nested in 1 - P(own): a unit leaves its class when ``flip < 1 - P(own)``.

    Args:
        rows: (R, K) distributions; row r belongs to class r modulo K.
        row, own, flip, pick: (N,).
    """
    at = np.flatnonzero(flip < (1 - own_probability(rows))[row])
    drawn = own.copy()
    drawn[at] = draw_other(rows, row[at], pick[at])
    return drawn


def own_probability(rows: np.ndarray) -> np.ndarray:
    """(R,) probability that row r gives its own class, r modulo K."""
    at = np.arange(len(rows))
    found: np.ndarray = rows[at, at % rows.shape[1]]
    return found


def draw_other(rows: np.ndarray, row: np.ndarray, pick: np.ndarray) -> np.ndarray:
    """(N,) wrong classes, drawn from the rest of ``rows[row]`` by inverting its cumulative sum at ``pick``.

    All rows are inverted with one sorted search over their concatenation.
    """
    k = rows.shape[1]
    others = rows * (1 - np.eye(k))[np.arange(len(rows)) % k]
    mass = others.sum(1, keepdims=True)
    cumulative = np.cumsum(others / np.where(mass > 0, mass, 1), axis=1)
    cumulative[:, -1] = 1.0
    edges = (cumulative + np.arange(len(rows))[:, None]).reshape(-1)
    found = np.searchsorted(edges, row + pick, side="right") - row * k
    return np.minimum(found, k - 1)  # row + pick may round up to the next row
