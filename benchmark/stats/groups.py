"""Lines of a table that agree in some columns, as integers: text and tuples are hashed once a column, not once a question."""

from __future__ import annotations

from collections.abc import Sequence

import numpy as np
import pandas as pd

ROOM = 2**62  # products of the columns' sizes beyond do not fit


def keys(table: pd.DataFrame, columns: Sequence[str]) -> np.ndarray:
    """(N,) int64, equal exactly where all columns are equal.

    >>> keys(pd.DataFrame({"a": list("xyx"), "b": [1, 1, 1]}), ["a", "b"]).tolist()
    [0, 1, 0]
    """
    out, room = np.zeros(len(table), dtype=np.int64), 1
    for name in columns:
        column = table[name]
        categorical = isinstance(column.dtype, pd.CategoricalDtype)
        own, size = (column.cat.codes.to_numpy(), len(column.cat.categories)) if categorical else _factorized(column)
        if room * max(size, 1) > ROOM:
            out, room = _factorized(out)
        out, room = out * max(size, 1) + own, room * max(size, 1)
    return out


def groups(table: pd.DataFrame, columns: Sequence[str]) -> tuple[np.ndarray, np.ndarray]:
    """Number of each line's group in order of first appearance, (N,), and the first line of every group, (G,).

    >>> [part.tolist() for part in groups(pd.DataFrame({"a": list("yxy")}), ["a"])]
    [[0, 1, 0], [0, 1]]
    """
    number, _ = pd.factorize(keys(table, columns))
    return number, np.unique(number, return_index=True)[1]


def as_text(table: pd.DataFrame) -> pd.DataFrame:
    """Categorical columns as what they stand for: for tables that are joined with others, or read line by line."""
    return table.astype({name: object for name in table if isinstance(table[name].dtype, pd.CategoricalDtype)})


def _factorized(values: pd.Series | np.ndarray) -> tuple[np.ndarray, int]:
    codes, found = pd.factorize(values)
    return codes.astype(np.int64), len(found)
