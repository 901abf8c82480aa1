"""UCI: any table of numbers or words whose last column is the target, from the folder ``uci`` of the data."""

from __future__ import annotations

from dataclasses import replace
from pathlib import Path

from benchmark.core.errors import DataError, choices
from benchmark.core.files import FileName, NamedFile
from benchmark.core.paths import Paths
from benchmark.core.types import Task
from benchmark.data import own as owndata
from benchmark.data.columns import vector_inputs
from benchmark.data.problems import Regression


def load(paths: Paths, table: FileName = "concrete", target: str | None = None, test_fraction: float = 0.2) -> Task:
    """All other columns are inputs: numbers standardized, words one-hot.

    Args:
        paths: the csv files are in ``paths.data/uci``.
        table: name of a csv file without its ending.
        target: a column; null = the last one.
        test_fraction: share of the rows set aside for good.

    Raises:
        ConfigError: a setting is wrong. DataError: the table is missing or cannot be used.
    """
    folder = paths.data / "uci"
    file = folder / f"{table}.csv"
    if not file.is_file():
        known = sorted(path.stem for path in folder.glob("*.csv"))
        how = choices(table, known) if known else f"put csv files with a header line and the target in the last column into {folder}"
        raise DataError(f"task.table={table}: {file} is missing: {how}")
    found = owndata.read(file)
    name = str(found.columns[-1]) if target is None else target
    y = owndata.numbers(owndata.column(found, name, "task.target", file), file)
    x, split = vector_inputs(found, [name], [], [], file, test_fraction)
    task = owndata.own_task(Regression(name), x, y, y, split, places=found.index.to_numpy(), files=owndata.digests(file))
    return replace(task, name=f"uci-{table}", annotations={})


def contents(named: NamedFile) -> list[Path]:
    """Return the file that a table's name means."""
    file = named.data / "uci" / f"{named.value}.csv"
    return [file] if file.is_file() else []
