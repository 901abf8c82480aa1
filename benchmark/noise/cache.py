"""Corrupted labels, kept by content: ``<cache>/noise/<key>.npz`` with a json manifest, verified on every load.

The key is the digest of the right labels, the recipe with its version, the seed, and the features if the
generator uses them. Two processes that build the same artefact write the same bytes; one of them wins.
"""

from __future__ import annotations

import hashlib
import io
import json
import logging
from collections.abc import Mapping
from dataclasses import fields, replace
from pathlib import Path
from typing import Any

import numpy as np
import torch

from benchmark.config import build
from benchmark.errors import ConfigError
from benchmark.files import write_atomically
from benchmark.identity import digest
from benchmark.noise.base import Context, Noise, Streams
from benchmark.types import Corruption, Examples, Task

log = logging.getLogger(__name__)
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
    path = cache / "noise" / f"{key}.npz"
    found = _read(path)
    if found is None:
        found = _write(path, noise(labels, Streams(labels, seed), context), recipe, noise.nominal_rate())
    return found if task.clean else (_observed_only(task, found[0]), found[1])


def _observed_only(task: Task, made: Corruption) -> Corruption:
    """The labels of a task that has no right ones: what a generator takes for right is only what was observed.

    Raises:
        ConfigError: the generator changed labels.
    """
    if not np.array_equal(made.observed, made.clean, equal_nan=made.observed.dtype.kind == "f"):  # type: ignore[arg-type]
        raise ConfigError(f"{task.name} has observed labels only, to which no noise is added: use noise=recorded, or name right labels with task.clean=")
    return replace(made, clean=None, transition=None)


def _read(path: Path) -> tuple[Corruption, dict[str, Any]] | None:
    try:
        content, manifest = path.read_bytes(), json.loads(path.with_suffix(".json").read_text(encoding="utf8"))
    except FileNotFoundError:
        return None
    except ValueError:
        content, manifest = b"", {}
    if hashlib.sha256(content).hexdigest() != manifest.get("sha256"):
        log.warning("%s was altered (its hash differs from its manifest): built again", path)
        return None
    with np.load(io.BytesIO(content), allow_pickle=False) as arrays:
        return Corruption(**{name: arrays.get(name) for name in FIELDS}), manifest


def _write(path: Path, made: Corruption, recipe: dict[str, Any], nominal_rate: float | None) -> tuple[Corruption, dict[str, Any]]:
    buffer = io.BytesIO()
    arrays = {name: getattr(made, name) for name in FIELDS}
    np.savez(buffer, **{name: value for name, value in arrays.items() if value is not None})
    content = buffer.getvalue()
    manifest = {"recipe": recipe, "sha256": hashlib.sha256(content).hexdigest(), "nominal_rate": nominal_rate, "observed": digest(made.observed)}
    path.parent.mkdir(parents=True, exist_ok=True)
    write_atomically(path, content)
    write_atomically(path.with_suffix(".json"), json.dumps(manifest, indent=1).encode())
    return made, manifest
