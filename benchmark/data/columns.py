"""Columns of a user's table as inputs of a network: standardized numbers and one-hot words."""

from __future__ import annotations

from collections.abc import Sequence
from pathlib import Path
from typing import Any

import numpy as np
import pandas as pd
import torch
from pandas.api.types import is_numeric_dtype
from torch import Tensor

from benchmark.core.errors import DataError
from benchmark.data import own as owndata
from benchmark.data.reading import standardized

MOST_LEVELS = 200


def feature_columns(table: pd.DataFrame, leave_out: Sequence[str | int | None], path: Path) -> pd.DataFrame:
    """The columns that are inputs.

    Raises:
        DataError: none is left, or a number is infinite.
    """
    found = table.drop(columns=[str(name) for name in leave_out if name is not None and str(name) in table])
    if found.shape[1] == 0:
        raise DataError(f"{path} has no input column beside {', '.join(map(str, table.columns))}: add columns")
    for name in found:
        if is_numeric_dtype(found[name]):
            infinite = np.isinf(found[name].to_numpy(np.float64, na_value=np.nan))
            if infinite.any():
                raise DataError(f"{path} line {found.index[infinite][0]}: {name!r} is infinite: correct it, or leave the column out with task.ignore=[{name}]")
    return found


def keys(table: pd.DataFrame) -> np.ndarray:
    """(E, C) int64, equal rows where the inputs are equal."""
    return np.stack([pd.factorize(table[name])[0] for name in table], axis=1).astype(np.int64)


def encoded(table: pd.DataFrame, known: np.ndarray, categorical: Sequence[str | int], path: Path) -> np.ndarray:
    """Inputs (E, D) float32. Everything is learned from the ``known`` (training) rows alone.

    Numbers are standardized; a missing one becomes the mean, and a 0/1 column tells where, if training misses some. Words (and the
    ``categorical`` numbers) are one-hot over the levels of training, missing being a level; a level that only the test part has is all zeros.

    Raises:
        DataError: a column of words has more than 200 levels.
    """
    words = {str(name) for name in categorical}
    blocks = []
    for name in table:
        given = table[name]
        if is_numeric_dtype(given) and name not in words:
            value = given.to_numpy(np.float64, na_value=np.nan)
            missing = np.isnan(value)
            fill = value[known & ~missing].mean() if (known & ~missing).any() else 0.0
            blocks.append(standardized(np.where(missing, fill, value)[:, None], known))
            blocks += [missing[:, None]] if missing[known].any() else []
            continue
        text = given.astype(object).where(given.notna(), "").astype(str).to_numpy(dtype=object)
        levels = sorted(set(text[known]))
        if len(levels) > MOST_LEVELS:
            raise DataError(f"{path}: column {name!r} has {len(levels)} levels (at most {MOST_LEVELS}): leave it out with task.ignore=[{name}]")
        blocks.append(text[:, None] == np.array(levels, dtype=object))
    return np.concatenate(blocks, axis=1).astype(np.float32)


def vector_inputs(
    table: pd.DataFrame, labels: Sequence[str | int | None], ignore: Sequence[Any], categorical: Sequence[Any], path: Path, test_fraction: float
) -> tuple[Tensor, tuple[np.ndarray, np.ndarray]]:
    """All columns but ``labels`` and ``ignore`` as numbers (E, D), learned from the rows that are not set aside, and ``owndata.set_aside``'s split.

    Raises:
        ConfigError: a named column is not there.
        DataError: no column is left, or one cannot be used.
    """
    for name in [*ignore, *categorical]:
        owndata.column(table, name, "task.ignore or task.categorical", path)
    features = feature_columns(table, [*labels, *ignore], path)
    split = owndata.set_aside(path, keys(features), test_fraction)
    return torch.from_numpy(encoded(features, ~split[0], categorical, path)), split
