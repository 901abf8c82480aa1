"""Train one method under the conditions of a cell and measure it: what a row's numbers are made by."""

from __future__ import annotations

import resource
import time
from collections.abc import Callable, Mapping, Sequence
from dataclasses import dataclass
from typing import Any

import numpy as np

from benchmark.config.build import build
from benchmark.config.support import layers, needs_of
from benchmark.core.errors import ConfigError
from benchmark.core.protocol import SELECTIONS
from benchmark.data.splits import halved
from benchmark.measures.evaluation import Checkpoint, Evaluation
from benchmark.methods.base import Method, set_up
from benchmark.methods.step import Passes
from benchmark.running.conditions import Conditions
from benchmark.training.learner import Learner
from benchmark.training.recipe import SideTrainings, run_info
from benchmark.training.trainer import train


@dataclass(frozen=True)
class Outcome:
    """A finished run."""

    evaluation: Evaluation
    cost: Mapping[str, Any]
    method: Method


def execute(config: Mapping[str, Any], conditions: Conditions, seed: int, listeners: Sequence[Callable[[Checkpoint], None]] = ()) -> Outcome:
    """Build the method of ``config``, train it with the training seed, count what it costs.

    Raises:
        ConfigError: the method needs what the task cannot give, or what its class does not state.
    """
    method: Method = build(config, "method")
    settings = conditions.recipe.settings
    data, val, truth = conditions.data, conditions.data.val, conditions.truth
    if method.uses_val:
        data, val, truth = halved(data, truth, conditions.task.name)
    epochs = max(1, round(settings.epochs * method.epoch_factor))
    for need in sorted(method.needs):
        if conditions.declared.get(need) is None:
            raise ConfigError(f"method {type(method).__name__} needs {need!r}, which nobody knows for task {conditions.task.name} with this noise")
    _refuse_hidden_needs(method, config)
    networks = conditions.recipe.networks(data.problem, method.networks)
    needs = {need: conditions.declared[need] for need in method.needs}
    run = run_info(data, settings, epochs, seed, needs, method.uses_val, networks[0].feature_width, method.uses_unlabelled)
    passes = Passes.zeros(method.networks)
    evaluation = Evaluation(truth, val, data.problem, conditions.task.name, epochs, conditions.declared.get("transition"))
    evaluation.listeners.extend(listeners)
    start = time.perf_counter()
    set_up(method, run)
    method.prepare(SideTrainings(conditions.recipe, data, epochs, passes), run)
    learner = Learner(method, networks, data, settings, seed, epochs=epochs, passes=passes)
    train(learner, [evaluation])
    cost = {
        "seconds": time.perf_counter() - start - evaluation.seconds,
        "forward": passes.forward,
        "backward": passes.backward,
        "passes": passes.total(),
        "examples": len(data.train),
        "epochs": learner.current_epoch,
        "peak_memory_mb": resource.getrusage(resource.RUSAGE_SELF).ru_maxrss / 1024,
        "device": settings.accelerator if settings.devices == 1 else f"{settings.devices} x {settings.accelerator}",
        "threads": settings.threads,
    }
    return Outcome(evaluation, cost, method)


def _refuse_hidden_needs(method: Method, config: Mapping[str, Any]) -> None:
    """Refuse a method that needs what its class, and those of the methods it wraps, do not state: the board would not mark its row.

    Raises:
        ConfigError: naming what is hidden.
    """
    if not method.needs:
        return
    stated = frozenset[str]().union(*map(needs_of, layers(config)))
    if hidden := sorted(method.needs - stated):
        raise ConfigError(
            f"method {type(method).__name__} needs {', '.join(map(repr, hidden))}, which its class hides with these hyper-parameters: "
            "state it in needs, or with the right value in needs_where"
        )


def measure(outcome: Outcome, conditions: Conditions) -> dict[str, float]:
    """The flat metrics of a run: ``split/selection/score``. What cannot be computed is left out.

    Raises:
        FloatingPointError: the primary score is infinite, the method diverged.
    """
    evaluation = outcome.evaluation
    metrics = {f"test/{track}/{name}": value for track in SELECTIONS for name, value in evaluation.scores(track).items()}
    for track in SELECTIONS[:3]:
        at = evaluation.position(track)
        if at is not None:
            record = evaluation.records[at]
            metrics |= {f"train/{track}/{name}": value for name, value in evaluation.train_scores(track).items()}
            metrics |= _validation(record, track)
        for labels, y in conditions.truth.further_tests.items():
            metrics |= {f"test_{labels}/{track}/{name}": value for name, value in evaluation.further_scores(track, y).items()}
    for k, record in enumerate(evaluation.records):
        metrics |= _validation(record, f"checkpoint_{k}")
        metrics |= {f"train/checkpoint_{k}/{name}": record.memorization[name] for name in ("memorization", "ceiling") if name in record.memorization}
    metrics |= {f"train/reference/{name}": value for name, value in conditions.reference.items()}
    metrics |= {f"train/resolved/{name}": value for name, value in outcome.method.resolved().items()}
    estimate, right = outcome.method.estimated_transition(), conditions.declared.get("transition")
    if estimate is not None and right is not None:
        metrics["train/last/transition_error"] = float((estimate.cpu() - right).abs().sum(-1).mean())
    primary = metrics[f"test/last/{conditions.data.problem.primary}"]
    if np.isinf(primary):
        raise FloatingPointError(f"test {conditions.data.problem.primary} is {primary}: the method diverged")
    return {name: float(value) for name, value in metrics.items() if np.isfinite(value)}


def _validation(record: Checkpoint, selection: str) -> dict[str, float]:
    """Scores on the two labels of the validation set at a checkpoint, and when it was taken."""
    found = {f"val/{selection}/{name}": record.primary[name] for name in ("noisy_val", "clean_val") if name in record.primary}
    return found | {f"val/{selection}/epoch": record.epoch + 1}
