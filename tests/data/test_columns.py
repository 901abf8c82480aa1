"""Columns of a table become inputs."""

from __future__ import annotations

from pathlib import Path

import numpy as np
import pandas as pd
from support import ownfiles

from benchmark.data.columns import encoded, feature_columns


def test_inputs_are_learned_from_training_rows_alone() -> None:
    found = pd.DataFrame({"n": [1.0, 3.0, np.nan, 100.0], "w": ["x", "y", "x", "new"], "id": [7, 8, 7, 8]})
    x = encoded(found, np.array([True, True, True, False]), ["id"], Path("f.csv"))
    sd = np.std([1.0, 3.0, 2.0])
    assert np.allclose(x[:, 0], [-1 / sd, 1 / sd, 0, 5])  # the missing number is the mean, the far one is cut
    assert x[:, 1].tolist() == [0, 0, 1, 0]
    assert x[:, 2:4].tolist() == [[1, 0], [0, 1], [1, 0], [0, 0]]  # a level that only the test part has is no level
    assert x[:, 4:].tolist() == [[1, 0], [0, 1], [1, 0], [0, 1]]


def test_no_column_is_an_input_twice() -> None:
    found = feature_columns(ownfiles.table(), ["given", "right", None, "price", "right_price"], Path("f.csv"))
    assert list(found) == ["a", "b", "color"]
