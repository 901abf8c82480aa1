"""Corrupted labels, kept by content: ``<cache>/noise/<key>.npz`` with a json manifest, verified on every load.

The key is the digest of the right labels, the recipe with its version, the seed, and of whatever else the
generator reads: recorded labels, features, words, files. Two processes that build the same artefact write the same bytes; one of them wins.
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
from benchmark.splits import foreign_inputs
from benchmark.types import Corruption, Examples, Task

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
    recipe = {"config": dict(config), "version": noise.version, "seed": seed, "kind": labels.kind}
    meaning = [labels.problem, labels.num_classes, labels.width, *labels.names, *context.annotations, context.foreign]
    read = [array for array in (context.features, context.tokens) if array is not None]
    inputs = [meaning, labels.value, labels.live, *context.annotations.values(), *read, *(path.read_bytes() for path in noise.files() if path.is_file())]
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
    recorded = {name: task.problem.labels(y).value for name, y in task.annotations.items()} if "annotations" in noise.needs else {}
    return Context(recorded, features, tokens, len(foreign_inputs(task, pool)) if "foreign" in noise.needs else 0)


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
        return Corruption(**{name: arrays.get(name) for name in FIELDS}, statistics=manifest["statistics"]), manifest


def _write(path: Path, made: Corruption, recipe: dict[str, Any], nominal_rate: float | None) -> tuple[Corruption, dict[str, Any]]:
    buffer = io.BytesIO()
    arrays = {name: getattr(made, name) for name in FIELDS}
    np.savez(buffer, **{name: value for name, value in arrays.items() if value is not None})
    content = buffer.getvalue()
    manifest = {
        "recipe": recipe,
        "sha256": hashlib.sha256(content).hexdigest(),
        "nominal_rate": nominal_rate,
        "observed": digest(made.observed),
        "statistics": dict(made.statistics),
    }
    if "warning" in made.statistics:
        log.warning("%s", made.statistics["warning"])
    path.parent.mkdir(parents=True, exist_ok=True)
    write_atomically(path, content)
    write_atomically(path.with_suffix(".json"), json.dumps(manifest, indent=1).encode())
    return made, manifest
