"""Where the curves of a run go: nowhere, a csv file, or Weights & Biases."""

from __future__ import annotations

import csv
import json
import os
from collections.abc import Iterator
from contextlib import contextmanager
from pathlib import Path
from typing import TYPE_CHECKING, Any

from benchmark.config.cells import Cell
from benchmark.core.errors import ConfigError
from benchmark.core.protocol import PROJECT
from benchmark.core.seeds import Seed
from benchmark.measures.evaluation import Checkpoint
from benchmark.results.row import seed_name

if TYPE_CHECKING:
    from benchmark.running.conditions import Conditions
    from benchmark.running.execution import Outcome


class RunLogger:
    """Receives the checkpoints of one run and what it came to. This one keeps nothing."""

    def checkpoint(self, record: Checkpoint) -> None:
        """Called after each evaluation."""

    def finish(self, metrics: dict[str, float], outcome: Outcome, conditions: Conditions) -> None:
        """Called once, when the run is complete."""


def curves(record: Checkpoint) -> dict[str, float]:
    """The numbers of a checkpoint, flat: loss, scores on test and both validation labels, memorization, selection, T error."""
    return {
        "loss": record.loss,
        **{f"primary/{name}": value for name, value in record.primary.items()},
        **{f"train/{name}": value for name, value in record.memorization.items()},
        **{f"method/{name}": value for name, value in record.method.items()},
    }


class CsvLogger(RunLogger):
    """``<results>/curves/<cell>-<seed>.csv``, one line a checkpoint."""

    def __init__(self, path: Path) -> None:
        self._path, self._rows = path, list[dict[str, float]]()

    def checkpoint(self, record: Checkpoint) -> None:
        """Remember."""
        self._rows.append({"epoch": record.epoch + 1, **curves(record)})

    def finish(self, metrics: dict[str, float], outcome: Outcome, conditions: Conditions) -> None:
        """Write the file."""
        self._path.parent.mkdir(parents=True, exist_ok=True)
        keys = list(dict.fromkeys(key for row in self._rows for key in row))
        with self._path.open("w", newline="", encoding="utf8") as file:
            writer = csv.DictWriter(file, keys)
            writer.writeheader()
            writer.writerows(self._rows)


class WandbLogger(RunLogger):
    """One W&B run per row: group = cell, job type = method, config = the resolved config, summary = the metrics.

    A table holds the labels that the method suspects most, an artifact the noise statistics. Host, git and console are in the row already,
    and finding them again would cost four times as much as the run's own start.
    """

    def __init__(self, cell: Cell, seed: Seed, results: Path) -> None:
        import wandb

        mode: Any = "online" if os.environ.get("WANDB_API_KEY") else "offline"
        folder = results / "wandb"
        folder.mkdir(parents=True, exist_ok=True)
        quiet: dict[str, Any] = {"silent": True, "console": "off", "disable_git": True, "disable_code": True, "x_save_requirements": False}
        self.run = wandb.init(
            project=PROJECT,
            dir=str(folder),
            mode=mode,
            id=f"{cell.id}-{seed_name(seed)}-{os.urandom(3).hex()}",
            name=f"{cell} seed {seed_name(seed)}",
            group=cell.id,
            job_type=cell.choice["method"],
            tags=[cell.choice["task"], cell.choice["noise"], cell.config["task"]["problem"]],
            config={**cell.config, "seed": list(seed), "labels": cell.labels},
            reinit="finish_previous",
            settings=wandb.Settings(**quiet, x_disable_stats=True, x_disable_meta=True),
        )

    def checkpoint(self, record: Checkpoint) -> None:
        """One history step per checkpoint."""
        self.run.log(curves(record), step=record.epoch + 1)

    def finish(self, metrics: dict[str, float], outcome: Outcome, conditions: Conditions) -> None:
        """The row's metrics are the summary; then the suspicious labels and the noise."""
        import wandb

        from benchmark.running.suspects import COLUMNS, suspects

        shown = [[*line[:-1], wandb.Image(line[-1]) if hasattr(line[-1], "shape") else line[-1]] for line in suspects(outcome.method, conditions)]
        if shown:
            self.run.log({"suspicious": wandb.Table(columns=list(COLUMNS), data=shown)})
        if conditions.noise_stats:
            card = wandb.Artifact(f"noise-{self.run.group}", type="noise-card", metadata=dict(conditions.noise_stats))
            with card.new_file("noise.json") as file:
                json.dump(conditions.noise_stats, file, indent=1)
            self.run.log_artifact(card)
        self.run.summary.update(metrics)


@contextmanager
def open_logger(name: str, cell: Cell, seed: Seed, results: Path) -> Iterator[RunLogger]:
    """The logger of one run; a W&B run is finished on every way out."""
    if name == "wandb":
        logger = WandbLogger(cell, seed, results)
        failed = True
        try:
            yield logger
            failed = False
        finally:
            logger.run.finish(exit_code=int(failed))
    elif name == "csv":
        yield CsvLogger(results / "curves" / f"{cell.id}-{seed_name(seed)}.csv")
    elif name == "none":
        yield RunLogger()
    else:
        raise ConfigError(f"logger={name!r} is unknown: choices: csv, none, wandb")
