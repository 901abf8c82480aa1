"""Files that are written whole or not at all."""

from __future__ import annotations

import os
import tempfile
from collections.abc import Iterator
from contextlib import contextmanager
from pathlib import Path

from benchmark.errors import DataError


@contextmanager
def writing(path: Path) -> Iterator[None]:
    """Make one line of whatever the file system refuses in the body.

    Raises:
        DataError: no space, no permission, a read-only folder.
    """
    try:
        yield
    except OSError as error:
        raise DataError(f"{path} cannot be written ({error.strerror or error}): make room, or give paths.results=DIR and paths.cache=DIR") from error


def write_atomically(path: Path, content: bytes, replace: bool = True) -> bool:
    """Write a file whole or not at all, in a folder that is made for it. Without ``replace`` an existing file wins and False is returned.

    Raises:
        DataError: it cannot be written; what was there is still there.
    """
    with writing(path):
        path.parent.mkdir(parents=True, exist_ok=True)
        handle, name = tempfile.mkstemp(dir=path.parent, prefix=".", suffix=".tmp")
        try:
            with os.fdopen(handle, "wb") as file:
                file.write(content)
                file.flush()
                os.fsync(file.fileno())
            os.chmod(name, 0o644)
            return _place(name, path, replace)
        finally:
            if os.path.exists(name):
                os.unlink(name)


def _place(name: str, path: Path, replace: bool) -> bool:
    if replace:
        os.replace(name, path)
        return True
    try:
        os.link(name, path)
    except FileExistsError:
        return False
    return True
