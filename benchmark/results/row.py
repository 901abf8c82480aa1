"""A run as a validated row."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from pathlib import Path
from typing import Any, Literal

from pydantic import BaseModel, ConfigDict, Field, ValidationError
from pydantic_core import from_json

from benchmark.config.registry import placed
from benchmark.core.digests import digest
from benchmark.core.errors import DataError, RowError
from benchmark.core.seeds import Seed

SCHEMA_VERSION = 1
ARCHIVE = "rows.parquet"
DIED = "WorkerDied: the process of this run was killed, for its memory or by somebody, or along with another worker"  # error of its row
State = Literal["ok", "failed", "missing", "unreadable"]


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

    @property
    def placed(self) -> dict[str, dict[str, Any]]:
        """Return the configuration with the code that the names of its plugins mean today, by axis."""
        return {axis: placed(axis, config) if isinstance(config, Mapping) else config for axis, config in self.config.items()}

    @property
    def contents(self) -> dict[str, str]:
        """Return the sha256 of the user's own files that the row was made from, by the key that names them."""
        return dict(self.provenance.get("contents", {}))


def measured_digest(row: Row) -> str:
    """Of everything that was measured: what ``provenance.metrics_digest`` of a row holds."""
    return digest(row.metrics, row.cost, row.noise_stats)


def seed_name(seed: Sequence[int]) -> str:
    """``3`` when split, noise and training share a seed, else ``3-5-3``."""
    return str(seed[0]) if len(set(seed)) == 1 else "-".join(map(str, seed))


def seed_of(name: str) -> Seed:
    """What ``seed_name`` has named."""
    split, *others = map(int, name.split("-"))
    noise, train = others or (split, split)
    return split, noise, train


def name_of(cell: str, seed: Sequence[int]) -> str:
    """Of a run, in a store."""
    return f"{cell}-{seed_name(seed)}"


def parse(content: bytes, path: Path) -> Row:
    """Validate the text of a row.

    Raises:
        RowError: truncated, or with fields that do not belong.
        DataError: of a later schema.
    """
    try:
        value = from_json(content)
        if isinstance(value, dict) and isinstance(value.get("schema_version"), int) and value["schema_version"] > SCHEMA_VERSION:
            raise DataError(f"{path} has schema_version {value['schema_version']}, this version reads up to {SCHEMA_VERSION}: update the suite")
        return Row.model_validate(value)
    except (ValueError, ValidationError) as error:
        reason = error.errors()[0]["msg"] if isinstance(error, ValidationError) else str(error)
        raise RowError(f"{path} is not a valid row ({reason}): it counts as missing, the next sweep of its cell makes it again") from error
