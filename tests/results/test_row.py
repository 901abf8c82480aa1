"""A row is refused when it is not what it should be."""

from __future__ import annotations

import json
from pathlib import Path
from typing import Any

import pytest
from pydantic import ValidationError
from support.storedrows import CELL, files, row

from benchmark.core.errors import DataError, RowError
from benchmark.results.row import SCHEMA_VERSION, parse
from benchmark.results.store import Store


@pytest.fixture
def store(tmp_path: Path) -> Store:
    return Store(tmp_path)


def altered(store: Store, **changes: Any) -> Path:
    store.write(row())
    (path,) = files(store)
    path.write_text(json.dumps(json.loads(path.read_text()) | changes))
    return path


def test_a_row_of_a_later_schema_is_refused(store: Store) -> None:
    path = altered(store, schema_version=SCHEMA_VERSION + 1, a_new_field=1)
    with pytest.raises(DataError, match=f"has schema_version {SCHEMA_VERSION + 1}, this version reads up to {SCHEMA_VERSION}: update the suite") as caught:
        store.read(CELL, (3, 3, 3))
    assert str(path) in str(caught.value)


@pytest.mark.parametrize(
    "changes",
    [
        {"colour": "red"},
        {"status": "running"},
        {"seed": [1, 2]},
        {"seed": 3},
        {"metrics": {"a": "high"}},
        {"metrics": {"a": None}},
        {"labels": {"noise": 3}},
        {"cell": None},
    ],
)
def test_fields_that_do_not_belong_are_refused(store: Store, changes: dict[str, Any]) -> None:
    altered(store, **changes)
    with pytest.raises(RowError, match="is not a valid row") as caught:
        parse(store.path(CELL, (3, 3, 3)).read_bytes(), store.path(CELL, (3, 3, 3)))
    assert "\n" not in str(caught.value)
    assert store.read(CELL, (3, 3, 3)) is None


@pytest.mark.parametrize("content", [b"[]", b"null", b"3", b"\xff\xfe", b'{"schema_version": "x"}', b"{}"])
def test_json_that_is_no_row_is_refused(content: bytes) -> None:
    with pytest.raises(RowError, match="is not a valid row") as caught:
        parse(content, Path("x.json"))
    assert "\n" not in str(caught.value)


def test_unknown_fields_are_refused_before_they_are_written() -> None:
    with pytest.raises(ValidationError, match="Extra inputs are not permitted"):
        row(colour="red")


@pytest.mark.parametrize("value", [float("nan"), float("inf"), -float("inf")])
def test_numbers_that_are_none_are_refused(store: Store, value: float) -> None:
    with pytest.raises(ValidationError, match="finite number"):
        row(metrics={"test/last/accuracy": value})
    path = altered(store)
    path.write_text(path.read_text().replace("0.75", json.dumps(value)))
    with pytest.raises(RowError, match="finite number"):
        parse(path.read_bytes(), path)
