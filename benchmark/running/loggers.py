"""Where the curves of a run go: nowhere, a csv file, or Weights & Biases."""

from __future__ import annotations

import csv
import json
import logging
import os
import sys
from collections.abc import Callable, Iterator
from contextlib import contextmanager
from pathlib import Path
from typing import TYPE_CHECKING, Any

from benchmark.config.cells import Cell
from benchmark.core.errors import ConfigError
from benchmark.core.protocol import PROJECT
from benchmark.core.seeds import Seed
from benchmark.core.terminal import printable
from benchmark.measures.evaluation import Checkpoint
from benchmark.results.row import seed_name
from benchmark.running.limits import TOO_LONG

if TYPE_CHECKING:
    from benchmark.running.conditions import Conditions
    from benchmark.running.execution import Outcome

log = logging.getLogger(__name__)
PATIENCE = 20  # seconds for a server that does not answer
_told: set[str] = set()  # what this process has warned of


class RunLogger:
    """Receives the checkpoints of one run and what it came to. This one keeps nothing."""

    def checkpoint(self, record: Checkpoint) -> None:
        """Called after each evaluation."""

    def finish(self, metrics: dict[str, float], outcome: Outcome, conditions: Conditions) -> None:
        """Called once, when the run is complete."""

    def close(self, failed: bool) -> None:
        """Called once, on every way out of the run."""


class ForgivingLogger(RunLogger):
    """Passes on to another logger until that one fails, which never decides whether a run counts: one line tells, and the run goes on without.

    Args:
        name: of the logger, for that line.
        make: opens it.
    """

    def __init__(self, name: str, make: Callable[[], RunLogger]) -> None:
        self._name, self._inner = name, RunLogger()
        self._opened = self._inner

        def opened() -> None:
            self._inner = self._opened = make()

        self._attempt(opened)

    def checkpoint(self, record: Checkpoint) -> None:
        """Pass on."""
        self._attempt(lambda: self._inner.checkpoint(record))

    def finish(self, metrics: dict[str, float], outcome: Outcome, conditions: Conditions) -> None:
        """Pass on."""
        self._attempt(lambda: self._inner.finish(metrics, outcome, conditions))

    def close(self, failed: bool) -> None:
        """Close what was opened, also after it failed."""
        self._attempt(lambda: self._opened.close(failed))

    def _attempt(self, action: Callable[[], None]) -> None:
        try:
            action()
        except Exception as error:  # of a library's, of a network, of a disk
            if str(error) == TOO_LONG:
                raise
            self._inner = RunLogger()
            warn(f"logger={self._name} failed", error, "runs go on and count, their curves may be missing")


def warn(what: str, error: Exception, then: str) -> None:
    """Say once in this process that something failed which no row depends on."""
    reason = (str(error).strip().splitlines() or [type(error).__name__])[0]
    log.warning("%s (%s): %s", what, reason, then)
    if what not in _told:
        _told.add(what)
        print(printable(f"warning: {what} ({reason}): {then}"), file=sys.stderr, flush=True)


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
        folder = results / "wandb"
        folder.mkdir(parents=True, exist_ok=True)
        mode = _mode()
        try:
            self.run = _opened(cell, seed, folder, mode)
        except Exception as error:  # whatever W&B and its network raise
            if mode == "offline":
                raise
            warn(SILENT, error, f"runs are kept offline in {folder}, 'python -m benchmark wandb-sync' uploads them later")
            self.run = _opened(cell, seed, folder, "offline")

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

    def close(self, failed: bool) -> None:
        """Finish the run; a server that does not answer is not waited for."""
        self.run.finish(exit_code=int(failed))


SILENT = "W&B does not answer"


def _mode() -> str:
    """Return ``WANDB_MODE``, else online where there is a key; offline once W&B did not answer in this process."""
    if SILENT in _told:
        return "offline"
    return os.environ.get("WANDB_MODE") or ("online" if os.environ.get("WANDB_API_KEY") else "offline")


def _opened(cell: Cell, seed: Seed, folder: Path, mode: Any) -> Any:
    import wandb

    quiet: dict[str, Any] = {"silent": True, "console": "off", "disable_git": True, "disable_code": True, "x_save_requirements": False}
    quiet |= {} if "WANDB_INIT_TIMEOUT" in os.environ else {"init_timeout": PATIENCE}
    return wandb.init(
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
        settings=wandb.Settings(**quiet, x_disable_stats=True, x_disable_meta=True, finish_timeout=PATIENCE, finish_timeout_raises=True),
    )


@contextmanager
def open_logger(name: str, cell: Cell, seed: Seed, results: Path) -> Iterator[RunLogger]:
    """The logger of one run; it is closed on every way out, and its failure is none of the run's."""
    makers: dict[str, Callable[[], RunLogger]] = {
        "none": RunLogger,
        "csv": lambda: CsvLogger(results / "curves" / f"{cell.id}-{seed_name(seed)}.csv"),
        "wandb": lambda: WandbLogger(cell, seed, results),
    }
    if name not in makers:
        raise ConfigError(f"logger={name!r} is unknown: choices: csv, none, wandb")
    logger, failed = ForgivingLogger(name, makers[name]), True
    try:
        yield logger
        failed = False
    finally:
        logger.close(failed)
