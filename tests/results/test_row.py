"""A row is used as it was written, or not at all."""

from __future__ import annotations

import json
import random
from pathlib import Path
from typing import Any

import pytest
from pydantic import ValidationError
from support.storedrows import CELL, files, row

from benchmark.core.errors import DataError, RowError
from benchmark.results.row import SCHEMA_VERSION, Row, digest_of, name_of, parse, shown
from benchmark.results.store import Store

AXES = {"task": "digits", "noise": "symmetric", "method": "erm", "model": "cnn", "trainer": "quick"}


def whole_row(**fields: Any) -> Row:
    content = {"cell": CELL, "seed": (3, 3, 3), "status": "ok", "labels": AXES, "metrics": {"test/last/accuracy": 1, "test/last/loss": 0.1 + 0.2}}
    return Row(
        **(content | AXES | {"cost": {"passes": 12}, "config": {"task": {"problem": "multiclass"}}, "provenance": {"dirty": False, "text": "ö\u202e"}} | fields)
    )


def test_no_byte_of_a_row_can_change_unnoticed() -> None:
    one, draw, refused = whole_row(), random.Random(18), 0
    text, changes = (one.model_dump_json(indent=1) + "\n").encode(), 2000
    for _ in range(changes):
        at = draw.randrange(len(text))
        changed = text[:at] + bytes([draw.randrange(256)]) + text[at + 1 :]
        try:
            assert parse(changed, Path("x.json"), name_of(CELL, (3, 3, 3))) == one
        except DataError:
            refused += 1
    assert refused > changes / 2


def test_the_digest_covers_every_field_and_follows_a_change() -> None:
    one = whole_row()
    content = json.loads(one.model_dump_json())
    assert content["digest"] == digest_of(content) == one.digest
    for field, value in {"labels": AXES | {"method": "gce"}, "error": "none", "provenance": {}, "config": {"task": {"problem": "tagging"}}}.items():
        with pytest.raises(RowError, match="do not hash to its digest"):
            parse(json.dumps(content | {field: value}).encode(), Path("x.json"))
        changed = one.model_copy(update={field: value})
        assert parse(changed.model_dump_json().encode(), Path("x.json")) == changed
        assert changed.digest != one.digest


def test_a_row_under_another_name_is_refused() -> None:
    text = whole_row().model_dump_json().encode()
    assert parse(text, Path("x.json"), f"{CELL}-3").cell == CELL
    with pytest.raises(RowError, match="stored under another name"):
        parse(text, Path("x.json"), f"{CELL}-4")


def test_rows_of_the_first_schema_are_read_and_become_rows_of_today() -> None:
    first = {key: value for key, value in json.loads(whole_row().model_dump_json()).items() if key != "digest"} | {"schema_version": 1}
    assert parse(json.dumps(first).encode(), Path("x.json")) == whole_row()
    with pytest.raises(RowError, match="schema_version 1 is none"):  # today's row does not pass for one without a digest
        parse(json.dumps(first | {"digest": "0" * 64}).encode(), Path("x.json"))
    del first["schema_version"]
    with pytest.raises(RowError, match="schema_version None is none"):
        parse(json.dumps(first).encode(), Path("x.json"))


def test_what_somebody_else_wrote_is_shown_on_one_plain_line() -> None:
    assert shown("a\nb\x1b[31m\u202ec") == "a?b?[31m?c"
    assert len(shown("x" * 10_000)) < 300


@pytest.fixture
def store(tmp_path: Path) -> Store:
    return Store(tmp_path)


def altered(store: Store, **changes: Any) -> Path:
    store.write(row())
    (path,) = files(store)
    content = json.loads(path.read_text()) | changes
    path.write_text(json.dumps(content | {"digest": digest_of(content)}))  # whoever alters a row on purpose can hash it too
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
    with pytest.raises(RowError, match="is not a valid row"):
        parse(path.read_bytes(), path)
