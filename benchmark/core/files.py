"""Files that are written whole or not at all, and known by their content."""

from __future__ import annotations

import hashlib
import io
import os
import stat
import tempfile
from collections.abc import Iterator, Mapping
from contextlib import contextmanager
from dataclasses import dataclass
from pathlib import Path
from typing import Annotated, Any, TypeAlias

from benchmark.core.digests import digest
from benchmark.core.errors import DataError

FileName: TypeAlias = Annotated[str, "names a file, a folder, an address or an entry of a hub"]  # what a plugin's parameter of this kind is declared as


@dataclass(frozen=True)
class NamedFile:
    """Hold how a configuration names data of the user's own: what a task's ``contents`` is asked about."""

    key: str  # of the task's configuration
    value: str
    found: Path | None  # the file or folder of this name, if it is there
    config: Mapping[str, Any]  # of the task
    data: Path  # the folder of the user's data


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


def write_atomically(path: Path, content: bytes | memoryview, replace: bool = True) -> bool:
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
            os.chmod(name, 0o666 & ~_umask())
            return _place(name, path, replace)
        finally:
            if os.path.exists(name):
                os.unlink(name)


def _umask() -> int:
    """Return the user's mask for new files: which permissions they do not get."""
    mask = os.umask(0o077)
    os.umask(mask)
    return mask


def _place(name: str, path: Path, replace: bool) -> bool:
    if replace:
        os.replace(name, path)
        return True
    try:
        os.link(name, path)
    except FileExistsError:
        return False
    return True


def opened(path: Path) -> io.BufferedReader:
    """Open a regular file for reading: a pipe or a device would be waited for, or read, without an end.

    Raises:
        DataError: it is something else. OSError: it is missing or cannot be read.
    """
    handle = os.open(path, os.O_RDONLY | os.O_NONBLOCK)  # a pipe that nobody writes to opens at once
    mode = os.fstat(handle).st_mode
    if not stat.S_ISREG(mode):
        os.close(handle)
        what = "folder" if stat.S_ISDIR(mode) else "pipe or device"
        raise DataError(f"{path} is a {what}, not a file: give a file")
    return os.fdopen(handle, "rb")


def content_of(path: Path, most: int) -> bytes:
    """Return the bytes of a regular file of at most ``most`` bytes.

    Raises:
        DataError: it is larger, or no regular file. OSError: it is missing or cannot be read.
    """
    with opened(path) as file:
        content = file.read(most + 1)
    if len(content) > most:
        raise DataError(f"{path} has more than {most} bytes: this is not the expected file")
    return content


def sha256_of(path: Path) -> str:
    """Hex digest of a file, or of the names and digests of all files in a folder.

    Raises:
        DataError: it is neither.
    """
    if path.is_dir():
        inside = [(file.relative_to(path).as_posix(), sha256_of(file)) for file in sorted(path.rglob("*")) if file.is_file()]
        return digest(inside, length=64)
    with opened(path) as file:
        return hashlib.file_digest(file, "sha256").hexdigest()


def changed(files: Mapping[str, str]) -> bool:
    """Whether one of these files, given with the sha256 that they had, has another content now. Files that are gone have not."""
    return any(Path(path).exists() and sha256_of(Path(path)) != before for path, before in files.items())


def inside(path: Path, folder: Path) -> bool:
    """Whether a path is below a folder, whatever links lead there."""
    try:
        return path.resolve().is_relative_to(folder.resolve())
    except (OSError, ValueError, RuntimeError):  # a loop of links, a null character
        return False
