"""A row is used as it was written, or not at all."""

from __future__ import annotations

import json
import random
from pathlib import Path
from typing import Any

import pytest

from benchmark.core.errors import DataError, RowError
from benchmark.results.row import Row, digest_of, name_of, parse, shown

AXES = {"task": "digits", "noise": "symmetric", "method": "erm", "model": "cnn", "trainer": "quick"}
CELL = "0a1b2c3d4e5f6071"


def row(**fields: Any) -> Row:
    content = {"cell": CELL, "seed": (3, 3, 3), "status": "ok", "labels": AXES, "metrics": {"test/last/accuracy": 1, "test/last/loss": 0.1 + 0.2}}
    return Row(
        **(content | AXES | {"cost": {"passes": 12}, "config": {"task": {"problem": "multiclass"}}, "provenance": {"dirty": False, "text": "ö\u202e"}} | fields)
    )


def test_no_byte_of_a_row_can_change_unnoticed() -> None:
    one, draw, refused = row(), random.Random(18), 0
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
    one = row()
    content = json.loads(one.model_dump_json())
    assert content["digest"] == digest_of(content) == one.digest
    for field, value in {"labels": AXES | {"method": "gce"}, "error": "none", "provenance": {}, "config": {"task": {"problem": "tagging"}}}.items():
        with pytest.raises(RowError, match="do not hash to its digest"):
            parse(json.dumps(content | {field: value}).encode(), Path("x.json"))
        changed = one.model_copy(update={field: value})
        assert parse(changed.model_dump_json().encode(), Path("x.json")) == changed
        assert changed.digest != one.digest


def test_a_row_under_another_name_is_refused() -> None:
    text = row().model_dump_json().encode()
    assert parse(text, Path("x.json"), f"{CELL}-3").cell == CELL
    with pytest.raises(RowError, match="stored under another name"):
        parse(text, Path("x.json"), f"{CELL}-4")


def test_rows_of_the_first_schema_are_read_and_become_rows_of_today() -> None:
    first = {key: value for key, value in json.loads(row().model_dump_json()).items() if key != "digest"} | {"schema_version": 1}
    assert parse(json.dumps(first).encode(), Path("x.json")) == row()
    with pytest.raises(RowError, match="schema_version 1 is none"):  # today's row does not pass for one without a digest
        parse(json.dumps(first | {"digest": "0" * 64}).encode(), Path("x.json"))
    del first["schema_version"]
    with pytest.raises(RowError, match="schema_version None is none"):
        parse(json.dumps(first).encode(), Path("x.json"))


def test_what_somebody_else_wrote_is_shown_on_one_plain_line() -> None:
    assert shown("a\nb\x1b[31m\u202ec") == "a?b?[31m?c"
    assert len(shown("x" * 10_000)) < 300
