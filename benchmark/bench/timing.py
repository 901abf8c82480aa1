"""How things are timed: ratios in one process, so that a busy machine slows both sides."""

from __future__ import annotations

import time
from collections.abc import Callable
from statistics import median

Measurement = tuple[str, str, str]  # what, measured, aim


def seconds(run: Callable[[], object]) -> float:
    """Wall time of a call."""
    start = time.perf_counter()
    run()
    return time.perf_counter() - start


def ratio(first: Callable[[], None], second: Callable[[], None], repeats: int = 7) -> float:
    """Median of time(first) / time(second) over alternating runs: a shared machine slows both alike."""
    for warm_up in (first, second):
        warm_up()
    return median(seconds(first) / seconds(second) for _ in range(repeats))
