"""A short part of the fuzzing, the same inputs every time; and rows that hypothesis draws."""

from __future__ import annotations

import contextlib
import json
import random
import time
from pathlib import Path

import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from benchmark.core.errors import DataError, RowError
from benchmark.results.row import Row, parse
from fuzz.__main__ import fuzz, outcome
from fuzz.mutations import altered

PART = 12  # inputs of each kind
JSON = st.recursive(st.none() | st.booleans() | st.integers() | st.floats() | st.text(), lambda inner: st.lists(inner) | st.dictionaries(st.text(), inner))


def test_nothing_is_found_in_a_short_part(tmp_path: Path) -> None:
    counts, found = fuzz(tmp_path, seed=1, seconds=1000, most=PART)
    assert not found, next(iter(found.items()))
    assert all(count.total() == PART for count in counts.values())
    assert all(count["one line"] + count["read"] == PART for count in counts.values())


def test_what_is_found_is_told_apart() -> None:
    def loop(draw: random.Random) -> None:
        while True:
            time.sleep(0.01)

    def broken(draw: random.Random) -> None:
        raise KeyError("x")

    with pytest.MonkeyPatch.context() as patch:
        patch.setattr("fuzz.__main__.LIMIT", 0.05)
        assert outcome(loop, random.Random(0))[0] == "hang"
    assert outcome(broken, random.Random(0))[0] == "traceback"
    content = b"0123456789" * 20
    assert sum(altered(content, random.Random(i)) == content for i in range(200)) < 5


@settings(max_examples=60, deadline=None, derandomize=True, database=None)
@given(st.dictionaries(st.sampled_from([*Row.model_fields, "more"]), JSON))
def test_no_json_is_a_traceback(value: dict[str, object]) -> None:
    with contextlib.suppress(RowError, DataError):
        parse(json.dumps(value).encode(), Path("x"))
