"""Weights & Biases beside the runs: upload what was logged offline, and the dashboard as code."""

from __future__ import annotations

import os
import subprocess
import sys
from collections.abc import Sequence
from pathlib import Path
from typing import Any

from benchmark.errors import ConfigError
from benchmark.files import write_atomically
from benchmark.loggers import PROJECT
from benchmark.runs import scoring
from benchmark.status import options_of

EPOCH = "Step"


def dashboard(entity: str | None = None, problems: Sequence[str] = ("multiclass", "multilabel", "tagging", "regression")) -> Any:
    """The report: per task type final scores by method and cost; then curves of scores, memorization and selection, grouped by method.

    Runs are grouped by job type, which is the method. Nothing is asked of a server unless ``entity`` names whose project it is.
    """
    import wandb_workspaces.reports.v2 as wr

    def runs(name: str, problem: str | None = None) -> Any:
        where: dict[str, Any] = {"entity": entity, "project": PROJECT} if entity else {}
        return wr.Runset(name=name, groupby=["JobType"], filters=f"Config('task.problem') = '{problem}'" if problem else "", **where)

    blocks: list[Any] = [wr.TableOfContents()]
    for problem in problems:
        metric, sign = scoring(problem)
        scores: list[Any] = [wr.BarPlot(title=f"{metric}, selected by {track}", metrics=[f"test/{track}/{metric}"]) for track in ("last", "noisy_val")]
        noise: list[Any] = [wr.BarPlot(title="wrong labels repeated in excess", metrics=["train/last/memorization"])]
        note = f"{metric} on right test labels; {'larger' if sign > 0 else 'smaller'} is better."
        blocks += [wr.H1(problem), wr.P(note), wr.PanelGrid(panels=[*scores, *noise], runsets=[runs(problem, problem)])]
    curves: dict[str, list[Any]] = {
        "Training loss": ["loss"],
        "Score on test, noisy and clean validation labels": ["primary/test", "primary/noisy_val", "primary/clean_val"],
        "Memorization of wrong labels, agreement with right ones": ["train/memorization", "train/ceiling"],
        "Right labels among the least suspicious": ["method/selection_precision", "method/selection_recall"],
        "Error of the estimated transition matrix": ["method/transition_error"],
    }
    lines: list[Any] = [wr.LinePlot(title=title, x=EPOCH, y=names) for title, names in curves.items()]
    blocks += [wr.H1("Curves"), wr.PanelGrid(panels=lines, runsets=[runs("all")])]
    return wr.Report(project=PROJECT, entity=entity or "", title="Learning with noisy labels", blocks=blocks)


def report(arguments: Sequence[str]) -> int:
    """``wandb-report [entity=NAME]``: write the report's specification; with WANDB_API_KEY set, upload it too, to the key's own entity unless one is named.

    Raises:
        ConfigError: W&B has no such project yet.
    """
    own, paths, rest = options_of(arguments, entity="")
    if rest:
        raise ConfigError(f"wandb-report does not know {rest[0]!r}: give entity=NAME or paths.results=DIR")
    key = bool(os.environ.get("WANDB_API_KEY"))
    made = dashboard((own["entity"] or os.environ.get("WANDB_ENTITY") or _own_entity()) if key else None)
    path = paths.results / "local" / "wandb-report.json"
    try:
        model = made._to_model()  # asks a server for the project, if there is an entity
    except ValueError as error:
        raise ConfigError(f"wandb-report: {error} make wandb-sync creates it") from error
    write_atomically(path, model.model_dump_json(by_alias=True, indent=1).encode())
    print(f"report: {path}")
    if key:
        made.save()
        print(f"uploaded: {made.url}")
    else:
        print("not uploaded: WANDB_API_KEY is not set")
    return 0


def _own_entity() -> str:
    """Whose key it is. W&B has no project without an owner.

    Raises:
        ConfigError: W&B does not say.
    """
    import wandb

    entity = wandb.Api().default_entity
    if not entity:
        raise ConfigError("wandb-report: W&B names no entity for WANDB_API_KEY: give entity=NAME")
    return str(entity)


def sync(arguments: Sequence[str]) -> int:
    """``wandb-sync``: upload the offline runs of a results folder.

    Raises:
        ConfigError: there is nothing to upload, no key, or something else was asked for.
    """
    _, paths, rest = options_of(arguments)
    if rest:
        raise ConfigError(f"wandb-sync does not know {rest[0]!r}: give paths.results=DIR")
    folders = offline_runs(paths.results)
    if not folders:
        raise ConfigError(f"{paths.results / 'wandb'} holds no offline run: make sweep LOGGER=wandb makes some")
    if not os.environ.get("WANDB_API_KEY"):
        raise ConfigError(f"WANDB_API_KEY is not set: set it to upload {len(folders)} runs")
    return subprocess.run([sys.executable, "-m", "wandb", "sync", *map(str, folders)], check=False).returncode


def offline_runs(results: Path) -> list[Path]:
    """Folders of runs that were logged offline, oldest first."""
    return sorted((results / "wandb" / "wandb").glob("offline-run-*"))
