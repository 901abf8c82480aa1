"""What tasks over a user's own files share: finding and reading a file, its labels, and the task that comes out.

Policy: a cell that is empty, ``NaN``, ``nan`` or ``NA`` is missing; ``None`` is a word. The test part depends on the inputs alone, never on
labels, and no split depends on the name of the file: a file that is moved or renamed keeps its rows. Without a column of right labels
everything, the test part too, is scored on observed labels, and rows say so.
"""

from __future__ import annotations

import csv
import gzip
import io
import sys
import zlib
from collections.abc import Mapping, Sequence
from pathlib import Path

import numpy as np
import pandas as pd
from pyarrow import ArrowException
from torch import Tensor

from benchmark.core.errors import ConfigError, DataError, choices
from benchmark.core.files import opened, sha256_of
from benchmark.core.paths import Paths
from benchmark.core.types import Examples, Problem, Task
from benchmark.data.reading import held_out

LARGEST = 1 << 31  # bytes of a table, unpacked
SMALLEST = 20  # examples of a task: fewer leave nothing to validate and test on
VAL_FRACTION = 0.2
UNREADABLE = (  # what a table that is damaged makes pandas, Arrow, csv and gzip raise
    ValueError, OSError, EOFError, zlib.error, csv.Error, ArrowException, KeyError, IndexError, TypeError, NotImplementedError, OverflowError,
    MemoryError, RecursionError,
)  # fmt: skip
MISSING = ["", "NaN", "nan", "NA"]


def find(path: str | None, key: str, paths: Paths) -> Path:
    """The file or folder that ``key`` names, relative to the working directory or else to ``paths.data``.

    Raises:
        ConfigError: no name. DataError: nothing is there, or what is neither a file nor a folder.
    """
    if not path:
        raise ConfigError(f"{key} is missing: give {key}=FILE")
    try:
        for base in (Path.cwd(), paths.data):
            found = base / Path(path).expanduser()
            if found.is_file() or found.is_dir():
                return found
            if found.exists():
                raise DataError(f"{key}={path} is a pipe or device: give a file or folder")
    except (OSError, ValueError, RuntimeError) as error:  # too long, a null character, an unknown user's home
        raise DataError(f"{key}={path} is no name of a file ({error}): correct the path") from error
    raise DataError(f"{key}={path} does not exist in {Path.cwd()} or {paths.data}: correct the path")


def listed_with(table: Path, key: str) -> list[Path]:
    """Return a table and the files that its column ``key`` names, relative to its folder: together they are the data.

    Raises:
        DataError: the table cannot be read.
    """
    content = read(table)
    named = [table.parent / str(name) for name in content[key]] if key in content else []
    return [table, *(path for path in named if path.is_file())]


def digests(*found: Path | None) -> dict[str, str]:
    """sha256 of files and folders, for the row's provenance."""
    return {str(path): sha256_of(path) for path in found if path is not None}


def read(path: Path) -> pd.DataFrame:
    """A csv or parquet file; its index tells the line of the file on which a row begins (csv, the header is 1) or the row from 1 (parquet).

    Raises:
        DataError: it cannot be read as a table, or has fewer than 20 rows.
    """
    binary = path.suffix == ".parquet"
    try:
        if binary:
            table = pd.read_parquet(path)
            table.index = np.arange(1, len(table) + 1)
        else:
            content = unpacked(path)
            table = pd.read_csv(io.BytesIO(content), encoding="utf-8-sig", skip_blank_lines=False, low_memory=False, keep_default_na=False, na_values=MISSING)
            table.index = _lines(content)[1 : len(table) + 1]
    except UNREADABLE as error:
        reason = (str(error).strip().splitlines() or [type(error).__name__])[0]
        raise DataError(f"{path} cannot be read as {'parquet' if binary else 'csv'} ({reason}): repair it, or give a csv or parquet file") from error
    table = table.dropna(how="all")
    check_size(path, len(table), "rows")
    return table.set_axis(table.columns.map(str), axis=1)


def unpacked(path: Path) -> bytes:
    """Return the content of a file, unpacked where its name ends in .gz.

    Raises:
        DataError: it is no file, or holds too much. OSError, EOFError, zlib.error: it is damaged.
    """
    with opened(path) as file, gzip.GzipFile(fileobj=file) if path.suffix == ".gz" else file as stream:
        content = stream.read(LARGEST + 1)
    if len(content) > LARGEST:
        raise DataError(f"{path} holds more than {LARGEST} bytes: give a part of it, or a parquet file")
    return content


def _lines(content: bytes) -> list[int]:
    """The line of a csv file on which each of its records, the header first, begins: cells in quotes may hold line breaks."""
    begins, limit = [1], csv.field_size_limit(sys.maxsize)
    try:
        with io.TextIOWrapper(io.BytesIO(content), encoding="utf-8-sig", newline="") as file:
            records = csv.reader(file)
            begins += [records.line_num + 1 for _ in records]
    finally:
        csv.field_size_limit(limit)
    return begins


def check_size(path: Path, size: int, what: str) -> None:
    """Refuse what cannot be split.

    Raises:
        DataError: fewer than 20 examples.
    """
    if size < SMALLEST:
        raise DataError(f"{path} has {size} {what}: training, validation and test need at least {SMALLEST}")


def column(table: pd.DataFrame, name: str | int | None, key: str, path: Path) -> pd.Series:
    """The column that ``key`` names.

    Raises:
        ConfigError: no name. DataError: no such column.
    """
    if name is None:
        raise ConfigError(f"{key} is missing: give {key}=COLUMN; {path.name} has {', '.join(table.columns)}")
    if str(name) not in table:
        raise DataError(f"{path} has no column {str(name)!r} ({key}): {choices(name, table.columns)}")
    return table[str(name)]


def classes(columns: Sequence[pd.Series], path: Path) -> tuple[list[str], list[np.ndarray]]:
    """Sorted class names over all columns, and the class ids (E,) of each.

    Raises:
        DataError: a missing label, or a single class.
    """
    texts = []
    for given in columns:
        if given.isna().any():
            raise DataError(
                f"{path} line {given.index[given.isna()][0]}: {given.name!r} is empty ({given.isna().sum()} such rows): fill it in or remove the row"
            )
        whole = given.dtype.kind == "f" and bool((given == given.round()).all())  # 1.0 is the class 1
        texts.append((given.astype(np.int64) if whole else given).astype(str).str.strip().to_numpy(dtype=object))
    names = sorted(set().union(*texts))
    if len(names) < 2:
        raise DataError(f"{path}: {columns[0].name!r} is always {names[0]!r}: nothing can be learned")
    if len(names) > len(columns[0]) / 2:
        raise DataError(f"{path}: {columns[0].name!r} has {len(names)} classes in {len(columns[0])} rows: choose another column, or task.problem=regression")
    number = {name: i for i, name in enumerate(names)}
    return names, [np.array([number[text] for text in side], dtype=np.int64) for side in texts]


def numbers(given: pd.Series, path: Path) -> np.ndarray:
    """(E,) float64 targets. Five distinct values are a legal scale; one is not.

    Raises:
        DataError: a target that is missing, infinite or no number, or a constant.
    """
    value = pd.to_numeric(given, errors="coerce").to_numpy(np.float64, na_value=np.nan)
    bad = np.flatnonzero(~np.isfinite(value))
    if len(bad):
        shown = given.iloc[bad[0]]
        raise DataError(f"{path} line {given.index[bad[0]]}: {given.name!r} is {shown}, no finite number ({len(bad)} such rows): correct or remove them")
    if np.ptp(value) == 0:
        raise DataError(f"{path}: {given.name!r} is always {value[0]:g}: nothing can be learned")
    return value


def set_aside(path: Path, keys: np.ndarray, fraction: float) -> tuple[np.ndarray, np.ndarray]:
    """Test examples (E,) bool, and groups (E,); ``keys`` (E, ...) are equal where inputs are.

    Raises:
        ConfigError: a fraction outside (0, 1). DataError: one side is empty.
    """
    if not 0 < fraction < 1:
        raise ConfigError(f"task.test_fraction={fraction} is outside (0, 1)")
    held, groups = held_out("own", keys, round(fraction * len(keys)))
    if not held.any() or len(np.unique(groups[~held])) < 3:
        raise DataError(f"{path}: only {len(np.unique(groups))} examples differ in their inputs: they cannot be split, add inputs or change task.test_fraction")
    return held, groups


def own_task(
    problem: Problem,
    x: Tensor,
    observed: np.ndarray,
    right: np.ndarray | None,
    split: tuple[np.ndarray, np.ndarray],
    *,
    places: np.ndarray,
    files: Mapping[str, str],
) -> Task:
    """Return a task of all examples of a file, whose name is no part of it.

    Inputs are (E, ...), with observed and perhaps right labels, the split of ``set_aside`` and places (E, ...).
    """
    held, groups = split
    y = observed if right is None else right
    train, test = (Examples(x[np.flatnonzero(side)], y[side]) for side in (~held, held))
    return Task(
        f"own-{problem.name}",
        problem,
        train,
        test,
        np.unique(groups[~held], return_inverse=True)[1],
        annotations={"observed": observed[~held]},
        val_fraction=VAL_FRACTION,
        clean=right is not None,
        test_labels="observed" if right is None else "right",
        places=np.concatenate([places[~held], places[held]]),
        files=files,
    )
