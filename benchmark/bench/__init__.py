"""``make bench``: speed and memory against their aims, the table of docs/performance.md."""

from __future__ import annotations

from collections.abc import Callable, Iterator, Sequence

from benchmark.core.errors import ConfigError, choices


def bench(arguments: Sequence[str] = ()) -> int:
    """Measure everything, or the groups named, and print a markdown table.

    Raises:
        ConfigError: no such group.
    """
    from benchmark.bench.board import board, page
    from benchmark.bench.engine import engine
    from benchmark.bench.logger import logger
    from benchmark.bench.methods import seconds_of_passes
    from benchmark.bench.multilabel import growth_in_labels
    from benchmark.bench.noise import noise_speed
    from benchmark.bench.regression import regression
    from benchmark.bench.text import text
    from benchmark.bench.timing import Measurement
    from benchmark.bench.training import finished_sweep, step_overhead, worker_memory
    from benchmark.bench.vision import vision

    known: dict[str, Callable[[], Iterator[Measurement]]] = {
        "step": step_overhead,
        "sweep": finished_sweep,
        "memory": worker_memory,
        "engine": engine,
        "board": board,
        "page": page,
        "logger": logger,
        "noise": noise_speed,
        "methods": seconds_of_passes,
        "regression": regression,
        "vision": vision,
        "text": text,
        "labels": growth_in_labels,
    }
    for name in arguments:
        if name not in known:
            raise ConfigError(f"bench {name!r} is unknown: {choices(name, known)}")
    print("| what | measured | aim |\n|---|---|---|")
    for measure in [known[name] for name in arguments] or known.values():
        for what, value, aim in measure():
            print(f"| {what} | {value} | {aim} |", flush=True)
    return 0
