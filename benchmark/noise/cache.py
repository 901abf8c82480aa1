"""Corrupted labels, kept as verified artifacts ``<cache>/noise/<key>.npz``.

The key is the digest of the right labels, the recipe with its version, the seed, and the features if the generator uses them.
"""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import fields
from pathlib import Path
from typing import Any

import numpy as np
import torch

from benchmark.artifacts import Arrays, Manifest, kept
from benchmark.config import build
from benchmark.errors import ConfigError
from benchmark.identity import digest
from benchmark.noise.base import Context, Noise, Streams
from benchmark.types import Corruption, Examples, Task

FIELDS: tuple[Any, ...] = tuple(f.name for f in fields(Corruption))


def pool_of(task: Task) -> Examples:
    """The examples that noise corrupts: training and, where the task has its own, validation."""
    if task.val is None:
        return task.train
    return Examples(torch.cat([task.train.x, task.val.x]), np.concatenate([task.train.y, task.val.y]))


def corrupt(task: Task, config: Mapping[str, Any], seed: int, cache: Path) -> tuple[Corruption, dict[str, Any]]:
    """Noisy labels of a task's pool and their manifest, from the cache or built now."""
    noise: Noise = build(config, "noise")
    labels = task.problem.labels(pool_of(task).y)
    if task.problem.name not in noise.problems:
        raise ConfigError(f"noise {type(noise).__name__} serves {', '.join(sorted(noise.problems))}; {task.name} is {task.problem.name}")
    context = Context(
        annotations={name: task.problem.labels(y).value for name, y in task.annotations.items()} if "annotations" in noise.needs else {},
        features=task.features() if "features" in noise.needs and task.features is not None else None,
    )
    recipe = {"config": dict(config), "version": noise.version, "seed": seed, "kind": labels.kind}
    meaning = [labels.problem, labels.num_classes, labels.width, *labels.names, *context.annotations]
    inputs = [meaning, labels.value, labels.live, *context.annotations.values(), *([] if context.features is None else [context.features])]
    key = digest(recipe, *inputs)

    def make() -> tuple[Arrays, Manifest]:
        made = noise(labels, Streams(labels, seed), context)
        arrays = {name: getattr(made, name) for name in FIELDS}
        manifest = {"recipe": recipe, "nominal_rate": noise.nominal_rate(), "observed": digest(made.observed)}
        return {name: value for name, value in arrays.items() if value is not None}, manifest

    arrays, manifest = kept(cache / "noise" / f"{key}.npz", make)
    fields_of: dict[str, Any] = {name: arrays.get(name) for name in FIELDS}
    return Corruption(**fields_of), manifest
