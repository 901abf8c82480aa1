"""Lines of a table that agree in some columns."""

from __future__ import annotations

import sys

import numpy as np
import pandas as pd
import pytest

from benchmark.stats.groups import as_text, groups, keys


def table(categorical: bool) -> pd.DataFrame:
    rng = np.random.default_rng(0)
    made = pd.DataFrame({"text": rng.choice(list("abc"), 60), "number": rng.integers(0, 4, 60), "pair": [(n % 2, n % 3) for n in rng.integers(0, 9, 60)]})
    return made.astype({"text": "category"}) if categorical else made


@pytest.mark.parametrize("categorical", [False, True])
@pytest.mark.parametrize("room", [2**62, 5])  # with little room products of sizes are numbered anew
def test_keys_are_equal_exactly_where_all_columns_are(categorical: bool, room: int, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(sys.modules[keys.__module__], "ROOM", room)  # the package has a function of the module's name
    lines = table(categorical)
    key = keys(lines, ["text", "number", "pair"])
    whole = list(lines.itertuples(index=False, name=None))
    assert [[a == b for b in whole] for a in whole] == (key[:, None] == key).tolist()


def test_groups_are_numbered_as_they_appear_with_their_first_lines() -> None:
    number, first = groups(table(True), ["number"])
    seen = list(dict.fromkeys(table(True)["number"]))
    assert [seen.index(value) for value in table(True)["number"]] == number.tolist()
    assert [number[line] for line in first] == list(range(len(seen)))
    assert all(number[line] not in number[:line] for line in first)


def test_categories_become_their_text() -> None:
    assert as_text(table(True)).equals(table(False).astype({"text": object}))
