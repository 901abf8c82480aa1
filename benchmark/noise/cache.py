"""Corrupted labels, kept as verified artifacts ``<cache>/noise/<key>.npz``.

The key is the digest of the right labels, the recipe with its version, the seed, and of whatever else the
generator reads: recorded labels, features, words, files.
"""

from __future__ import annotations

import logging
from collections.abc import Mapping
from dataclasses import fields, replace
from pathlib import Path
from typing import Any

import numpy as np
import torch

from benchmark.config.build import build
from benchmark.config.identity import contents_of, plugin_identity
from benchmark.core.artifacts import Arrays, Manifest, kept
from benchmark.core.digests import digest
from benchmark.core.errors import ConfigError
from benchmark.core.types import Corruption, Examples, Task
from benchmark.data.splits import foreign_inputs
from benchmark.noise.base import Context, Noise
from benchmark.noise.streams import Streams

log = logging.getLogger(__name__)
FIELDS: tuple[Any, ...] = tuple(f.name for f in fields(Corruption) if f.name != "statistics")


def pool_of(task: Task) -> Examples:
    """The examples that noise corrupts: training and, where the task has its own, validation."""
    if task.val is None:
        return task.train
    return Examples(torch.cat([task.train.x, task.val.x]), np.concatenate([task.train.y, task.val.y]))


def corrupt(task: Task, config: Mapping[str, Any], seed: int, cache: Path) -> tuple[Corruption, dict[str, Any]]:
    """Noisy labels of a task's pool and their manifest, from the cache or built now."""
    noise: Noise = build(config, "noise")
    pool = pool_of(task)
    labels = task.problem.labels(pool.y)
    if task.problem.name not in noise.problems:
        raise ConfigError(f"noise {type(noise).__name__} serves {', '.join(sorted(noise.problems))}; {task.name} is {task.problem.name}")
    context = context_for(noise, task, pool)
    recipe = {"noise": plugin_identity("noise", config, contents_of({"noise": config}, Path())), "seed": seed, "kind": labels.kind}
    meaning = [labels.problem, labels.num_classes, labels.width, *labels.names, *context.annotations, context.foreign, *context.annotators]
    read = [array for array in (context.features, context.tokens) if array is not None]
    inputs = [meaning, labels.value, labels.live, *context.annotations.values(), *read, *(path.read_bytes() for path in noise.files() if path.is_file())]
    key = digest(recipe, *inputs)

    def make() -> tuple[Arrays, Manifest]:
        made = noise(labels, Streams(labels, seed), context)
        arrays = {name: getattr(made, name) for name in FIELDS}
        manifest = {"recipe": recipe, "nominal_rate": noise.nominal_rate(), "observed": digest(made.observed), "statistics": dict(made.statistics)}
        if "warning" in made.statistics:
            log.warning("%s", made.statistics["warning"])
        return {name: value for name, value in arrays.items() if value is not None}, manifest

    arrays, manifest = kept(cache / "noise" / f"{key}.npz", make)
    fields_of: dict[str, Any] = {name: arrays.get(name) for name in FIELDS}
    found = Corruption(**fields_of, statistics=manifest["statistics"])
    return found if task.clean else _observed_only(task, found), manifest


def _observed_only(task: Task, made: Corruption) -> Corruption:
    """The labels of a task that has no right ones: what a generator takes for right is only what was observed.

    Raises:
        ConfigError: the generator changed labels.
    """
    if not np.array_equal(made.observed, made.clean, equal_nan=made.observed.dtype.kind == "f"):  # type: ignore[arg-type]
        raise ConfigError(f"{task.name} has observed labels only, to which no noise is added: use noise=recorded, or name right labels with task.clean=")
    return replace(made, clean=None, transition=None)


def context_for(noise: Noise, task: Task, pool: Examples) -> Context:
    """What ``noise`` declares in ``needs``, from what the task brings.

    Raises:
        ConfigError: the task has no such thing.
    """
    dense = pool.x.is_floating_point() or pool.x.dtype == torch.uint8
    features = tokens = None
    if "features" in noise.needs:
        if task.features is None and not dense:
            raise ConfigError(f"noise {type(noise).__name__} depends on features, which {task.name} does not have: take noise that depends on labels alone")
        features = task.features() if task.features is not None else pool.x.flatten(1).numpy()
        if len(features) != len(pool):
            raise ConfigError(f"{task.name} has {len(pool)} examples, but features of {len(features)}: correct the task's features()")
    if "tokens" in noise.needs:
        if dense or pool.x.ndim != 3:
            raise ConfigError(f"noise {type(noise).__name__} looks words up, and the inputs of {task.name} are no words")
        tokens = np.unique(pool.x.flatten(0, 1).numpy(), axis=0, return_inverse=True)[1].reshape(-1)
    reads = "annotations" in noise.needs
    recorded = {name: task.problem.labels(y).value for name, y in task.annotations.items()} if reads else {}
    foreign = len(foreign_inputs(task, pool)) if "foreign" in noise.needs else 0
    return Context(recorded, features, tokens, foreign, task.annotators if reads else ())
