"""What every noise generator shares: random streams keyed by unit id, and flips from a transition matrix.

A generator is a pure function of flat labels, streams and what it declares in ``needs``. Two streams
are enough for label flips: ``flip`` decides whether a unit is wrong (``flip < rate``), ``pick`` decides
which wrong label it gets. Both depend on the seed and the unit id alone (common random numbers), hence
the mistakes at 20 % are a subset of those at 40 %, with the same wrong labels.
"""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass, field
from typing import Any, ClassVar

import numpy as np

from benchmark.errors import ConfigError
from benchmark.identity import seed_for, stream
from benchmark.types import Corruption, Labels


class Streams:
    """Uniform numbers per unit, one stream per name: ``streams["flip"]`` is (N,) in [0, 1)."""

    def __init__(self, labels: Labels, *axes: Any) -> None:
        self._ids = labels.group * labels.width + labels.column
        self._axes = axes
        self._drawn: dict[str, np.ndarray] = {}

    def __getitem__(self, name: str) -> np.ndarray:
        if name not in self._drawn:
            self._drawn[name] = stream(self._ids, "noise", name, *self._axes)
        return self._drawn[name]

    def generator(self, name: str) -> np.random.Generator:
        """For what is drawn once per data set (a matrix, a projection), not per unit."""
        return np.random.Generator(np.random.Philox(key=seed_for("noise", name, *self._axes)))


@dataclass(frozen=True)
class Context:
    """What a generator asked for in ``needs``, and nothing else."""

    annotations: Mapping[str, np.ndarray] = field(default_factory=dict)  # name -> (N,) flat labels
    features: np.ndarray | None = None


class Noise:
    """Base of the generators: the constructor stores, the call corrupts."""

    problems: ClassVar[frozenset[str]] = frozenset({"multiclass", "tagging", "multilabel", "regression"})
    needs: ClassVar[frozenset[str]] = frozenset()
    version: ClassVar[int] = 1

    def __call__(self, labels: Labels, streams: Streams, context: Context) -> Corruption:
        """Corrupt ``labels``. Units that are not live keep their value."""
        raise NotImplementedError

    def nominal_rate(self) -> float | None:
        """The rate that was asked for, where the generator has one."""
        return getattr(self, "rate", None)


def check_rate(rate: float, where: str, most: float = 1.0) -> float:
    """A rate in [0, most]; 0 is legal and means clean.

    Raises:
        ConfigError: outside the range, or not a number.
    """
    if isinstance(rate, bool) or not isinstance(rate, int | float) or not 0 <= rate <= most:
        raise ConfigError(f"{where}={rate!r} is outside [0, {most:g}]; 0 means clean")
    return float(rate)


def corruption(labels: Labels, observed: np.ndarray, **extra: Any) -> Corruption:
    """A ``Corruption`` that keeps every example in place. Fills in the realised transition matrix."""
    observed = np.where(labels.live, observed, labels.value)
    examples = int(labels.group.max()) + 1 if len(labels.group) else 0
    return Corruption(
        observed=observed,
        source=np.arange(examples),
        foreign=np.full(examples, -1),
        clean=labels.value,
        transition=realised_transition(labels, observed) if labels.kind == "categorical" else None,
        **extra,
    )


def realised_transition(labels: Labels, observed: np.ndarray) -> np.ndarray:
    """T[l, i, j] = share of live units with right class i that carry j: (L, K, K), L = labels of a multi-label task, else 1.

    A class without a unit gets the identity row.
    """
    k = labels.num_classes
    layers = labels.width if labels.problem == "multilabel" else 1
    layer = labels.column if layers > 1 else np.zeros_like(labels.column)
    live = labels.live & (labels.value >= 0) & (observed >= 0)
    flat = (layer[live] * k + labels.value[live]) * k + observed[live]
    counts = np.bincount(flat, minlength=layers * k * k).reshape(layers, k, k).astype(float)
    total = counts.sum(2, keepdims=True)
    return np.where(total > 0, counts / np.maximum(total, 1), np.eye(k))


def flip_by_transition(labels: Labels, transition: np.ndarray, streams: Streams) -> np.ndarray:
    """Observed labels under class-conditional noise.

    Args:
        labels: categorical.
        transition: (K, K) or (L, K, K), rows are distributions: T[i, j] = P(observed = j | right = i).

    A unit flips when ``flip < 1 - T[y, y]``; the wrong class is drawn from the rest of the row by inverting
    its cumulative sum at ``pick``. All rows are inverted with one sorted search over their concatenation.

    Raises:
        ConfigError: negative entries, or rows that do not sum to one.
    """
    matrix = np.asarray(transition, dtype=float)
    matrix = matrix[None] if matrix.ndim == 2 else matrix
    k = labels.num_classes
    if matrix.shape[1:] != (k, k):
        raise ConfigError(f"transition matrix has shape {matrix.shape[1:]}, the labels have {k} classes: give a {k} x {k} matrix")
    if len(matrix) not in (1, labels.width):
        raise ConfigError(f"transition has {len(matrix)} matrices, the task has {labels.width} labels: give one, or one for each")
    if not np.isfinite(matrix).all() or (matrix < 0).any():
        raise ConfigError("transition matrix has a negative or undefined entry; every entry is a probability")
    sums = matrix.sum(2)
    if np.abs(sums - 1).max() > 1e-6:
        worst = np.unravel_index(np.abs(sums - 1).argmax(), sums.shape)
        raise ConfigError(f"transition matrix row {worst[1]} sums to {sums[worst]:.6g}, not 1")
    stay = np.diagonal(matrix, axis1=1, axis2=2).reshape(-1)
    row = labels.value + (k * labels.column if len(matrix) > 1 else 0)
    observed = labels.value.copy()
    at = np.flatnonzero(labels.live & (labels.value >= 0))
    at = at[streams["flip"][at] < 1 - stay[row[at]]]
    wrong = matrix * (1 - np.eye(k))
    mass = wrong.sum(2, keepdims=True)
    cumulative = np.cumsum(wrong / np.where(mass > 0, mass, 1), axis=2).reshape(-1, k)
    cumulative[:, -1] = 1.0
    edges = (cumulative + np.arange(len(cumulative))[:, None]).reshape(-1)
    found = np.searchsorted(edges, row[at] + streams["pick"][at], side="right")
    observed[at] = np.minimum(found - row[at] * k, k - 1)  # row + pick may round up to the next row
    return observed
