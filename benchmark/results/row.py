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
        """Leave out the digest, which is taken anew whenever a row is written; ``parse`` has checked it."""
        return {key: field for key, field in value.items() if key != "digest"} if isinstance(value, dict) else value

    @computed_field(description="sha256 of the canonical JSON of all other fields")  # type: ignore[prop-decorator]
    @property
    def digest(self) -> str:
        """Return the digest of the row as it would be written now."""
        return digest_of(from_json(self.model_dump_json(exclude={"digest"})))

    @property
    def placed(self) -> dict[str, dict[str, Any]]:
        """Return the configuration with the code that the names of its plugins mean today, by axis."""
        return {axis: placed(axis, config) if isinstance(config, Mapping) else config for axis, config in self.config.items()}

    @property
    def contents(self) -> dict[str, str]:
        """Return the sha256 of the user's own files that the row was made from, by the key that names them."""
        return dict(self.provenance.get("contents", {}))


def digest_of(fields: Mapping[str, Any]) -> str:
    """Return the sha256 of the canonical JSON of a row's fields, as they stand in a file, without the digest itself."""
    return hashlib.sha256(canonical_json({key: value for key, value in fields.items() if key != "digest"}).encode()).hexdigest()


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


def parse(content: bytes, path: Path, name: str = "") -> Row:
    """Validate the text of a row: its schema, its digest and, where it is stored under a name, that the name is its own.

    Args:
        content: JSON.
        path: where it stands, for error lines.
        name: ``<cell>-<seed>`` under which it is stored; "" where rows have no names.

    Raises:
        RowError: truncated, altered, under another row's name, or with fields that do not belong.
        DataError: of a later schema.
    """
    try:
        value = from_json(content, allow_inf_nan=False)
        if isinstance(value, dict) and isinstance(value.get("schema_version"), int) and value["schema_version"] > SCHEMA_VERSION:
            if value.get("digest") == digest_of(value):  # else a damaged row of today's schema
                raise DataError(f"{path} has schema_version {value['schema_version']}, this version reads up to {SCHEMA_VERSION}: update the suite")
            raise ValueError("its fields do not hash to its digest: it was altered")
        row = Row.model_validate(_current(value))
        if wrong := next(findings(value), None):
            raise ValueError(wrong)
        if name and name != name_of(row.cell, row.seed):
            raise ValueError(f"it is the row {name_of(row.cell, row.seed)!r}, stored under another name")
    except (ValueError, RecursionError) as error:
        if isinstance(error, ValidationError):
            first = error.errors(include_input=False, include_url=False)[0]
            reason = f"{'.'.join(map(str, first['loc']))}: {first['msg']}".removeprefix(": ")
        else:
            reason = str(error)
        said = shown(reason)
        raise RowError(f"{path} is not a valid row ({said}): it counts as missing, the next sweep of its cell makes it again") from error
    return row


def _current(value: Any) -> Any:
    """Return the fields of a row in today's schema, its digest checked. Rows of the first schema had none."""
    if not isinstance(value, dict):
        return value
    if value.get("schema_version") == 1 and "digest" not in value:
        return value | {"schema_version": SCHEMA_VERSION}
    if value.get("schema_version") != SCHEMA_VERSION:
        raise ValueError(f"schema_version {value.get('schema_version')!r} is none")
    if value.get("digest") != digest_of(value):
        raise ValueError("its fields do not hash to its digest: it was altered")
    if (identity := value.get("identity")) and value.get("cell") != digest(identity):
        raise ValueError("its cell is not the hash of its identity")
    return value


def shown(text: str) -> str:
    """Return somebody else's text on one line: without control and bidirectional characters, and short."""
    plain = "".join(letter if letter.isprintable() else "?" for letter in text)
    return plain if len(plain) <= 200 else plain[:200] + "..."
