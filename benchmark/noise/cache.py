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
from benchmark.core.answers import Answers
from benchmark.core.artifacts import Arrays, Manifest, kept
from benchmark.core.digests import digest
from benchmark.core.errors import ConfigError
from benchmark.core.types import Corruption, Examples, Labels, Task
from benchmark.data.splits import foreign_inputs
from benchmark.noise.base import Context, Noise, realised_transition
from benchmark.noise.streams import Streams

log = logging.getLogger(__name__)
ANSWERS = ("unit", "source", "label")  # arrays of ``Corruption.answers``, kept beside those of the corruption
FIELDS: tuple[Any, ...] = tuple(f.name for f in fields(Corruption) if f.name not in ("statistics", "answers", "known"))


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
    sources = () if context.answers is None else context.answers.names
    meaning = [labels.problem, labels.num_classes, labels.width, *labels.names, *context.annotations, context.foreign, *sources]
    read = [array for array in (context.features, context.tokens) if array is not None]
    if task.answers is not None:
        read += [task.answers.unit, task.answers.source, task.answers.label]
    inputs = [meaning, labels.value, labels.live, *context.annotations.values(), *read, *(path.read_bytes() for path in noise.files() if path.is_file())]
    key = digest(recipe, *inputs)

    def make() -> tuple[Arrays, Manifest]:
        made = noise(labels, Streams(labels, seed), context)
        arrays = {name: getattr(made, name) for name in FIELDS}
        if made.answers is not None:
            arrays |= {f"answers_{name}": getattr(made.answers, name) for name in ANSWERS}
            arrays["answers_names"] = np.array(made.answers.names, dtype=str)
        manifest = {"recipe": recipe, "nominal_rate": noise.nominal_rate(), "observed": digest(made.observed), "statistics": dict(made.statistics)}
        if "warning" in made.statistics:
            log.warning("%s", made.statistics["warning"])
        return {name: value for name, value in arrays.items() if value is not None}, manifest

    arrays, manifest = kept(cache / "noise" / f"{key}.npz", make)
    fields_of: dict[str, Any] = {name: arrays.get(name) for name in FIELDS}
    answers = None
    if "answers_unit" in arrays:
        unit, source, label = (arrays[f"answers_{name}"] for name in ANSWERS)
        answers = Answers(unit, source, label, tuple(arrays["answers_names"].tolist()))
    found = Corruption(**fields_of, answers=answers, statistics=manifest["statistics"])
    if task.known is not None:
        found = _partly_known(found, labels, task.known.reshape(-1))
    return found if task.clean else _observed_only(task, found), manifest


def _partly_known(made: Corruption, labels: Labels, known: np.ndarray) -> Corruption:
    """Return a corruption that says for which units its ground truth is known, its matrix taken over these.

    Args:
        known: (N,) bool, of the units before the noise.
    """
    units = (made.source[:, None] * labels.width + np.arange(labels.width)).reshape(-1)
    if labels.kind == "continuous" or made.clean is None:
        return replace(made, known=known[units])
    scored = replace(labels, value=made.clean, group=labels.group[units], column=labels.column[units], live=labels.live[units] & known[units])
    return replace(made, known=known[units], transition=realised_transition(scored, made.observed))


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
    return Context(recorded, features, tokens, foreign, _answers(task, recorded) if reads else None)


def _answers(task: Task, recorded: Mapping[str, np.ndarray]) -> Answers | None:
    """Return what single sources said of the units of a task's pool, however the task keeps it."""
    if task.answers is not None or not task.annotators:
        return task.answers
    return Answers.from_votes(np.stack([recorded[name] for name in task.annotators], axis=1), task.annotators)
