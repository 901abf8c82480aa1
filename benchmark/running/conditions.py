"""What every method of a cell shares for one seed: data, right labels, noise statistics, reference predictions."""

from __future__ import annotations

import functools
import json
from collections.abc import Mapping
from dataclasses import dataclass, field, replace
from pathlib import Path
from typing import Any

import numpy as np
import torch

from benchmark.config.build import build, construct, load_task_arguments, resolve_target
from benchmark.config.cells import Cell
from benchmark.config.code import plugin_places, source_digest
from benchmark.core import parallel
from benchmark.core.artifacts import kept
from benchmark.core.digests import digest
from benchmark.core.errors import ConfigError
from benchmark.core.files import sha256_of
from benchmark.core.paths import Paths
from benchmark.core.seeds import Seed, stream
from benchmark.core.types import Labels, Task
from benchmark.data.splits import TrainingData, Truth, assemble
from benchmark.measures.evaluation import side
from benchmark.measures.label_errors import Side, detection, known
from benchmark.measures.strength import NO_RATE, noise_strength, systematic_share
from benchmark.methods.step import Passes
from benchmark.models.features import check_model, encoder, with_features
from benchmark.noise.base import flip_by_transition, realised_transition
from benchmark.noise.cache import corrupt, pool_of
from benchmark.noise.streams import Streams
from benchmark.training.recipe import Recipe, SideTrainings, input_shape, out_of_fold
from benchmark.training.trainer import TrainerSettings

TRUSTED = 0.05  # share of the training examples whose right labels a method with a trusted set gets


@dataclass(frozen=True)
class Conditions:
    """Shared by all methods. ``declared`` holds whatever a method may ask for in ``needs``."""

    task: Task
    data: TrainingData
    truth: Truth
    recipe: Recipe
    declared: Mapping[str, Any]
    noise_stats: Mapping[str, Any]
    reference: Mapping[str, float]
    digests: Mapping[str, str]
    files: Mapping[str, str] = field(default_factory=dict)  # what task, noise and network read, with its sha256


@functools.lru_cache(maxsize=4)
def _task(config: str, paths: Paths) -> Task:
    content = json.loads(config)
    task: Task = build(load_task_arguments(content), "task", paths=paths)
    if task.problem.name != content["problem"]:
        raise ConfigError(f"task.problem={content['problem']}, but {task.name} is {task.problem.name}: leave task.problem out, or correct conf/task")
    return task


@functools.lru_cache(maxsize=2)
def _encoded(config: str, features: str | None, noise_features: str | None, paths: Paths) -> Task:
    return with_features(_task(config, paths), features, noise_features, paths.cache)


def load_task(config: Mapping[str, Any], paths: Paths) -> Task:
    """The task of a configuration; kept per process, because sweeps vary task and noise slowest."""
    content = json.dumps({"problem": config["problem"]} | load_task_arguments(config), sort_keys=True)
    features, noise_features = (config.get(key) for key in ("features", "noise_features"))
    return _encoded(content, features, noise_features, paths) if features or noise_features else _task(content, paths)


def conditions_for(cell: Cell, seed: Seed, paths: Paths) -> Conditions:
    """Return the conditions of a cell and seed; the last few are kept, because a sweep's next method needs the same ones."""
    config = {axis: cell.config[axis] for axis in ("task", "noise", "model", "trainer")}
    return _conditions(json.dumps(config, sort_keys=True), seed, paths)


@functools.lru_cache(maxsize=4)
def _conditions(config: str, seed: Seed, paths: Paths) -> Conditions:
    content = json.loads(config)
    check_model(content["task"].get("noise_features"), content["model"])
    task = load_task(content["task"], paths)
    if not build(content["noise"], "noise").recorded:
        task = replace(task, privileged=None)  # nobody gave these labels
    pool = pool_of(task)
    made, manifest = corrupt(task, content["noise"], seed[1], paths.cache)
    data, truth = assemble(task, pool, made, seed=seed[0], subset=content["task"]["subset"], rows=content["task"]["rows"])
    settings = construct(TrainerSettings, content["trainer"], "trainer")
    assert isinstance(settings, TrainerSettings)
    recipe = Recipe(content["model"], input_shape(pool.x, task.test.x, surfaces=task.surfaces), settings, seed[2])
    data = data.to(settings.device)
    digests = {
        "test_digest": digest(task.test.x, task.test.y),
        "train_digest": digest([digest(block) for block in data.train.blocks()], data.train.value, data.train.live),
        "noise_digest": manifest["observed"],
    }
    files = {**task.files, **_read_beside(content)}
    digests |= {f"{key}_digest": encoder(name).identity() for key in ("features", "noise_features") if (name := content["task"].get(key))}
    if truth.train is None:
        return Conditions(task, data, truth, recipe, extra_needs(data), {"test_labels": task.test_labels}, {}, digests, files)
    train = side(data, data.train, truth.train, np.zeros(0))
    labels = Labels(
        train.right,
        data.train.observed().group.numpy(),
        train.column,
        train.live,
        data.problem.kind,
        data.problem.num_classes,
        data.problem.names,
        data.problem.name,
    )
    stats = {"nominal_rate": manifest["nominal_rate"]} | noise_strength(data.problem, labels, train.given)
    reference: dict[str, float] = {}
    if settings.reference_folds:
        key = digest(content["model"], content["trainer"], seed, *digests.values(), *files.values(), source_digest(plugin_places(content["model"]["_target_"])))
        folds = _out_of_fold(recipe, data, settings, seed, paths.cache / "reference" / f"{key}.npz")
        stats["systematic_share"], reference = _reference(data, labels, train, folds, seed)
    return Conditions(
        task, data, truth, recipe, declared_needs(data, labels, train.given, made.transition) | extra_needs(data), stats, reference, digests, files
    )


def _read_beside(content: Mapping[str, Any]) -> dict[str, str]:
    """The files that noise and network read, as the row names them: another content is another run."""
    model = content["model"]
    named = (model.get(option) for option in resolve_target(model, "model").files)
    paths = [*build(content["noise"], "noise").files(), *(Path(name).expanduser() for name in named if name)]
    return {str(path): sha256_of(path) for path in paths if path.exists()}


def _out_of_fold(recipe: Recipe, data: TrainingData, settings: TrainerSettings, seed: Seed, path: Path) -> np.ndarray:
    """Out-of-fold predictions of erm for the training units, kept on disk: they belong to no method."""

    def make() -> tuple[dict[str, np.ndarray], dict[str, Any]]:
        fit = SideTrainings(recipe, data, settings.epochs, Passes.zeros(1))
        return {"predictions": out_of_fold(fit, data, settings.reference_folds, seed[2]).cpu().double().numpy()}, {}

    there = parallel.agreed(path.with_suffix(".json").exists())  # another sweep may write it now, and one process must not train alone
    return kept(path, make, anew=not there)[0]["predictions"]


def _reference(data: TrainingData, labels: Labels, train: Side, folds: np.ndarray, seed: Seed) -> tuple[float | None, dict[str, float]]:
    """Systematic share of the noise, and detection by the out-of-fold loss of erm: the reference detector."""
    given = train.given
    if data.problem.kind == "continuous":
        suspicion, psi = np.abs(folds[:, 0] * data.scale + data.center - given), None
    else:
        at = np.arange(len(given))
        suspicion = -np.log(np.clip(folds[at, np.maximum(given, 0)], 1e-12, None))
        known_labels = Labels(**{**labels.__dict__, "live": labels.live & known(labels.value)})
        redrawn = flip_by_transition(known_labels, realised_transition(labels, given), Streams(labels, "redrawn", seed[1]))
        psi = systematic_share(data.problem, folds.argmax(1), labels, given, redrawn)
    return psi, detection(data.problem, suspicion, train)


def extra_needs(data: TrainingData) -> dict[str, Any]:
    """Return needs that the task or the noise brings along: privileged (N, A), candidates and soft (num_units, K), votes as ``Answers``."""
    extras: dict[str, Any] = {name: value if name == "privileged" else value.flatten(0, 1) for name, value in data.train.extras.items()}
    return extras if data.train.answers is None else extras | {"votes": data.train.answers}


def declared_needs(data: TrainingData, labels: Labels, given: np.ndarray, transition: np.ndarray | None) -> dict[str, Any]:
    """What methods may declare as a need.

    noise_rate (C, K) per column and observed class, transition (L, K, K), trusted (num_units,): the right labels of a twentieth of the
    examples, drawn by their position, -1 elsewhere, and right (num_units,): those of all.
    """
    live = labels.live & known(labels.value)
    if data.problem.kind == "continuous":
        # Where the noise has no rate (Gaussian), the share beyond an eighth of the range stands for it.
        error = np.abs(given - labels.value)[live]
        rate = float((error > 0).mean())
        soft = float((error > np.ptp(labels.value[live]) / 8).mean())
        return {"noise_rate": torch.tensor([[soft if rate > NO_RATE else rate]])}
    k, columns = labels.num_classes, labels.width if data.problem.name == "multilabel" else 1
    cell = (labels.column if columns > 1 else 0) * k + given
    total = np.bincount(cell[live], minlength=columns * k)
    wrong = np.bincount(cell[live & (given != labels.value)], minlength=columns * k)
    rate_table = torch.from_numpy(wrong / np.maximum(total, 1)).reshape(columns, k).float()
    chosen = stream(labels.group, "trusted") < TRUSTED
    right = torch.from_numpy(np.where(live, labels.value, -1))
    trusted = torch.from_numpy(np.where(chosen & live, labels.value, -1))
    known_transition = None if transition is None else torch.from_numpy(transition).float()
    return {"noise_rate": rate_table, "transition": known_transition, "trusted": trusted, "right": right}
