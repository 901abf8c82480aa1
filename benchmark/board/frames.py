"""Runs as the statistics read them: one line per run and selection track, one line per run and checkpoint."""

from __future__ import annotations

import json
import math
from collections.abc import Callable, Iterable, Mapping
from typing import Any

import numpy as np
import pandas as pd

from benchmark.config.build import declaration
from benchmark.config.declarations import declared, defines
from benchmark.config.paper import knows_noise
from benchmark.config.registry import placed
from benchmark.config.support import layers, needs_of
from benchmark.core.errors import ConfigError
from benchmark.core.protocol import CHECKPOINTS, PRIMARY
from benchmark.results.columns import COSTS, MEASURES, run_table, scoring
from benchmark.results.row import Row
from benchmark.stats.groups import groups

CURVE = ["task", "noise", "model", "trainer", "method", "seed"]
OF_RUN = (*CURVE, "noise_name", "test_labels", *COSTS, "rate")
OF_PLUGINS = (
    *("problem", "metric", "sign", "adapted", "privileged", "likelihood", "method_target", "inputs", "pretrained", "one_draw", "family"),
    *("self_reported", "nominal"),
)


def run_frame(rows: Iterable[Row], tracks: Iterable[str] = PRIMARY) -> pd.DataFrame:
    """``score_frame`` of some rows."""
    return score_frame(described(run_table(rows)), tracks)


def described(runs: pd.DataFrame) -> pd.DataFrame:
    """The finished runs, with what their plugins are: columns ``OF_PLUGINS`` instead of the configurations."""
    done = runs[runs["status"] == "ok"]
    task, noise, method, model = (f"config_{axis}" for axis in ("task", "noise", "method", "model"))
    return done.assign(
        problem=_each(lambda task: task["problem"], done, task),
        metric=_each(lambda task: scoring(task["problem"])[0], done, task),
        sign=_each(lambda task: scoring(task["problem"])[1], done, task).astype(int),
        adapted=_each(_adapted, done, task, method).astype(bool),
        privileged=_each(_privileged, done, method, "method"),
        likelihood=_each(_likelihood, done, method, model),
        method_target=_each(lambda method: next(layers(method))["_target_"], done, method),
        inputs=_each(lambda task: task.get("inputs", ""), done, task),
        pretrained=_each(_pretrained, done, task, model).astype(bool),
        one_draw=_each(_one_draw, done, noise).astype(bool),
        family=_each(lambda noise: _said("noise", noise, "family", "unknown"), done, noise),
        self_reported=(done["self_reported"] != "").to_numpy(),
        nominal=_each(_nominal, done, noise).astype(float),
    ).drop(columns=[name for name in done if name.startswith("config_")])


def _each(of: Callable[..., Any], runs: pd.DataFrame, *columns: str) -> pd.Series:
    """A function of some columns, called once for every combination that occurs; configurations are parsed."""
    group, first = groups(runs, columns)
    given = [[_parsed(name, text) for text in runs[name].iloc[first]] for name in columns]
    found = pd.Categorical([of(*values) for values in zip(*given, strict=True)])
    return pd.Series(found.take(group), index=runs.index)


def _parsed(column: str, text: str) -> Any:
    """Return the value of a text column: configurations with the code that their plugins' names mean today."""
    axis = column.removeprefix("config_")
    return text if axis == column else placed(axis, json.loads(text))


def _said(axis: str, config: Mapping[str, Any], attribute: str, default: Any) -> Any:
    """Return what a plugin declares, and ``default`` where a row names one that is gone."""
    try:
        return declaration(config, axis, attribute)
    except ConfigError:
        return default


def score_frame(runs: pd.DataFrame, tracks: Iterable[str] = PRIMARY) -> pd.DataFrame:
    """One line per finished run and track.

    Columns: task, noise, model, trainer, method (as labeled), problem, metric, sign, track, seed (as ``seed_name`` has it), score (turned so that larger
    is better), passes, seconds, memorization, ceiling, detection, collapsed (1 or 0, NaN in rows that do not say), rate, what the method's class says
    (adapted, privileged, likelihood), where method and noise come from, and whether somebody else reported the row.
    """
    tracks = list(tracks)
    score = runs[[f"score_{track}" for track in tracks]].to_numpy().ravel()
    keep = np.isfinite(score)
    run, track = (np.repeat(np.arange(len(runs)), len(tracks))[keep], np.tile(np.arange(len(tracks)), len(runs))[keep])
    out = runs[[*OF_RUN, *OF_PLUGINS]].iloc[run].reset_index(drop=True)
    values = {name: runs[[f"{name}_{t}" for t in tracks]].to_numpy().ravel()[keep] for name in (*MEASURES, "collapsed")}
    return out.assign(track=pd.Categorical.from_codes(track, tracks), score=score[keep] * out["sign"], **values)


def curve_frame(rows: Iterable[Row]) -> pd.DataFrame:
    """``checkpoint_frame`` of some rows."""
    return checkpoint_frame(run_table(rows))


def checkpoint_frame(runs: pd.DataFrame) -> pd.DataFrame:
    """One line per run and checkpoint: task, noise, model, trainer, method, seed, checkpoint, noisy and clean validation score."""
    noisy, clean = (runs[[f"{side}_{k}" for k in range(CHECKPOINTS)]].to_numpy().ravel() for side in ("noisy", "clean"))
    keep = np.isfinite(noisy)
    run, checkpoint = (np.repeat(np.arange(len(runs)), CHECKPOINTS)[keep], np.tile(np.arange(CHECKPOINTS), len(runs))[keep])
    return runs[CURVE].iloc[run].reset_index(drop=True).assign(checkpoint=checkpoint, noisy=noisy[keep], clean=clean[keep])


def _adapted(task: Mapping[str, Any], method: Mapping[str, Any]) -> bool:
    """Whether a method was made for other task types; a wrapper is what it wraps."""
    native = _said("method", list(layers(method))[-1], "native", None)
    return native is not None and task["problem"] not in native


def _privileged(method: Mapping[str, Any], label: str) -> str:
    """What a method knows beside noisy labels; a tuning by right labels is in its label."""
    needs = frozenset[str]().union(*map(_needs, layers(method))) - met_by_wrappers(method)
    knows = sorted(needs) + ["setting=paper"] * knows_noise(method) + ["clean_val"] * label.endswith(":tuned_clean")
    return ", ".join(knows)


def _pretrained(task: Mapping[str, Any], model: Mapping[str, Any]) -> bool:
    """Whether a cell's network reads what an encoder that other data trained makes of the inputs, or begins as one."""
    target = model["_target_"]
    return bool(task.get("features")) or (defines(target, "pretrained") and bool(declared(target, "pretrained")))


def _nominal(noise: Mapping[str, Any]) -> float:
    """Return the rate that a noise was asked for, of the one part of a chain that has a rate; NaN where none or both have one."""
    parts = [noise, *(value for value in noise.values() if isinstance(value, Mapping))]
    rates = [rate for part in parts if isinstance(rate := part.get("rate"), int | float)]
    return float(rates[0]) if len(rates) == 1 else math.nan


def _one_draw(noise: Mapping[str, Any]) -> bool:
    """Whether all seeds of a noise have the same wrong labels: recorded ones, unless they are drawn from several people's."""
    target = noise.get("_target_", "")
    same = _said("noise", noise, "family", "unknown") != "clean" and noise.get("set") != "redraw"
    return same and defines(target, "not_drawn") and bool(_said("noise", noise, "not_drawn", False))


def _likelihood(method: Mapping[str, Any], model: Mapping[str, Any]) -> str:
    """By which likelihood a structured model was trained; empty for other models."""
    if not defines(model["_target_"], "sequence_loss"):
        return ""
    return "crf_nll" if method.get("sequence") else "crf_marginal"


def met_by_wrappers(method: Mapping[str, Any]) -> frozenset[str]:
    """Needs of wrapped methods that a wrapper meets by an estimate from noisy labels."""
    made = (_said("method", layer, "meets", {}).items() for layer in layers(method))
    return frozenset(need for layer, found in zip(layers(method), made, strict=True) for need, (key, value) in found if layer.get(key) == value)


def _needs(config: Mapping[str, Any]) -> frozenset[str]:
    """Return what a method needs with these hyper-parameters, and nothing where a row names one that is gone."""
    try:
        return needs_of(config)
    except ConfigError:
        return frozenset()
