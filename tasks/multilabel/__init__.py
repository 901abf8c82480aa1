"""Multi-label: a user's own table with a column of 0 and 1 for each label and, where somebody knows them, columns of right ones."""

from __future__ import annotations

import logging
from collections.abc import Sequence
from pathlib import Path
from typing import Any

import numpy as np
import pandas as pd

from benchmark.core.errors import ConfigError, DataError
from benchmark.core.files import FileName, NamedFile
from benchmark.core.paths import Paths
from benchmark.core.types import Task
from benchmark.data import images
from benchmark.data import own as owndata
from benchmark.data.columns import vector_inputs
from benchmark.data.problems import MultiLabel

log = logging.getLogger(__name__)


def load(
    paths: Paths,
    path: FileName | None = None,
    labels: Sequence[Any] = (),
    clean: Sequence[Any] = (),
    inputs: str = "vector",
    images_from: str | int | None = None,
    size: int = 32,
    channels: int = 3,
    ignore: Sequence[Any] = (),
    categorical: Sequence[Any] = (),
    test_fraction: float = 0.2,
) -> Task:
    """Inputs are all other columns, or the images that one column names.

    Args:
        paths: a relative ``path`` starts at the working directory or else at ``paths.data``.
        path: csv or parquet.
        labels: columns of observed labels: 1, 0, and -1 or empty where nobody looked. A row of which no label, or no right label, is known is left out.
        clean: columns of right labels in the same order; a pair whose right label is unknown is left out.
        inputs: vector, or image with ``images_from``.
        images_from: column of image files; they start at the folder of the table.
        size: height and width of the images.
        channels: 3 for color, 1 for gray.
        ignore: columns that are no inputs.
        categorical: columns of numbers that are names.
        test_fraction: share of the rows set aside for good.

    Raises:
        ConfigError: a setting is missing or wrong. DataError: the file cannot be used.
    """
    if not labels or len(clean) not in (0, len(labels)):
        raise ConfigError(f"task.labels={labels} and task.clean={clean}: give the columns of labels, and none or as many of right ones")
    if (inputs == "image") != (images_from is not None):
        raise ConfigError(
            f"task.inputs={inputs} and task.images_from={images_from}: images need task.inputs=image, task.images_from=COLUMN and a model for them"
        )
    file = owndata.find(path, "task.path", paths)
    table = owndata.read(file)
    observed = _grid(table, labels, "task.labels", file)
    right = _grid(table, clean, "task.clean", file) if clean else None
    known = np.all([(grid >= 0).any(1) for grid in (observed, right) if grid is not None], axis=0)
    if not known.all():
        line, gone = table.index[~known][0], int((~known).sum())
        log.warning("%s line %s has no known label and is left out, with %d rows like it", file, line, gone - 1)
        table, observed, right = table[known], observed[known], None if right is None else right[known]
        owndata.check_size(file, len(table), "rows with a known label")
    if images_from is not None:
        x = images.decode([file.parent / str(name) for name in owndata.column(table, images_from, "task.images_from", file)], size, channels)
        split = owndata.set_aside(file, x.numpy(), test_fraction)
    else:
        x, split = vector_inputs(table, [*labels, *clean], ignore, categorical, file, test_fraction)
    problem = MultiLabel([str(name) for name in labels])
    return owndata.own_task(problem, x, observed, right, split, places=table.index.to_numpy(), files=owndata.digests(file))


def _grid(table: pd.DataFrame, names: Sequence[Any], key: str, path: Path) -> np.ndarray:
    """(E, C) int64 in {0, 1}, -1 where nobody looked.

    Raises:
        DataError: another value, or a label that never has both.
    """
    columns = []
    for name in names:
        given = owndata.column(table, name, key, path)
        value = pd.to_numeric(given, errors="coerce").where(given.notna(), -1).to_numpy(np.float64, na_value=np.nan)
        bad = np.flatnonzero(~np.isin(value, (-1, 0, 1)))
        if len(bad):
            raise DataError(f"{path} line {given.index[bad[0]]}: label {str(name)!r} is {given.iloc[bad[0]]}: write 1, 0, or -1 or nothing where nobody looked")
        if not {0, 1} <= set(value):
            raise DataError(f"{path}: label {str(name)!r} never is {0 if 1 in value else 1}: leave it out")
        columns.append(value.astype(np.int64))
    return np.stack(columns, axis=1)


def contents(named: NamedFile) -> list[Path]:
    """Return the files that are the data: the table, with the images that it names where they are the inputs."""
    if named.found is None:
        return []
    column = named.config.get("images_from")
    return [named.found] if column is None else owndata.listed_with(named.found, str(column))
