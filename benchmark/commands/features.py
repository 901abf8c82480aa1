"""``make features``: the features of a task's images, computed once."""

from __future__ import annotations

import time
from collections.abc import Sequence

from benchmark.config.build import build, load_task_arguments
from benchmark.config.grid import parse, resolve
from benchmark.config.options import options_of
from benchmark.core.errors import ConfigError
from benchmark.core.types import Task
from benchmark.models.features import encoded, encoder


def compute(arguments: Sequence[str] = ()) -> int:
    """``features task=cifar10n encoder=efficientnet_lite0 [paths.KEY=]``: compute what is missing and say where it is.

    Raises:
        ConfigError: unknown words, task or encoder, or a task without images.
    """
    own, paths, rest = options_of(arguments, task="", encoder="")
    if rest or not own["task"] or not own["encoder"]:
        raise ConfigError(f"features does not know {rest[0]!r}: give task= and encoder=" if rest else "features needs task= and encoder=")
    by = encoder(own["encoder"])
    config = resolve("task", tuple(parse("task", own["task"])))[1]
    task: Task = build(load_task_arguments(config), "task", paths=paths)
    if task.train.x.dim() != 4:
        raise ConfigError(f"task {task.name} has no images to encode")
    for name, side in (("training", task.train), ("validation", task.val), ("test", task.test)):
        if side is not None:
            start = time.perf_counter()
            found = encoded(side.x, by, paths.cache, progress=lambda done, name=name, side=side: print(f"\r{name}: {done} of {len(side)}", end="", flush=True))  # type: ignore[misc]
            print(f" images, {found.shape[1]} features each, {time.perf_counter() - start:.0f} s")
    print(f"kept in {paths.cache / 'features'}; use them with task.features={own['encoder']} model=linear")
    return 0
