"""Class-conditional noise on tokens that keeps IOB2 tags valid."""

from __future__ import annotations

from pathlib import Path

import numpy as np

from benchmark.core.errors import ConfigError, choices
from benchmark.core.types import Corruption, Labels
from benchmark.data.tags import Tagset, tagset
from benchmark.noise.base import Context, Noise, check_rate, checked_transition, corruption, flip_rows, realised_transition
from benchmark.noise.class_conditional import Symmetric
from benchmark.noise.streams import Streams
from benchmark.noise.transition import read_matrix


class BioTransition(Noise):
    """Tokens are drawn from left to right from T[right tag], among the tags that may follow the tag that was given before.

    The simulated noise of NoiseBench (Merdjanovska et al., 2024, arXiv:2405.07609): after O or at the start no I-; after B-t or I-t an I- of
    type t only; the rest of the row is renormalised. T: ``matrix`` (rows or a file), or measured between right and recorded tags
    (``set``), or symmetric with ``rate``. Broken boundaries make the share of wrong entities much larger than that of wrong tokens.
    The released simulation uses an unseeded generator.
    """

    family = "token or span"
    problems = frozenset({"tagging"})
    not_nested = "a token that changes can change what the next one may be"

    def __init__(self, rate: float = 0.1, matrix: str | list[list[float]] | None = None, set: str | None = None) -> None:
        self.rate, self.matrix, self.set = check_rate(rate, "noise.rate"), matrix, set
        self.needs = frozenset({"annotations"}) if set is not None else frozenset()  # type: ignore[misc]

    def __call__(self, labels: Labels, streams: Streams, context: Context) -> Corruption:
        """One vectorised draw per position. ``true_transition`` is T before the constraint."""
        tags, matrix = tagset(labels.names), self._matrix(labels, context)
        k, width = labels.num_classes, labels.width
        rows = constrained(matrix, tags)
        value, live, flip, pick = (array.reshape(-1, width) for array in (labels.value, labels.live, streams["flip"], streams["pick"]))
        observed, before = value.copy(), np.full(len(value), tags.outside)
        for position in range(width):
            at = np.flatnonzero(live[:, position])
            own = value[at, position]
            observed[at, position] = flip_rows(rows, before[at] * k + own, own, flip[at, position], pick[at, position])
            before = np.where(live[:, position], observed[:, position], tags.outside)
        return corruption(labels, observed.reshape(-1), true_transition=matrix[None])

    def _matrix(self, labels: Labels, context: Context) -> np.ndarray:
        if self.matrix is not None:
            return checked_transition(read_matrix(self.matrix, "noise.matrix"), labels.num_classes)[0]
        if self.set is None:
            return Symmetric(self.rate).transition(labels)
        if self.set not in context.annotations:
            raise ConfigError(f"noise.set={self.set!r} is not recorded for this task: {choices(self.set, context.annotations)}")
        return realised_transition(labels, context.annotations[self.set])[0]

    def nominal_rate(self) -> float | None:
        """That of the symmetric matrix."""
        return self.rate if self.matrix is None and self.set is None else None

    def files(self) -> tuple[Path, ...]:
        """The matrix file."""
        return (Path(self.matrix),) if isinstance(self.matrix, str) else ()


def constrained(matrix: np.ndarray, tags: Tagset) -> np.ndarray:
    """(K K, K): row ``before * K + right`` is T[right] among the tags that may follow ``before``; O where nothing of it may."""
    k = len(matrix)
    inside = ~tags.starts & (tags.kind >= 0)
    allowed = ~inside[None] | (tags.kind[:, None] == tags.kind[None])  # I-t after B-t or I-t only
    rows = matrix[None] * allowed[:, None]
    mass = rows.sum(2, keepdims=True)
    filled = np.where(mass > 0, rows / np.where(mass > 0, mass, 1), np.eye(k)[tags.outside])
    return filled.reshape(k * k, k)
