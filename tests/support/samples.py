"""Noise that chooses which examples stand in the data."""

from __future__ import annotations

from benchmark.api import load_noise
from benchmark.core.types import Corruption, Labels
from benchmark.noise.base import Context
from benchmark.noise.streams import Streams


def made(name: str, labels: Labels, seed: int = 0, **options: object) -> Corruption:
    return load_noise(name, **options)(labels, Streams(labels, seed), Context(foreign=50))
