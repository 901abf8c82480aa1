"""Rows as data frames: one line per run and selection track, one line per run and checkpoint."""

from __future__ import annotations

import functools
from collections.abc import Iterable, Mapping
from typing import Any

import numpy as np
import pandas as pd

from benchmark.config import declaration
from benchmark.declarations import declared, defines, problem_classes
from benchmark.grid import layers
from benchmark.protocol import CHECKPOINTS, PRIMARY
from benchmark.published import knows_noise
from benchmark.store import Row


def run_frame(rows: Iterable[Row], tracks: Iterable[str] = PRIMARY) -> pd.DataFrame:
    """One line per finished run and track.

    Columns: task, noise, model, trainer, method (as labeled), problem, metric, sign, track, seed (a tuple), score (turned so that larger is
    better), passes, seconds, memorization, ceiling, detection, rate, what the method's class says (adapted, privileged, likelihood), where method and noise
    come from, and whether somebody else reported the row.
    """
    lines, known = [], dict[str, dict[str, Any]]()
    for row in rows:
        if row.status != "ok":
            continue
        problem = row.config["task"]["problem"]
        primary, sign = scoring(problem)
        if row.cell not in known:
            known[row.cell] = _of_plugins(problem, row.config)
        shared = {
            **row.labels,
            **known[row.cell],
            "privileged": ", ".join(filter(None, [known[row.cell]["privileged"], "clean_val" * row.labels["method"].endswith(":tuned_clean")])),
            "problem": problem,
            "metric": primary,
            "sign": sign,
            "seed": tuple(row.seed),
            "passes": row.cost.get("passes", np.nan),
            "seconds": row.cost.get("seconds", np.nan),
            "forward": passes_of(row.cost, "forward"),
            "backward": passes_of(row.cost, "backward"),
            "rate": _number(row.noise_stats.get("rate")),
            "noise_name": row.noise,
            "self_reported": bool(row.provenance.get("self_reported")),
            "test_labels": row.noise_stats.get("test_labels", "right"),
        }
        for track in tracks:
            score = row.metrics.get(f"test/{track}/{primary}")
            if score is not None:
                found = {name: row.metrics.get(f"train/{track}/{key}", np.nan) for name, key in MEASURES.items()}
                lines.append({**shared, **found, "track": track, "score": sign * score})
    return pd.DataFrame(lines)


@functools.cache
def scoring(problem: str) -> tuple[str, int]:
    """The primary score of a task type, and 1 or, where smaller is better, -1."""
    target = problem_classes()[problem]
    return declared(target, "primary"), 1 if declared(target, "higher_is_better") else -1


MEASURES = {"memorization": "memorization", "ceiling": "ceiling", "detection": "detection_ap"}


def curve_frame(rows: Iterable[Row]) -> pd.DataFrame:
    """One line per finished run and checkpoint: task, noise, model, trainer, method, seed, checkpoint, noisy and clean validation score."""
    lines = [
        (*(row.labels[axis] for axis in CURVE[:5]), tuple(row.seed), k, noisy, row.metrics.get(f"val/checkpoint_{k}/clean_val", np.nan))
        for row in rows
        if row.status == "ok"
        for k in range(CHECKPOINTS)
        if (noisy := row.metrics.get(f"val/checkpoint_{k}/noisy_val")) is not None
    ]
    return pd.DataFrame(lines, columns=CURVE)


CURVE = ["task", "noise", "model", "trainer", "method", "seed", "checkpoint", "noisy", "clean"]


def _of_plugins(problem: str, config: Mapping[str, Any]) -> dict[str, Any]:
    """Whether the method is adapted to the task type, what it knows, and by which likelihood a structured model was trained."""
    methods = list(layers(config["method"]))
    native = declaration(methods[-1], "method", "native")  # a wrapper is what it wraps
    structured = defines(config["model"]["_target_"], "sequence_loss")
    likelihood = ("crf_nll" if config["method"].get("sequence") else "crf_marginal") if structured else ""
    needs = frozenset().union(*map(needs_of, methods))
    knows = sorted(needs) + ["setting=paper"] * knows_noise(config["method"])
    noise = config["noise"].get("_target_", "")
    return {
        "adapted": problem not in native,
        "privileged": ", ".join(knows),
        "likelihood": likelihood,
        "method_target": methods[0]["_target_"],
        "inputs": config["task"].get("inputs", ""),
        "family": noise_family(noise),
    }


REAL, INSTANCE = ("simple", "report"), ("instance_margin", "instance_model", "instance_projection")


def noise_family(target: str) -> str:
    """Noises of one module are one family; what a task brings with it is real noise, whatever depends on the input is one family too."""
    module = target.rpartition(".")[0].rpartition(".")[2]
    if target.endswith(".Clean"):
        return "clean"
    return "real" if module in REAL else "instance dependent" if module in INSTANCE else module.replace("_", " ")


def passes_of(cost: Mapping[str, Any], kind: str) -> float:
    """Forward or backward passes of all networks per training example and epoch."""
    seen = cost.get("examples", 0) * cost.get("epochs", 0)
    return sum(cost.get(kind, ())) / seen if seen else np.nan


def needs_of(config: Mapping[str, Any]) -> frozenset[str]:
    """What a method needs with these hyper-parameters."""
    needs, where = (declaration(config, "method", name) for name in ("needs", "needs_where"))
    return frozenset(need for need in needs if need not in where or config.get(where[need][0]) == where[need][1])


def _number(value: object) -> float:
    return float(value) if isinstance(value, int | float) else float("nan")
