"""A reproducible benchmark suite for learning with noisy labels, across modalities.

>>> import benchmark
>>> benchmark.load_method("gce", q=0.5).q
0.5
"""

from __future__ import annotations

import importlib
from typing import Any

__all__ = ["load_method", "load_noise", "load_task", "run"]


def __getattr__(name: str) -> Any:
    """The functions of ``benchmark.api``, imported when they are first asked for: every start of the suite imports this file."""
    if name not in __all__:
        raise AttributeError(f"module 'benchmark' has no attribute {name!r}")
    return getattr(importlib.import_module("benchmark.api"), name)
