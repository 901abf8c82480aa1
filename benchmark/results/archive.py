"""The compacted store: ``rows.parquet`` holds many rows in one file, each whole, and beside it the columns that a board reads.

A line is a run: its name (``<cell>-<seed>``), ``runs.TEXTS`` and ``runs.NUMBERS``, and ``row``, the row's JSON. A board reads the columns without the rows;
a sweep, ``verify``, ``doctor`` and the pages of cells read single rows, from the group of ``GROUP`` lines that holds them. Files under ``runs``
win over the archive: a row that supersedes is written there, and the next ``make compact`` takes it in.
"""

from __future__ import annotations

import functools
import os
from collections.abc import Iterable, Iterator, Sequence
from contextlib import contextmanager
from itertools import chain, islice
from pathlib import Path

import numpy as np
import pyarrow as pa
import pyarrow.parquet as pq

from benchmark.core.digests import digest
from benchmark.core.errors import DataError
from benchmark.core.files import writing
from benchmark.results.columns import NUMBERS, TEXTS, of_rows
from benchmark.results.row import Row, State, name_of, parse
from benchmark.stats.analysis_plan import PLAN

COLUMNS = (*TEXTS, *NUMBERS)
GROUP = 4096  # lines
KEPT = 8  # groups of rows in memory


class Archive:
    """An existing archive, for reading."""

    def __init__(self, path: Path) -> None:
        self.path = path
        with self._reading():
            self._file = pq.ParquetFile(path, page_checksum_verification=True)
        self._group = functools.lru_cache(maxsize=KEPT)(self._rows_of)

    def __len__(self) -> int:
        return int(self._file.metadata.num_rows)

    @contextmanager
    def _reading(self) -> Iterator[None]:
        try:
            yield
        except (OSError, pa.ArrowException) as error:
            reason = str(error).partition("\n")[0]
            raise DataError(f"{self.path} cannot be read ({reason}): restore it from a copy, or delete it and sweep again") from error

    @functools.cached_property
    def names(self) -> np.ndarray:
        """Of all runs, as bytes."""
        with self._reading():
            return np.asarray(self._file.read(["name"])["name"].to_numpy().astype("S"))

    @functools.cached_property
    def _order(self) -> np.ndarray:
        return np.argsort(self.names, kind="stable")

    @functools.cached_property
    def _states(self) -> list[State]:
        with self._reading():
            return list(self._file.read(["status"])["status"].to_pylist())

    def _find(self, name: str) -> int | None:
        at = int(np.searchsorted(self.names, name.encode(), sorter=self._order))
        line = int(self._order[at]) if at < len(self) else -1
        return line if line >= 0 and self.names[line] == name.encode() else None

    def state(self, name: str) -> State:
        """``ok``, ``failed`` or ``missing``."""
        line = self._find(name)
        return "missing" if line is None else self._states[line]

    def read(self, name: str) -> Row | None:
        """A row, whole."""
        content = self.content(name)
        return None if content is None else parse(content, self.path, name)

    def content(self, name: str) -> bytes | None:
        """Return a row as JSON; None if it is not here."""
        line = self._find(name)
        return None if line is None else self._group(line // GROUP)[line % GROUP]

    def _rows_of(self, group: int) -> list[bytes]:
        with self._reading():
            return list(self._file.read_row_group(group, columns=["row"])["row"].to_pylist())

    def contents(self) -> Iterator[tuple[str, bytes]]:
        """Names and rows as JSON, all of them."""
        names = iter(self.names)
        for group in range(self._file.num_row_groups):
            yield from ((next(names).decode(), content) for content in self._rows_of(group))

    def columns(self, without: Iterable[str] = ()) -> Iterator[pa.Table]:
        """What a board reads, some thousand lines at a time, but for the runs named."""
        yield from self._tables([*COLUMNS], without)

    def lines(self, without: Iterable[str]) -> Iterator[pa.Table]:
        """The same with names and rows."""
        yield from self._tables(["name", *COLUMNS, "row"], without)

    def _tables(self, columns: Sequence[str], without: Iterable[str]) -> Iterator[pa.Table]:
        current = (self._file.schema_arrow.metadata or {}).get(b"columns") == version()
        gone = np.isin(self.names, np.array([name.encode() for name in without], dtype="S"))
        for group in range(self._file.num_row_groups):
            with self._reading():
                table = self._file.read_row_group(group, columns=list(columns) if current else None)
            table = table if current else _lines([parse(row, self.path) for row in table["row"].to_pylist()]).select(columns)
            own = gone[group * GROUP : (group + 1) * GROUP]
            yield table.filter(pa.array(~own)) if own.any() else table


def version() -> bytes:
    """Of the columns: an archive of another version has them made again from its rows."""
    return digest(COLUMNS, PLAN.metrics).encode()


def _lines(rows: Sequence[Row]) -> pa.Table:
    """Rows as lines of an archive."""
    table = of_rows(rows, {})
    table = table.add_column(0, "name", pa.array([name_of(row.cell, row.seed) for row in rows], pa.string()))
    return table.append_column("row", pa.array([row.model_dump_json().encode() for row in rows], pa.binary()))


def write(path: Path, old: Iterable[pa.Table], rows: Iterable[Row]) -> int:
    """Put an archive in place of an older one: lines that stay, then further rows. Returns how many lines it has.

    Raises:
        DataError: it cannot be written; what was there is still there.
    """
    temporary, remaining, count = path.with_name(f".{path.name}.{os.getpid()}.tmp"), iter(rows), 0
    new = (_lines(part) for part in iter(lambda: list(islice(remaining, GROUP)), []))
    schema = _lines([]).schema.with_metadata({"columns": version()})
    with writing(path):
        path.parent.mkdir(parents=True, exist_ok=True)
        try:
            form = {"compression": "zstd", "use_dictionary": list(TEXTS), "write_statistics": False, "write_page_checksum": True}
            with pq.ParquetWriter(temporary, schema, **form) as writer:
                for table in _grouped(chain(old, new)):
                    writer.write_table(table.cast(schema), row_group_size=GROUP)
                    count += len(table)
            with temporary.open("rb") as file:
                os.fsync(file.fileno())
            os.replace(temporary, path)
        finally:
            temporary.unlink(missing_ok=True)
    return count


def _grouped(tables: Iterable[pa.Table]) -> Iterator[pa.Table]:
    """The same lines, ``GROUP`` at a time, so that a line's number says where it is."""
    waiting: pa.Table | None = None
    for table in tables:
        waiting = table if waiting is None else pa.concat_tables([waiting, table])
        while len(waiting) >= GROUP:
            yield waiting.slice(0, GROUP).unify_dictionaries()
            waiting = waiting.slice(GROUP)
    if waiting is not None and len(waiting):
        yield waiting.unify_dictionaries()
