"""Table: a user's own csv or parquet file with a column of observed labels and, where somebody knows them, one of right labels."""

from __future__ import annotations

from collections.abc import Sequence
from typing import Any

from benchmark.core.errors import ConfigError
from benchmark.core.files import FileName
from benchmark.core.paths import Paths
from benchmark.core.types import Problem, Task
from benchmark.data import own as owndata
from benchmark.data.columns import vector_inputs
from benchmark.data.problems import Multiclass, Regression


def load(
    paths: Paths,
    path: FileName | None = None,
    target: str | int | None = None,
    clean: str | int | None = None,
    problem: str = "multiclass",
    ignore: Sequence[Any] = (),
    categorical: Sequence[Any] = (),
    test_fraction: float = 0.2,
) -> Task:
    """All other columns are inputs: numbers standardized, words one-hot.

    Args:
        paths: a relative ``path`` starts at the working directory or else at ``paths.data``.
        path: csv or parquet.
        target: column of observed labels.
        clean: column of right labels; without it the labels are scored as they were observed.
        problem: multiclass or regression.
        ignore: columns that are no inputs.
        categorical: columns of numbers that are names.
        test_fraction: share of the rows set aside for good.

    Raises:
        ConfigError: a setting is missing or wrong. DataError: the file cannot be used.
    """
    if problem not in ("multiclass", "regression"):
        raise ConfigError(f"task.problem={problem} is not what a table holds: give multiclass or regression")
    file = owndata.find(path, "task.path", paths)
    table = owndata.read(file)
    targets = [owndata.column(table, target, "task.target", file)]
    targets += [] if clean is None else [owndata.column(table, clean, "task.clean", file)]
    if problem == "multiclass":
        names, labels = owndata.classes(targets, file)
        kind: Problem = Multiclass(names)
    else:
        kind, labels = Regression(str(target)), [owndata.numbers(given, file) for given in targets]
    x, split = vector_inputs(table, [target, clean], ignore, categorical, file, test_fraction)
    right = labels[1] if clean is not None else None
    return owndata.own_task(kind, x, labels[0], right, split, places=table.index.to_numpy(), files=owndata.digests(file))
