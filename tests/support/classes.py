"""Balanced labels of classes, and noise on them."""

from __future__ import annotations

import numpy as np

from benchmark.core.types import Corruption, Labels
from benchmark.data.problems import Multiclass
from benchmark.noise.base import Context
from benchmark.noise.class_conditional import ClassConditional
from benchmark.noise.streams import Streams


def counts(labels: Labels, given: np.ndarray) -> np.ndarray:
    table = np.zeros((labels.num_classes, labels.num_classes), dtype=int)
    np.add.at(table, (labels.value, given), 1)
    return table


def balanced(names: tuple[str, ...], per_class: int) -> Labels:
    return Multiclass(names).labels(np.arange(len(names) * per_class) % len(names))


def made(noise: ClassConditional, labels: Labels, seed: int = 0) -> Corruption:
    return noise(labels, Streams(labels, seed), Context())
