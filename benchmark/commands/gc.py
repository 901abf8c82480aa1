"""The command gc: what killed runs and older versions have left behind."""

from __future__ import annotations

import os
import shutil
import socket
import time
from collections.abc import Iterator, Sequence
from dataclasses import dataclass
from pathlib import Path

from benchmark.config.options import options_of
from benchmark.core.errors import ConfigError
from benchmark.core.files import writing
from benchmark.core.paths import Paths
from benchmark.core.terminal import printable
from benchmark.results.store import Store, alive

BITS = ".bits.npy"
HOUR = 3600.0  # seconds
SHOWN = 20  # lines of a dry run


@dataclass(frozen=True)
class Leftover:
    """Hold a file or folder that nothing needs, and why."""

    path: Path
    why: str
    size: int  # bytes


def collect(arguments: Sequence[str]) -> int:
    """``gc [remove=yes] [hours=1] [paths.results=DIR paths.cache=DIR]``: show what can go, or remove it.

    Returns:
        0.

    Raises:
        ConfigError: something else was asked for. DataError: a file cannot be removed.
    """
    given, paths, rest = options_of(arguments, remove="no", hours="1")
    if rest or given["remove"] not in ("yes", "no"):
        raise ConfigError("gc takes remove=yes, hours=N and paths.results=DIR, paths.cache=DIR")
    try:
        age = float(given["hours"]) * HOUR
    except ValueError:
        age = -1.0
    if not 0 <= age < float("inf"):
        raise ConfigError(f"hours={given['hours']} is no time: give the hours after which a temporary file is nobody's, such as hours=1")
    leftovers = list(dict.fromkeys(garbage(paths, time.time() - age)))
    for one in leftovers if given["remove"] == "yes" else ():
        with writing(one.path):
            _remove(one.path)
    for one in leftovers[:SHOWN]:
        print(printable(f"{one.path}: {one.why}"))
    if len(leftovers) > SHOWN:
        print(f"... and {len(leftovers) - SHOWN} more")
    megabytes = sum(one.size for one in leftovers) / 1e6
    what = "removed" if given["remove"] == "yes" else "can be removed: 'gc remove=yes' with the same words does it"
    print(f"{len(leftovers)} files and folders, {megabytes:.1f} MB {what}")
    return 0


def garbage(paths: Paths, before: float) -> Iterator[Leftover]:
    """Yield what nothing needs in the folders of results and caches. Links are not followed.

    Args:
        paths: the folders.
        before: time, in seconds, of the newest temporary file that counts as nobody's.
    """
    yield from _temporary(paths, before)
    for results in (paths.results, paths.results / "tuned"):
        store = Store(results)
        yield from _markers(store)
        for bits in sorted(store.runs.glob(f"??/*{BITS}")):
            cell, _, seed = bits.name.removesuffix(BITS).partition("-")
            numbers = seed.split("-")
            if not all(number.isdecimal() for number in numbers) or bits.is_symlink():
                continue
            row = [int(number) for number in numbers]
            if bits.stat().st_mtime < before and store.state(cell, row) == "missing":
                yield _leftover(bits, "bits of a row that is not there")
    for folder in (paths.cache / "datasets", paths.cache / "images" / "datasets"):
        if folder.is_dir() and not folder.is_symlink():
            yield _leftover(folder, "copies that an older version kept")


def _temporary(paths: Paths, before: float) -> Iterator[Leftover]:
    """Yield files of writers that were killed, and folders of downloads."""
    tops = [paths.cache, *(paths.results / name for name in ("runs", "running", "tuned", "local"))]
    for top in tops:
        for base, folders, files in os.walk(top):
            for name in sorted(files):
                path = Path(base) / name
                if name.startswith(".") and name.endswith(".tmp") and _old(path, before):
                    yield _leftover(path, "temporary file of a killed writer")
            for name in sorted(folders):
                path = Path(base) / name
                if name.startswith("tmp") and len(name) == 11 and _old(path, before):
                    yield _leftover(path, "temporary folder of a killed download")
    for path in sorted(paths.results.glob(".*.tmp")):
        if _old(path, before):
            yield _leftover(path, "temporary file of a killed writer")


def _markers(store: Store) -> Iterator[Leftover]:
    """Yield marks of runs and sweeps on this machine whose process is gone."""
    for path in store.under_way():
        name, host, process = path.name.rsplit("@", 2)
        if "@" not in name and host == socket.gethostname() and process.isdecimal() and not alive(int(process)):
            yield _leftover(path, "mark of a run whose process is gone")
    for path in sorted((store.results / "running").glob("drain-*")):
        process = path.name.removeprefix("drain-")
        if process.isdecimal() and not alive(int(process)):
            yield _leftover(path, "mark of a sweep whose process is gone")


def _old(path: Path, before: float) -> bool:
    try:
        return not path.is_symlink() and path.stat().st_mtime < before
    except OSError:
        return False


def _leftover(path: Path, why: str) -> Leftover:
    inside = [file for file in path.rglob("*") if file.is_file()] if path.is_dir() else [path]
    return Leftover(path, why, sum(file.lstat().st_size for file in inside))


def _remove(path: Path) -> None:
    if path.is_dir():
        shutil.rmtree(path)
    else:
        path.unlink(missing_ok=True)
