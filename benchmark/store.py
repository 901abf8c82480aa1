"""Rows: one validated JSON file a run, created whole or not at all.

A row is written to a temporary file, fsynced, then linked into place, which fails if somebody else was first;
a row that supersedes (after a failed or stale one) replaces atomically. Safe with many writers on a shared
file system; two stores merge by copying.
"""

from __future__ import annotations

import json
import os
import tempfile
from collections.abc import Iterator, Sequence
from contextlib import contextmanager
from pathlib import Path
from typing import Any, Literal

from pydantic import BaseModel, ConfigDict, Field, ValidationError

from benchmark.errors import DataError
from benchmark.files import write_atomically

SCHEMA_VERSION = 1
Seed = tuple[int, int, int]


class Row(BaseModel):
    """One run."""

    model_config = ConfigDict(extra="forbid", allow_inf_nan=False)

    schema_version: int = SCHEMA_VERSION
    cell: str = Field(description="hash of the resolved task, noise, method, model, trainer and the protocol version")
    seed: Seed = Field(description="seeds of split, noise and training")
    status: Literal["ok", "failed"]
    task: str
    noise: str
    method: str
    model: str
    trainer: str
    labels: dict[str, str] = Field(description="each axis' name with what differs from its yaml")
    metrics: dict[str, float] = Field(default_factory=dict, description="split/selection/score")
    cost: dict[str, Any] = Field(default_factory=dict)
    noise_stats: dict[str, Any] = Field(default_factory=dict)
    provenance: dict[str, Any] = Field(default_factory=dict)
    config: dict[str, Any] = Field(default_factory=dict)
    error: str | None = None


def seed_name(seed: Sequence[int]) -> str:
    """``3`` when split, noise and training share a seed, else ``3-5-3``."""
    return str(seed[0]) if len(set(seed)) == 1 else "-".join(map(str, seed))


class Store:
    """The rows under ``<results>/runs/<aa>/<cell>-<seed>.json``."""

    def __init__(self, results: Path) -> None:
        self.results = Path(results)
        self.runs = self.results / "runs"

    def path(self, cell: str, seed: Sequence[int]) -> Path:
        """Where this run's row is or will be."""
        return self.runs / cell[:2] / f"{cell}-{seed_name(seed)}.json"

    def read(self, cell: str, seed: Sequence[int]) -> Row | None:
        """The row of a run, None if there is none.

        Raises:
            DataError: the file is not a valid row.
        """
        path = self.path(cell, seed)
        try:
            return parse(path.read_bytes(), path)
        except FileNotFoundError:
            return None

    def state(self, cell: str, seed: Sequence[int]) -> Literal["ok", "failed", "missing"]:
        """Of a run, from the head of its row: no validation, so that thousands take a second."""
        try:
            with self.path(cell, seed).open("rb") as file:
                return "ok" if b'"status": "ok"' in file.read(400) else "failed"
        except FileNotFoundError:
            return "missing"

    def write(self, row: Row, supersede: bool = False) -> bool:
        """Put a row in place; False if another writer was first and ``supersede`` is not set."""
        path = self.path(row.cell, row.seed)
        try:
            path.parent.mkdir(parents=True, exist_ok=True)
            return write_atomically(path, (row.model_dump_json(indent=1) + "\n").encode(), replace=supersede)
        except OSError as error:
            raise DataError(f"row {path} cannot be written ({error.strerror}): make room or give paths.results=DIR, then run again") from error

    def check_writable(self) -> None:
        """Fail before any training, not after it.

        Raises:
            DataError: the folder cannot be written to.
        """
        try:
            self.runs.mkdir(parents=True, exist_ok=True)
            with tempfile.TemporaryFile(dir=self.runs):
                pass
        except OSError as error:
            raise DataError(f"results folder {self.results} cannot be written to ({error.strerror}): give paths.results=DIR") from error

    @contextmanager
    def running(self, cell: str, seed: Sequence[int], text: str) -> Iterator[None]:
        """A file tells others that this run is under way."""
        path = self.results / "running" / f"{cell}-{seed_name(seed)}-{os.getpid()}"
        path.parent.mkdir(parents=True, exist_ok=True)
        path.write_text(text, encoding="utf8")
        try:
            yield
        finally:
            path.unlink(missing_ok=True)

    def rows(self) -> Iterator[Row]:
        """All rows, in the order of their names."""
        for path in sorted(self.runs.glob("??/*.json")):
            yield parse(path.read_bytes(), path)


def parse(content: bytes, path: Path) -> Row:
    """Validate the text of a row.

    Raises:
        DataError: truncated, of another schema version, or with fields that do not belong.
    """
    try:
        value = json.loads(content)
        if isinstance(value, dict) and isinstance(value.get("schema_version"), int) and value["schema_version"] > SCHEMA_VERSION:
            raise DataError(f"{path} has schema_version {value['schema_version']}, this version reads up to {SCHEMA_VERSION}: update the suite")
        return Row.model_validate(value)
    except (ValueError, ValidationError) as error:
        reason = error.errors()[0]["msg"] if isinstance(error, ValidationError) else str(error)
        raise DataError(f"{path} is not a valid row ({reason}): delete it and run its cell again") from error
