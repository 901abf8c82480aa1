"""The ``tuned`` settings on the board: one small record a cell says which runs won and what all trials cost."""

from __future__ import annotations

import json
from collections.abc import Sequence
from pathlib import Path

from pydantic import BaseModel, ConfigDict, ValidationError

from benchmark.core.errors import DataError
from benchmark.core.files import write_atomically
from benchmark.core.protocol import AXES
from benchmark.core.seeds import Seed
from benchmark.results.row import Row
from benchmark.results.store import Store
from benchmark.tuning.frozen import blind_rows

PLACE = tuple(axis for axis in AXES if axis != "method")


class Run(BaseModel):
    """A run of the winner, with the cost of all trials of its seed."""

    model_config = ConfigDict(extra="forbid")

    cell: str
    seed: Seed
    passes: float
    seconds: float


class Record(BaseModel):
    """The trials of a method in one cell."""

    model_config = ConfigDict(extra="forbid")

    labels: dict[str, str]  # on the board: the cell of the defaults, the method as gce:tuned
    trial: int
    winner: dict[str, str]  # labels of its method and trainer
    runs: list[Run]
    scores: list[float | None]  # validation score of every trial, mean over seeds, larger is better; None = it failed
    failed: int  # runs; what they cost is not known and not counted


def folder(results: Path) -> Path:
    """Where records and, under ``runs``, the rows of all trials are: apart from the rows of boards."""
    return results / "tuned"


def write_record(record: Record, name: str, results: Path) -> Path:
    """Put a record in place of an older one."""
    path = folder(results) / f"{name}.json"
    write_atomically(path, (record.model_dump_json(indent=1) + "\n").encode())
    return path


def tuned_rows(rows: Sequence[Row], results: Path) -> list[Row]:
    """Rows of the winners that belong into the cells of ``rows``, at the cost of their whole search.

    Raises:
        DataError: a record is damaged, or its run is gone.
    """
    places = {tuple(row.labels[axis] for axis in PLACE) for row in rows}
    store, found = Store(folder(results)), []
    for path in sorted(folder(results).glob("*.json")):
        try:
            record = Record.model_validate(json.loads(path.read_bytes()))
        except (ValueError, ValidationError) as error:
            raise DataError(f"{path} is no record of a tuning: delete it and run make tune again") from error
        if tuple(record.labels[axis] for axis in PLACE) not in places:
            continue
        for run in record.runs:
            row = store.read(run.cell, run.seed)
            if row is None:
                raise DataError(f"{path} names the run {run.cell} seed {run.seed[0]}, which is gone: run make tune again or delete the record")
            found.append(row.model_copy(update={"labels": record.labels, "cost": row.cost | {"passes": run.passes, "seconds": run.seconds}}))
    return found


def shown(rows: Sequence[Row], results: Path) -> list[Row]:
    """All rows under the names that a board gives them: ``gce``, ``gce:blind``, ``gce:tuned``, ``gce:tuned_clean``."""
    return [*blind_rows(rows), *tuned_rows(rows, results)]
