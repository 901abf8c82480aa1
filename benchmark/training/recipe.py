"""Everything between a training set and a trained method: networks, what the method may know, side trainings."""

from __future__ import annotations

from collections.abc import Callable, Mapping
from dataclasses import dataclass, replace
from typing import Any

import numpy as np
import torch
from torch import Tensor

from benchmark.config.build import build
from benchmark.core.seeds import seed_for
from benchmark.core.types import Evaluate, Observed, Problem, Split
from benchmark.data.parts import has_label
from benchmark.data.problems import Multiclass
from benchmark.data.splits import TrainingData
from benchmark.functional import group_folds
from benchmark.methods.base import Fit, Method, RunInfo, set_up
from benchmark.methods.step import Passes
from benchmark.models.base import InputShape, Network
from benchmark.training.learner import EpochPlan, Learner
from benchmark.training.prediction import predict
from benchmark.training.trainer import TrainerSettings, train


@dataclass(frozen=True)
class Recipe:
    """How networks are made and trained in one cell."""

    model: Mapping[str, Any]
    inputs: InputShape
    settings: TrainerSettings
    seed: int

    def networks(self, problem: Problem, count: int, *axes: object) -> list[Network]:
        """``count`` fresh networks. Their weights depend on the training seed and the axes, never on the method."""
        made = []
        for i in range(count):
            with torch.random.fork_rng(devices=[]):
                torch.manual_seed(seed_for("init", *axes, self.seed, i))
                network: Network = build(self.model, "model", inputs=self.inputs, outputs=problem.outputs)
            made.append(self.settings.prepare(network))
        return made


def input_shape(x: Tensor, *others: Tensor, surfaces: tuple[str, ...] = ()) -> InputShape:
    """Shape of one example and, for ids (E, L, F), the vocabulary size of every column but that of surfaces."""
    if x.is_floating_point() or x.dtype == torch.uint8:
        return InputShape(tuple(x.shape[1:]), x.dtype)
    top = torch.stack([part.flatten(0, 1).amax(0) for part in (x, *others)]).amax(0)
    sizes = tuple(int(n) + 1 for n in top)
    return InputShape(tuple(x.shape[1:]), x.dtype, sizes[:-1] if surfaces else sizes, surfaces)


def run_info(
    data: TrainingData,
    settings: TrainerSettings,
    epochs: int,
    seed: int,
    declared: Mapping[str, Any],
    uses_val: bool = False,
    features: int = 0,
    uses_unlabelled: bool = False,
) -> RunInfo:
    """Return what a method may know of the run, by what it declares; ``seed`` is that of training, of which it gets a hash.

    Whoever gives split, noise and training one seed would else tell the method that of the noise.
    """
    size = len(data.train)
    observed: dict[Split, Observed] = {"train": data.train.observed(uses_unlabelled)}
    if uses_val:
        observed["val"] = data.val.observed(uses_unlabelled)
    used = size if uses_unlabelled else int(data.train.taught.any(1).sum())
    return RunInfo(
        problem=data.problem.name,
        kind=data.problem.kind,
        num_examples=size,
        width=data.problem.width,
        num_classes=data.problem.num_classes,
        epochs=epochs,
        steps_per_epoch=-(-used // settings.batch_size),
        observed=observed,
        device=data.train.value.device,
        groups=np.arange(size) if data.groups is None else data.groups,
        seed=seed_for("method", seed),
        declared=dict(declared),
        features=features,
        names=data.problem.names,
        tokens=None if data.train.lengths is None else data.train.x,
    )


class SideTrainings:
    """``fit(...)``: trains a fresh network on part of the training set. Each call has seeds of its own; the cost is counted."""

    def __init__(self, recipe: Recipe, data: TrainingData, epochs: int, passes: Passes) -> None:
        self._recipe, self._data, self._epochs, self._passes = recipe, data, epochs, passes
        self._calls = 0

    def __call__(
        self,
        *,
        indices: np.ndarray | Callable[[int], tuple[np.ndarray, Tensor]] | None = None,
        targets: Tensor | None = None,
        outputs: int | None = None,
        epochs: int | None = None,
        method: Method | None = None,
        on_epoch: Callable[[int, Evaluate], bool | None] | None = None,
    ) -> Fit:
        """Train a fresh network on part of the training set with other targets, another method or another head.

        Args:
            indices: examples, all by default; a function gives those of an epoch and the targets of their units.
            targets: (num_units,) in place of the observed labels.
            outputs: size of the head of a classifier of another kind; targets are then classes.
            epochs: the run's by default.
            method: erm by default.
            on_epoch: called after every epoch with ``evaluate``; True stops.
        """
        axes = ("fit", self._calls)
        self._calls += 1
        method, epochs = method or Method(), epochs or self._epochs
        data = self._retarget(targets, outputs)
        networks = self._recipe.networks(data.problem, method.networks, *axes)
        for network in networks:  # whoever calls them, now or later: they are a cost of the run's first network
            network.count_in(self._passes, 0)
        run = run_info(data, self._recipe.settings, epochs, self._recipe.seed, {}, method.uses_val, networks[0].feature_width, method.uses_unlabelled)
        set_up(method, run)
        plan: EpochPlan = indices if callable(indices) else lambda epoch: (indices, None)
        learner = Learner(
            method, networks, data, self._recipe.settings, self._recipe.seed, epochs=epochs, passes=self._passes, axes=axes, plan=plan, on_epoch=on_epoch
        )
        train(learner)

        def look(rows: np.ndarray, features: bool = False) -> Tensor:
            at = torch.as_tensor(rows)
            part = data.train.take(at)
            out = predict(part, method, networks, data, self._passes, features=features)[0]
            if not features:
                return out
            return out.flatten(0, 1) if out.dim() == 3 else out.repeat_interleave(data.problem.width, 0)  # of tokens, or shared by an example's units

        return Fit(look, lambda rows: look(rows, features=True), networks[0])

    def _retarget(self, targets: Tensor | None, outputs: int | None) -> TrainingData:
        data = self._data
        part = data.train
        value, live = part.value.clone(), part.live
        labelled = None if part.labelled is None else part.labelled.clone()
        problem: Problem = data.problem
        if outputs is not None:
            problem = Multiclass([str(i) for i in range(outputs)])
            value = torch.zeros(len(value), 1, dtype=torch.int64, device=value.device)
            live = torch.ones_like(value, dtype=torch.bool)
            labelled = None
        if targets is not None:
            value = targets.reshape(value.shape).to(value)
            labelled = None if labelled is None else live & has_label(value)
        return replace(data, problem=problem, train=replace(part, value=value, live=live, labelled=labelled))


def out_of_fold(fit: SideTrainings, data: TrainingData, folds: int, seed: int, epochs: int | None = None, method: Callable[[], Method] | None = None) -> Tensor:
    """(num_units, K) predictions of a method (erm) for every training unit by a network that never saw its example, nor one of its group."""
    groups = np.arange(len(data.train)) if data.groups is None else data.groups
    width = data.problem.width
    out: Tensor | None = None
    for held in group_folds(groups, folds, np.random.Generator(np.random.Philox(key=seed_for("folds", seed)))):
        rest = np.setdiff1d(np.arange(len(groups)), held)
        found = fit(indices=rest, epochs=epochs, method=method and method()).predict(held)
        out = found.new_zeros(len(data.train) * width, found.shape[1]) if out is None else out
        units = (held[:, None] * width + np.arange(width)).reshape(-1)
        out[torch.from_numpy(units)] = found
    assert out is not None
    return out
