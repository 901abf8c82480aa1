"""One cell, many seeds: ``run_cell(cell, ...) -> rows``. The seeds run in this process, one after the other."""

from __future__ import annotations

import io
import logging
import time
import traceback
from collections.abc import Iterator, Sequence
from contextlib import contextmanager
from dataclasses import dataclass
from datetime import UTC, datetime
from pathlib import Path
from typing import Any

import numpy as np
import torch
from threadpoolctl import threadpool_limits

from benchmark.config.cells import Cell, command
from benchmark.config.identity import cell_identity
from benchmark.config.registry import named
from benchmark.core import parallel
from benchmark.core.errors import UserError
from benchmark.core.files import write_atomically
from benchmark.core.paths import Paths
from benchmark.core.seeds import Seed
from benchmark.measures.evaluation import Evaluation
from benchmark.results.freshness import due, sources
from benchmark.results.provenance import environment
from benchmark.results.row import DIED, Row
from benchmark.results.store import Store
from benchmark.running.conditions import Conditions, conditions_for
from benchmark.running.execution import Outcome, execute, measure
from benchmark.running.limits import draining, limited, passing_on_sigterm
from benchmark.running.loggers import RunLogger, open_logger
from benchmark.running.processes import check, count, shared

log = logging.getLogger(__name__)


@dataclass(frozen=True)
class Options:
    """How a cell is run; none of it changes a number."""

    on_existing: str = "skip"
    logger: str = "none"
    seconds: float | None = None  # a run that takes longer, or
    memory_gb: float | None = None  # allocates more, becomes a failed row


def run_cell(cell: Cell, seeds: Sequence[Seed], paths: Paths, options: Options = Options()) -> list[Row]:
    """Run a cell once per seed and store its rows; finished ones are skipped. A seed that fails becomes a failed row.

    Raises:
        UserError: the cell cannot be run at all.
    """
    store, rows = Store(paths.results), list[Row]()
    check(int(cell.config["trainer"].get("devices", 1)), command(cell, *seeds))
    store.check_writable()
    with passing_on_sigterm(), logged(paths.results / "logs" / f"{cell.id}.log"):
        for seed in seeds:
            existing = store.read(cell.id, seed)
            if existing is not None and not due(existing, options.on_existing, paths.data):
                rows.append(existing)
                continue
            if draining():
                break
            with shared(cell, seed, paths):
                with store.running(cell.id, seed, str(cell)):
                    row = _run_seed(cell, seed, paths, store, options)
                store.write(row, supersede=existing is not None)
            rows.append(row)
    return rows


@contextmanager
def logged(path: Path) -> Iterator[None]:
    """Messages and warnings of the body go to a file of the cell's own."""
    path.parent.mkdir(parents=True, exist_ok=True)
    handler = logging.FileHandler(path, encoding="utf8", delay=True)
    handler.setFormatter(logging.Formatter("%(asctime)s %(levelname)s %(name)s: %(message)s"))
    roots = [logging.getLogger(name) for name in ("benchmark", "tasks", "py.warnings")]
    logging.captureWarnings(True)
    for logger in roots:
        logger.addHandler(handler)
    try:
        yield
    finally:
        for logger in roots:
            logger.removeHandler(handler)
        logging.captureWarnings(False)
        handler.close()


def _run_seed(cell: Cell, seed: Seed, paths: Paths, store: Store, options: Options) -> Row:
    row, origin = _begun(cell, seed)
    start = time.perf_counter()
    try:
        with open_logger(options.logger, cell, seed, paths.results) as watch, limited(options.seconds, options.memory_gb):
            conditions, outcome, metrics = take_part(cell, seed, paths, watch)
            row |= {"metrics": metrics, "cost": dict(outcome.cost) | {"run_seconds": time.perf_counter() - start}, "noise_stats": dict(conditions.noise_stats)}
            origin |= {"files": dict(conditions.files)} if conditions.files else {}
            origin |= dict(conditions.digests) | {"predictions_digest": outcome.evaluation.records[-1].predictions}
            watch.finish(metrics, outcome, conditions)
        _write_bits(outcome.evaluation, store.path(cell.id, seed))
        return Row(status="ok", provenance=origin, checkpoints=len(outcome.evaluation.records), **row)
    except (UserError, KeyboardInterrupt):
        raise
    except (Exception, SystemExit) as error:  # a method that ends the program ends its run
        log.error("failed: %s seed %s: %s: %s", cell, seed[0], type(error).__name__, error)
        return Row(status="failed", provenance=origin, error=traceback.format_exc(), **row)


def take_part(cell: Cell, seed: Seed, paths: Paths, watch: RunLogger) -> tuple[Conditions, Outcome, dict[str, float]]:
    """Train one seed and measure it: what every process of a run does."""
    threads = int(cell.config["trainer"]["threads"])
    torch.set_num_threads(threads)
    with threadpool_limits(threads), parallel.at_work(count() > 1):
        conditions = conditions_for(cell, seed, paths)
        outcome = execute(cell.config["method"], conditions, seed[2], [watch.checkpoint])
        return conditions, outcome, measure(outcome, conditions)


def _begun(cell: Cell, seed: Seed) -> tuple[dict[str, Any], dict[str, Any]]:
    """What a row says before anything has run, and its provenance."""
    started = datetime.now(UTC).isoformat(timespec="seconds")
    origin = environment() | {"source_digest": sources(cell.config), "command": command(cell, seed), "started": started}
    if cell.contents:
        origin["contents"] = dict(cell.contents)
    config = {axis: named(axis, own) for axis, own in cell.config.items()}
    return {
        "cell": cell.id,
        "seed": seed,
        "labels": cell.labels,
        "config": config,
        "identity": cell_identity(cell.config, cell.contents),
        **cell.choice,
    }, origin


def lost(cell: Cell, seed: Seed) -> Row:
    """The failed row of a run whose process died."""
    row, origin = _begun(cell, seed)
    return Row(status="failed", provenance=origin, error=DIED, **row)


def _write_bits(evaluation: Evaluation, path: Path) -> None:
    """One correctness bit per checkpoint and test unit beside the row: ``<row>.bits.npy``, (checkpoints, bytes)."""
    buffer = io.BytesIO()
    np.save(buffer, np.stack([np.packbits(record.right) for record in evaluation.records]))
    path.parent.mkdir(parents=True, exist_ok=True)
    write_atomically(path.with_suffix(".bits.npy"), buffer.getvalue())
