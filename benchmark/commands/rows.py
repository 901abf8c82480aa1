"""The commands compact and rows."""

from __future__ import annotations

from collections.abc import Iterator, Sequence
from pathlib import Path

from benchmark.core.errors import ConfigError
from benchmark.core.locks import locked
from benchmark.core.protocol import AXES
from benchmark.results.archive import write
from benchmark.results.row import ARCHIVE, Row, seed_of
from benchmark.results.store import Store
from benchmark.results.table import run_columns


def compact(arguments: Sequence[str]) -> int:
    """``compact [paths.results=DIR]``: move the rows under ``runs`` into ``rows.parquet``.

    A file is removed once the archive that holds its row is in place, unless it was written anew meanwhile. Files that hold no valid row stay.

    Raises:
        ConfigError: something else was asked for, or runs are under way.
    """
    from benchmark.config.options import options_of

    _, paths, rest = options_of(arguments)
    if rest:
        raise ConfigError(f"compact does not know {rest[0]!r}: give paths.results=DIR")
    store = Store(paths.results)
    if store.under_way():
        raise ConfigError(f"{store.under_way()[0]} says that a run is under way: wait for the sweep to end; if it was killed, the same sweep clears this up")
    with locked(store.results):
        taken, count = _compacted(store)
    print(f"{taken} rows moved, {count} in {store.results / ARCHIVE}")
    return 0


def _compacted(store: Store) -> tuple[int, int]:
    """Move the rows that stand in files into the archive: how many were moved, and how many it has. The caller holds the lock."""
    loose, archive = store.files(), store.archive
    before, taken = {name: _stamp(path) for name, path in loose.items()}, list[str]()

    def rows() -> Iterator[Row]:
        for name, path in loose.items():
            row = store.parsed(path)
            if row is not None:
                taken.append(name)
                yield row

    count = write(store.results / ARCHIVE, archive.lines(without=loose) if archive else (), rows()) if loose else len(archive or ())
    for name in taken:
        if _stamp(loose[name]) == before[name]:
            loose[name].unlink(missing_ok=True)
    return len(taken), count


def _stamp(path: Path) -> tuple[int, int, int]:
    found = path.stat()
    return found.st_ino, found.st_mtime_ns, found.st_size


def show(arguments: Sequence[str]) -> int:
    """``rows task=LABEL noise=LABEL ... seed=3 [paths.results=DIR]``: print the rows with these labels, each a line of JSON.

    Raises:
        ConfigError: something else was asked for.
    """
    from benchmark.config.options import options_of

    own, paths, rest = options_of(arguments, **dict.fromkeys((*AXES, "seed", "cell"), ""))
    if rest:
        raise ConfigError(f"rows does not know {rest[0]!r}: give {', '.join(own)} or paths.results")
    store = Store(paths.results)
    runs = run_columns(store)
    for name, value in own.items():
        runs = runs[runs[name] == value] if value else runs
    for cell, seed in zip(runs["cell"], runs["seed"], strict=True):
        row = store.read(cell, seed_of(seed))
        if row is not None:
            print(row.model_dump_json())
    return 0
