"""A run as a validated row."""

from __future__ import annotations

import hashlib
from collections.abc import Mapping, Sequence
from pathlib import Path
from typing import Any, Literal

from pydantic import BaseModel, ConfigDict, Field, ValidationError, computed_field, model_validator
from pydantic_core import from_json

from benchmark.config.registry import placed
from benchmark.core.digests import canonical_json, digest
from benchmark.core.errors import DataError, RowError
from benchmark.core.seeds import Seed
from benchmark.results.schema import findings

SCHEMA_VERSION = 2  # 1: no digest of the whole row, no identity, inner parts unchecked
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
    identity: dict[str, Any] = Field(default_factory=dict, description="what ``cell`` is the hash of: names, versions and changed parameters of the plugins")
    checkpoints: int | None = Field(default=None, ge=0, description="how many evaluations the run had")
    salt: str | None = Field(default=None, description="secret of a verification run, told afterwards; a row has none")
    error: str | None = None

    @model_validator(mode="before")
    @classmethod
    def _without_digest(cls, value: Any) -> Any:
        """Leave out the digest of what is read: a row always says that of its content, and ``parse`` has compared it."""
        return {key: item for key, item in value.items() if key != "digest"} if isinstance(value, Mapping) else value

    @computed_field(description="sha256 of the canonical JSON of all other fields")  # type: ignore[prop-decorator]
    @property
    def digest(self) -> str:
        """Return the sha256 of the canonical JSON of all other fields."""
        return row_digest(from_json(self.model_dump_json(exclude={"digest"})))

    @property
    def placed(self) -> dict[str, dict[str, Any]]:
        """Return the configuration with the code that the names of its plugins mean today, by axis."""
        return {axis: placed(axis, config) if isinstance(config, Mapping) else config for axis, config in self.config.items()}

    @property
    def contents(self) -> dict[str, str]:
        """Return the sha256 of the user's own files that the row was made from, by the key that names them."""
        return dict(self.provenance.get("contents", {}))


def row_digest(content: Mapping[str, Any]) -> str:
    """Return the sha256 of a row's content in canonical JSON, its digest left out."""
    rest = {key: value for key, value in content.items() if key != "digest"}
    return hashlib.sha256(canonical_json(rest).encode()).hexdigest()


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

    A row of schema version 1 has no digest; every other one must say that of its content.

    Raises:
        RowError: truncated, altered, with fields that do not belong or values that no run has.
        DataError: of a later schema.
    """
    try:
        value = from_json(content)
        if not isinstance(value, dict):
            raise ValueError("it is no JSON object")
        version = value.get("schema_version")
        if isinstance(version, int) and version > SCHEMA_VERSION:
            raise DataError(f"{path} has schema_version {version}, this version reads up to {SCHEMA_VERSION}: update the suite")
        if version != 1 or "digest" in value:
            _check_digest(value)
        row = Row.model_validate(value)
        if wrong := next(findings(value), None):
            raise ValueError(wrong)
        return row
    except (ValueError, ValidationError) as error:
        reason = error.errors()[0]["msg"] if isinstance(error, ValidationError) else str(error)
        raise RowError(f"{path} is not a valid row ({reason}): it counts as missing, the next sweep of its cell makes it again") from error


def _check_digest(value: Mapping[str, Any]) -> None:
    """Compare a row's content with its digest, and its cell with the hash of its identity.

    Raises:
        ValueError: they do not fit: the row was altered.
    """
    if value.get("digest") != row_digest(value):
        raise ValueError("it was altered: its digest is not that of its content")
    identity = value.get("identity")
    if identity and value.get("cell") != digest(identity):
        raise ValueError("its cell is not the hash of its identity")
