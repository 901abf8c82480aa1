"""Grids of a few cells, and what of them a test looks at."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from typing import Any

from benchmark.config.grid import Grid, expand

GIVEN = {"task": "digits", "noise": "clean", "method": "erm", "trainer": "quick"}


PRODUCTS: list[dict[str, Any]] = [
    {"task": "digits", "noise": ["clean", "symmetric(rate=0.4)"], "method": ["erm", "gce"]},
    {"task": "diamonds", "noise": ["clean", "gaussian"], "method": ["erm", "huber"], "trainer": "quick(epochs=5, lr=0.01)"},
]


def grid(products: Sequence[Mapping[str, Any]] = PRODUCTS, *, extra: Sequence[str] = (), given: Mapping[str, str] = GIVEN, **narrow: str | list[str]) -> Grid:
    return expand(products, {axis: [entry] if isinstance(entry, str) else entry for axis, entry in narrow.items()}, given, extra)


def shown(found: Grid, *axes: str) -> list[str]:
    return [" ".join(made.labels[axis] for axis in axes or ("task", "noise", "method")) for made in found.cells]
