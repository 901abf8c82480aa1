"""Age: how old a person is, from ready features of face crops or from the crops themselves."""

from __future__ import annotations

from dataclasses import replace
from pathlib import Path

from benchmark.core.files import FileName, NamedFile
from benchmark.core.paths import Paths
from benchmark.core.types import Task
from benchmark.data import images
from benchmark.data import own as owndata
from benchmark.data.columns import vector_inputs
from benchmark.data.problems import Regression


def load(paths: Paths, source: FileName = "age_features/age_features.parquet", size: int = 64, channels: int = 3, test_fraction: float = 0.2) -> Task:
    """Ages in years, taken for right.

    Args:
        paths: a relative ``source`` starts at the working directory or else at ``paths.data``.
        source: csv or parquet with a column age. With a column path, of images relative to the file's folder, they are the inputs; otherwise all other
            columns are.
        size: height and width that all images get.
        channels: 3 for color, 1 for gray.
        test_fraction: share of the rows set aside for good.

    Raises:
        ConfigError: a setting is wrong. DataError: a file is missing or cannot be used.
    """
    file = owndata.find(source, "task.source", paths)
    table = owndata.read(file)
    y = owndata.numbers(owndata.column(table, "age", "age", file), file)
    if "path" in table:
        x = images.decode([file.parent / str(name) for name in table["path"]], size, channels)
        split = owndata.set_aside(file, x.numpy(), test_fraction)
    else:
        x, split = vector_inputs(table, ["age"], [], [], file, test_fraction)
    task = owndata.own_task(Regression("age"), x, y, y, split, places=table.index.to_numpy(), files=owndata.digests(file))
    return replace(task, annotations={})


def contents(named: NamedFile) -> list[Path]:
    """Return the files that are the data: the table, with the images of its column path."""
    return [] if named.found is None else owndata.listed_with(named.found, "path")
