"""Rows: one validated JSON file a run, created whole or not at all.

A row is written to a temporary file, fsynced, then linked into place, which fails if somebody else was first;
a row that supersedes (after a failed or stale one) replaces atomically. Safe with many writers on a shared
file system; two stores merge by copying. A file that is no valid row (truncated, altered) is named in the log and counts as
missing: the next sweep makes its run again. ``make compact`` moves rows into one file, ``rows.parquet`` (``archive.py``), where they are found as before.
"""

from __future__ import annotations

import functools
import logging
import os
import socket
import tempfile
from collections.abc import Iterator, Sequence
from contextlib import contextmanager
from pathlib import Path
from typing import TYPE_CHECKING

from benchmark.core.errors import DataError, RowError
from benchmark.core.files import content_of, write_atomically, writing
from benchmark.core.seeds import Seed
from benchmark.results.row import ARCHIVE, Row, State, name_of, parse, seed_name, seed_of

if TYPE_CHECKING:
    from benchmark.results.archive import Archive

log = logging.getLogger(__name__)
ROOM = 65536  # bytes: more than a row takes
LARGEST = 1 << 24  # bytes of a row's file


class Store:
    """The rows under ``<results>/runs/<aa>/<cell>-<seed>.json``, and those that were compacted into ``<results>/rows.parquet``."""

    def __init__(self, results: Path) -> None:
        self.results = Path(results)
        self.runs = self.results / "runs"

    def path(self, cell: str, seed: Sequence[int]) -> Path:
        """Where this run's row is or will be."""
        return self.runs / cell[:2] / f"{name_of(cell, seed)}.json"

    @property
    def archive(self) -> Archive | None:
        """The compacted rows, as they are now."""
        path = self.results / ARCHIVE
        return _opened(path, path.stat().st_mtime_ns) if path.is_file() else None

    def __len__(self) -> int:
        """How many rows there are, about: those of the archive that files supersede count twice."""
        return sum(1 for _ in self.runs.glob("??/*.json")) + len(self.archive or ())

    def files(self) -> dict[str, Path]:
        """The files of single rows by name, in the order of their names."""
        return {path.stem: path for path in sorted(self.runs.glob("??/*.json"))}

    def read(self, cell: str, seed: Sequence[int]) -> Row | None:
        """The row of a run; None if there is none that can be read.

        Raises:
            DataError: the row is of a later schema.
        """
        path = self.path(cell, seed)
        row = self.parsed(path)
        if row is None and not path.exists() and (archive := self.archive):
            content = archive.content(path.stem)
            return None if content is None else _valid(content, archive.path, path.stem)
        return row

    def state(self, cell: str, seed: Sequence[int]) -> State:
        """Return the state of a run: ``unreadable`` where a file stands in its place that ``read`` would not use.

        Raises:
            DataError: the row is of a later schema.
        """
        path = self.path(cell, seed)
        try:
            return parse(content_of(path, LARGEST), path, path.stem).status
        except FileNotFoundError:
            archive = self.archive
            return archive.state(path.stem) if archive else "missing"
        except (RowError, DataError, OSError):  # a folder, a pipe, somebody else's
            return "unreadable"

    def write(self, row: Row, supersede: bool = False) -> bool:
        """Put a row in place; False if another writer was first and ``supersede`` is not set. What cannot be read is replaced.

        A failed row never takes the place of one that is ok: what was measured once stays.

        Raises:
            DataError: it cannot be written.
        """
        path, content = self.path(row.cell, row.seed), (row.model_dump_json(indent=1) + "\n").encode()
        if row.status == "failed" and self.state(row.cell, row.seed) == "ok":
            log.warning("%s: a row that is ok stands there and stays, the failed run of now is not kept", path)
            return False
        if not supersede and (archive := self.archive) and archive.state(path.stem) != "missing":
            return False
        placed = write_atomically(path, content, replace=supersede)
        return placed or (self.parsed(path) is None and write_atomically(path, content))

    def check_writable(self) -> None:
        """Fail before any training, not after it.

        Raises:
            DataError: the folder cannot take as much as a row.
        """
        with writing(self.runs):
            self.runs.mkdir(parents=True, exist_ok=True)
            with tempfile.TemporaryFile(dir=self.runs) as file:
                file.write(bytes(ROOM))
                file.flush()

    @contextmanager
    def running(self, cell: str, seed: Sequence[int], text: str) -> Iterator[None]:
        """A file tells others that this run is under way; it stays behind when the process is killed."""
        path = self.results / "running" / f"{cell}-{seed_name(seed)}@{socket.gethostname()}@{os.getpid()}"
        write_atomically(path, text.encode())  # whoever sees it can read whose run it is
        try:
            yield
        finally:
            path.unlink(missing_ok=True)

    def under_way(self) -> list[Path]:
        """The files of ``running``, in the order of their names."""
        return sorted((self.results / "running").glob("*@*@*"))

    def died(self) -> dict[tuple[str, Seed], str]:
        """(cell id, seed) -> text of the runs whose process on this machine is gone. They are told once: their files are removed."""
        out = {}
        for path in self.under_way():
            name, host, process = path.name.split("@")
            if host == socket.gethostname() and not alive(int(process)):
                cell, _, seed = name.partition("-")
                out[cell, seed_of(seed)] = path.read_text(encoding="utf8")
                path.unlink()
        return out

    def rows(self) -> Iterator[Row]:
        """All rows that can be read: of files in the order of their names, then the compacted ones.

        Raises:
            DataError: a row is of a later schema.
        """
        found = set()
        for name, path in self.files().items():
            row = self.parsed(path)
            if row is not None:
                yield row
            if row is not None or path.exists():  # what a compaction has just moved is read from the archive
                found.add(name)
        if archive := self.archive:  # opened last: it holds what was moved meanwhile
            for name, content in archive.contents():
                row = _valid(content, archive.path, name) if name not in found else None
                if row is not None:
                    yield row

    @staticmethod
    def parsed(path: Path) -> Row | None:
        """The row of a file; None if there is none, or none that is valid, which the log then names."""
        try:
            content = content_of(path, LARGEST)
        except FileNotFoundError:
            return None
        except (DataError, OSError) as error:  # a folder, a pipe, somebody else's
            log.warning("%s cannot be read as a row (%s): it counts as missing", path, error)
            return None
        return _valid(content, path, path.stem)


def _valid(content: bytes, path: Path, name: str) -> Row | None:
    """Return the row of a text; None if it is none, which the log then says."""
    try:
        return parse(content, path, name)
    except RowError as error:
        log.warning("%s", error)
        return None


@functools.lru_cache(maxsize=2)
def _opened(path: Path, modified: int) -> Archive:
    from benchmark.results.archive import Archive  # brings pyarrow

    return Archive(path)


def alive(process: int) -> bool:
    """Whether a process of this machine runs; one that has ended but was not waited for does not."""
    try:
        os.kill(process, 0)
        return Path(f"/proc/{process}/stat").read_text(encoding="ascii", errors="replace").rpartition(")")[2].split()[0] not in "ZX"
    except ProcessLookupError:
        return False
    except OSError:  # somebody else's, or a system without /proc
        return True
