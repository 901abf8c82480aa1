"""``python -m benchmark audit task=...``: which labels of a data set look wrong, ranked by several methods together."""

from __future__ import annotations

import functools
from collections.abc import Mapping, Sequence
from dataclasses import dataclass, replace
from typing import Any

import numpy as np
import pandas as pd
import torch
from scipy.stats import rankdata
from torch import Tensor

from benchmark.config.build import build, construct
from benchmark.config.cells import Cell
from benchmark.config.options import options_of
from benchmark.core.errors import ConfigError
from benchmark.core.files import write_atomically
from benchmark.core.paths import Paths
from benchmark.core.seeds import Seed
from benchmark.core.types import Examples, Task
from benchmark.data.reading import same_inputs
from benchmark.data.splits import TrainingData, assemble
from benchmark.measures.evaluation import side
from benchmark.measures.label_errors import Side, strata
from benchmark.methods.base import Method
from benchmark.methods.step import Passes
from benchmark.noise.cache import corrupt, pool_of
from benchmark.running.conditions import Conditions, load_task
from benchmark.running.execution import execute
from benchmark.running.plan import planned
from benchmark.training.recipe import Recipe, SideTrainings, input_shape, out_of_fold
from benchmark.training.trainer import TrainerSettings

DEFAULTS = {"method": "erm,confident_learning,elr,huber", "noise": "recorded", "seeds": "[0]"}
FOLDS = 5
REPEATED = 10  # every tenth example validates, for methods that look at validation; it trains too
SHOWN = 20


def audit(arguments: Sequence[str]) -> int:
    """Train methods on all observed labels, write ``<results>/local/audit.csv`` and print its top.

    A method that has a suspicion of its own is trained on everything; of one that has none, out-of-fold predictions speak. Each
    method ranks all labels; the score is the mean of its percentiles over methods and seeds. Needs beyond observed labels (a noise rate)
    are not met: such methods are left out. There is one list, because who corrects labels starts at the likeliest error; entities are
    a small part of all tokens and harder to predict than O, so ``rank_given`` counts labels given O and given an entity apart (in
    multi-label tasks each label's 0 and 1), as detection is scored.

    Raises:
        ConfigError: no single task, or no method that can judge it.
    """
    given = {argument.partition("=")[0] for argument in arguments}
    if "task" not in given:
        raise ConfigError("audit needs a task: give task='table(path=FILE,target=COLUMN)', or task=NAME noise=NAME")
    grid, seeds, results = planned(["--multirun", *arguments, *(f"{key}={value}" for key, value in DEFAULTS.items() if key not in given)])
    for reason in grid.skipped:
        print(f"left out: {reason}")
    if len({cell.labels[axis] for cell in grid.cells for axis in ("task", "noise", "model", "trainer")}) > 4:
        raise ConfigError("audit looks at one task, noise, model and trainer at a time; several methods are welcome")
    opinions: dict[str, list[Opinion]] = {}
    conditions = None
    for seed in seeds:
        for cell in grid.cells:
            conditions = audited(cell, seed, options_of(arguments)[1])
            found = opinion(cell.config["method"], conditions, seed[2])
            if found is not None:
                opinions.setdefault(cell.labels["method"], []).append(found)
    if conditions is None or not opinions:
        raise ConfigError("audit: no method is left that can judge these labels")
    table, right = ranking(conditions, opinions)
    path = results / "local" / "audit.csv"
    path.parent.mkdir(parents=True, exist_ok=True)
    write_atomically(path, table.to_csv(index=False).encode())
    _show(table, right)
    print(f"{len(table)} labels judged by {', '.join(opinions)}: {path}")
    return 0


@dataclass(frozen=True)
class Opinion:
    """What one method thinks of every unit: suspicion (U,), and out-of-fold predictions (U, K) where it has made some."""

    suspicion: np.ndarray
    folds: np.ndarray | None


def whole(task: Task) -> Task:
    """The task with every example that has an observed label as training set; the test part too, where its labels are only observed."""
    parts = [pool_of(task)]
    if task.test_labels == "observed" and task.places is not None and len(task.places) > len(parts[0]):
        parts.append(task.test)
    x, y = torch.cat([part.x for part in parts]), np.concatenate([part.y for part in parts])
    again = np.arange(0, len(y), REPEATED)
    held = Examples(x[again], y[again])

    def repeated(values: np.ndarray) -> np.ndarray:
        return np.concatenate([values, values[again]])

    observed = {name: repeated(np.concatenate([given, *(part.y for part in parts[1:])])) for name, given in task.annotations.items()}
    features = None if task.features is None else functools.partial(lambda make: repeated(make()), task.features)
    return replace(task, train=Examples(x, y), val=held, test=held, groups=_groups(task, x), annotations=observed, features=features)


def _groups(task: Task, x: Tensor) -> np.ndarray:
    """(E,) what the task keeps together and, beyond its training part, equal inputs: no copy of an example may speak about its label."""
    known = same_inputs(task.train.x.numpy()) if task.groups is None else task.groups
    rest = x[len(known) :].numpy()
    return np.concatenate([known, known.max() + 1 + same_inputs(rest)]) if len(rest) else known


def audited(cell: Cell, seed: Seed, paths: Paths) -> Conditions:
    """Data and recipe of an audit.

    Raises:
        ConfigError: part of the task was asked for.
    """
    content = {axis: cell.config[axis] for axis in ("task", "noise", "model", "trainer")}
    if content["task"]["subset"] is not None or content["task"]["rows"] is not None:
        raise ConfigError("audit looks at all examples: leave task.subset and task.rows out")
    task = whole(load_task(content["task"], paths))
    made, _ = corrupt(task, content["noise"], seed[1], paths.cache)
    data, truth = assemble(task, pool_of(task), made, seed=seed[0])
    settings: TrainerSettings = construct(TrainerSettings, content["trainer"], "trainer")
    torch.set_num_threads(settings.threads)
    return Conditions(task, data, truth, Recipe(content["model"], input_shape(task.train.x, surfaces=task.surfaces), settings, seed[2]), {}, {}, {}, {})


def opinion(config: Mapping[str, Any], conditions: Conditions, seed: int) -> Opinion | None:
    """Train a method and ask it; None if it cannot judge."""
    method: Method = build(config, "method")
    own = type(method).suspicion is not Method.suspicion
    if method.needs or (type(method).prepare is not Method.prepare and not own):
        print(f"left out: {type(method).__name__} " + (f"needs {', '.join(sorted(method.needs))}" if method.needs else "suspects no label"))
        return None
    suspicion = execute(config, conditions, seed).method.suspicion() if own else None
    if suspicion is not None:
        return Opinion(suspicion.detach().cpu().double().numpy(), None)
    folds = _folds(conditions, seed, functools.partial(build, config, "method"))
    return Opinion(surprise(conditions.data, folds), folds)


def _folds(conditions: Conditions, seed: int, method: Any = None) -> np.ndarray:
    fit = SideTrainings(conditions.recipe, conditions.data, conditions.recipe.settings.epochs, Passes.zeros(1))
    found: np.ndarray = out_of_fold(fit, conditions.data, FOLDS, seed, method=method).cpu().double().numpy()
    return found


def surprise(data: TrainingData, folds: np.ndarray) -> np.ndarray:
    """(U,) -log p(given label), or the distance of prediction and given target in standard deviations of the targets."""
    given = data.train.value.reshape(-1).numpy()
    if data.problem.kind == "continuous":
        return np.abs(folds[:, 0] - given)
    found: np.ndarray = -np.log(np.clip(folds[np.arange(len(given)), np.maximum(given, 0)], 1e-12, None))
    return found


def ranking(conditions: Conditions, opinions: Mapping[str, Sequence[Opinion]]) -> tuple[pd.DataFrame, Side | None]:
    """All live labels, most suspicious first, and the truth about them in the same order where it is known.

    ``agreement`` counts the methods that have the label among their top n, n = the number of labels that out-of-fold predictions contradict:
    another class, or a distance of more than 3 robust standard deviations (1.4826 times the median distance).
    """
    data = conditions.data
    live = np.flatnonzero(data.train.live.reshape(-1).numpy())
    made = [o.folds for several in opinions.values() for o in several if o.folds is not None] or [_folds(conditions, conditions.recipe.seed)]
    given = data.train.value.reshape(-1).numpy()[live]
    predicted, odd, reasons = _contradicted(data, np.mean(made, axis=0)[live], given)
    percentile = np.array([np.mean([rankdata(o.suspicion[live]) for o in several], axis=0) for several in opinions.values()]) / len(live)
    votes = (rankdata(-percentile, axis=1, method="ordinal") <= odd.sum()).sum(0)
    score = percentile.mean(0)
    order = np.argsort(-score, kind="stable")
    columns: dict[str, Any] = {"rank": np.arange(1, len(live) + 1)}
    if data.problem.name in ("tagging", "multilabel"):
        columns["rank_given"] = 1 + pd.Series(order).groupby(strata(data.problem, given[order], live[order] % data.problem.width)).cumcount().to_numpy()
    columns |= _where(conditions.task, live[order])
    columns |= {"given": _shown(data, given[order]), "predicted": _shown(data, predicted[order]), "score": score[order].round(4)}
    columns |= {"agreement": [f"{votes[i]}/{len(opinions)}" for i in order], "reason": [reasons[i] for i in order]}
    if conditions.truth.train is None:
        return pd.DataFrame(columns), None
    known = side(data, data.train, conditions.truth.train, np.zeros(len(data.train.live.reshape(-1))))
    known = Side(**{name: values[live[order]] for name, values in vars(known).items()})
    columns["right"] = _shown(data, (known.right - data.center) / data.scale if data.problem.kind == "continuous" else known.right)
    return pd.DataFrame(columns), known


def _contradicted(data: TrainingData, folds: np.ndarray, given: np.ndarray) -> tuple[np.ndarray, np.ndarray, list[str]]:
    """Predictions (U,), which of them contradict the given label (U,), and in words how much."""
    if data.problem.kind == "continuous":
        distance = np.abs(folds[:, 0] - given)
        distance = distance / max(1.4826 * float(np.median(distance)), 1e-12)
        return folds[:, 0], distance > 3, [f"{d:.1f} robust standard deviations from the prediction" for d in distance]
    predicted, at = folds.argmax(1), np.arange(len(given))
    chances = zip(folds[at, given], folds[at, predicted], strict=True)
    return predicted, predicted != given, [f"p(given) = {p:.2f}, p(predicted) = {q:.2f} out of fold" for p, q in chances]


def _where(task: Task, units: np.ndarray) -> dict[str, Any]:
    """Line or file at the user's, else the position in the training pool; the label or the position in a sentence."""
    example, column = np.divmod(units, task.problem.width)
    places = np.arange(len(task.train)) if task.places is None else task.places
    at = places[example] if places.ndim == 1 else places[example, column]
    if task.problem.name == "multilabel":
        return {"example": at, "label": [task.problem.names[c] for c in column]}
    return {"example": at} | ({"token": column + 1} if task.problem.name == "tagging" else {})


def _shown(data: TrainingData, value: np.ndarray) -> list[Any]:
    """Labels as the user writes them."""
    if data.problem.kind == "continuous":
        return [float(f"{v:.6g}") for v in value * data.scale + data.center]
    names = ("0", "1") if data.problem.name == "multilabel" else data.problem.names
    return [names[v] if v >= 0 else "" for v in value]


def _show(table: pd.DataFrame, right: Side | None) -> None:
    print(table.head(SHOWN).to_string(index=False))
    if right is not None and right.wrong.any():
        number = int(right.wrong.sum())
        print(f"{number} labels are wrong: {right.wrong[:number].mean():.3f} of the first {number} are, {right.wrong.mean():.3f} of all")
