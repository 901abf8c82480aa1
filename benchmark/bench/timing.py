"""How things are timed: ratios in one process, so that a busy machine slows both sides."""

from __future__ import annotations

import time
from collections.abc import Callable
from statistics import median

Measurement = tuple[str, str, str]  # what, measured, aim


def seconds(run: Callable[[], object], clock: Callable[[], float] = time.perf_counter) -> float:
    """Time of a call by a clock: wall time, or the CPU time of this process (``time.process_time``)."""
    start = clock()
    run()
    return clock() - start


def ratio(first: Callable[[], None], second: Callable[[], None], repeats: int = 7, clock: Callable[[], float] = time.perf_counter) -> float:
    """Median of time(first) / time(second) over alternating runs: a shared machine slows both alike."""
    for warm_up in (first, second):
        warm_up()
    return median(seconds(first, clock) / seconds(second, clock) for _ in range(repeats))
