"""Weights & Biases beside the runs: upload what was logged offline, and the dashboard as code."""

from __future__ import annotations

from collections.abc import Sequence
from pathlib import Path
from typing import Any

from benchmark.core.errors import ConfigError
from benchmark.core.protocol import PROJECT
from benchmark.results.columns import scoring

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


def offline_runs(results: Path) -> list[Path]:
    """Folders of runs that were logged offline, oldest first."""
    return sorted((results / "wandb" / "wandb").glob("offline-run-*"))
