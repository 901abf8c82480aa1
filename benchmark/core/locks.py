"""Let one process at a time read, change and write a store or the published files."""

from __future__ import annotations

import errno
import logging
from collections.abc import Iterator
from contextlib import contextmanager
from pathlib import Path

from filelock import BaseFileLock, FileLock, SoftFileLock, Timeout

from benchmark.core.errors import DataError
from benchmark.core.files import writing

log = logging.getLogger(__name__)
PATIENCE = 600.0  # seconds
UNSERVED = (errno.ENOSYS, errno.ENOTSUP, errno.ENOLCK)  # what a network file system says that has no locks


@contextmanager
def locked(folder: Path, patience: float = PATIENCE) -> Iterator[None]:
    """Hold the lock of a folder: the operating system's, which is free again as soon as its holder dies.

    Args:
        folder: what is read, changed and written by the body; it is made.
        patience: seconds to wait for another process.

    Raises:
        DataError: another process holds the lock for longer, or the folder cannot be written.
    """
    path = folder / ".lock"
    with writing(folder):
        folder.mkdir(parents=True, exist_ok=True)
        lock = _acquired(path, patience)
    try:
        yield
    finally:
        lock.release()


def _acquired(path: Path, patience: float) -> BaseFileLock:
    lock: BaseFileLock = FileLock(path)
    try:
        lock.acquire(timeout=patience)
    except Timeout as error:
        raise DataError(f"{path} is held by another process for {patience:.0f} s: wait for its end, or end it") from error
    except (OSError, NotImplementedError) as error:
        if isinstance(error, OSError) and error.errno not in UNSERVED:
            raise
        return _acquired_softly(path.with_name(".soft-lock"), patience)
    return lock


def _acquired_softly(path: Path, patience: float) -> BaseFileLock:
    log.warning("%s: this file system has no locks, so a file stands for one; remove it if its holder was killed", path)
    lock = SoftFileLock(path)
    try:
        lock.acquire(timeout=patience)
    except Timeout as error:
        holder = " ".join(path.read_text(encoding="utf8", errors="replace").split()) if path.is_file() else "gone now"
        raise DataError(f"{path} is held for {patience:.0f} s (process and host: {holder}): remove it if that process was killed") from error
    return lock
