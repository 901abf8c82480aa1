"""Labels of ten classes with pixels and probabilities, and noise on them."""

from __future__ import annotations

import functools
from typing import Any

import numpy as np

from benchmark.api import load_noise
from benchmark.core.types import Corruption, Labels
from benchmark.data.problems import Multiclass
from benchmark.noise.base import Context
from benchmark.noise.streams import Streams

K, N = 10, 3000


@functools.cache
def ten_classes() -> Labels:
    return Multiclass([str(i) for i in range(K)]).labels(np.arange(N) % K)


@functools.cache
def raw_pixels() -> np.ndarray:
    """Pixels 0..255 with what all images share, what a class shares, and noise."""
    rng = np.random.default_rng(0)
    shared, of_class = rng.normal(120, 20, 768), rng.normal(0, 15, (K, 768))
    pixels: np.ndarray = np.clip(shared + of_class[ten_classes().value] + rng.normal(0, 40, (N, 768)), 0, 255).astype(np.uint8)
    return pixels


@functools.cache
def drawn_probabilities() -> np.ndarray:
    probabilities: np.ndarray = np.random.default_rng(1).dirichlet(np.full(K, 0.3), N)
    return probabilities


def made(name: str, labels: Labels, features: np.ndarray | None = None, seed: int = 0, **options: Any) -> Corruption:
    return load_noise(name, **options)(labels, Streams(labels, seed), Context(features=features))
