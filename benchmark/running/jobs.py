"""A run as the first process of a program tells it to the others: JSON of a fixed form, in a folder that nobody else can read or write."""

from __future__ import annotations

import json
import os
import shutil
import stat
import tempfile
from pathlib import Path
from typing import Any

from pydantic import BaseModel, ConfigDict, Field, ValidationError

from benchmark.config.cells import Cell
from benchmark.core.digests import digest
from benchmark.core.errors import LaunchError
from benchmark.core.files import write_atomically
from benchmark.core.paths import Paths
from benchmark.core.seeds import Seed

LARGEST = 1 << 20  # bytes of a job
GROUP = ("TORCHELASTIC_RUN_ID", "TORCHELASTIC_RESTART_COUNT", "MASTER_PORT")  # one program's processes agree on these


class Job(BaseModel):
    """The form of a job's file."""

    model_config = ConfigDict(extra="forbid", strict=True)

    choice: dict[str, str]
    config: dict[str, dict[str, Any]]
    contents: dict[str, str]
    seed: list[int] = Field(min_length=3, max_length=3)
    data: str
    results: str
    cache: str


def folder_of_group() -> Path:
    """Return the folder that the processes of this program share, whether it is there or not."""
    name = digest([os.environ.get(word, "") for word in GROUP])
    return Path(tempfile.gettempdir()) / f"labelnoise-{os.geteuid()}-{name}"


def make_folder(folder: Path) -> None:
    """Make the folder anew, for this user alone.

    Raises:
        LaunchError: somebody else has put something in its place.
    """
    if os.path.lexists(folder):  # of a program that was killed; what is not this user's cannot be removed
        shutil.rmtree(folder, ignore_errors=True)
    try:
        folder.mkdir(mode=0o700)
    except OSError as error:
        raise LaunchError(f"{folder} cannot be made ({error.strerror}): remove it, or set TMPDIR to a folder of your own") from error


def write(folder: Path, number: int, cell: Cell, seed: Seed, paths: Paths) -> None:
    """Put down a job for the processes that take part in it."""
    job = Job(
        choice=dict(cell.choice),
        config={axis: dict(config) for axis, config in cell.config.items()},
        contents=dict(cell.contents),
        seed=list(seed),
        data=str(paths.data),
        results=str(paths.results),
        cache=str(paths.cache),
    )
    write_atomically(folder / f"{number}.json", json.dumps(job.model_dump()).encode())


def read(folder: Path, number: int) -> tuple[Cell, Seed, Paths]:
    """Return the job of this number.

    Raises:
        LaunchError: the folder or the file is not this user's alone, or the file is no job.
    """
    path = folder / f"{number}.json"
    try:
        state = folder.lstat()
        if not stat.S_ISDIR(state.st_mode) or state.st_uid != os.geteuid() or state.st_mode & 0o077:
            raise LaunchError(f"{folder} is not a folder of this user alone: remove it, or set TMPDIR to a folder of your own")
        with os.fdopen(os.open(path, os.O_RDONLY | os.O_NOFOLLOW | os.O_NONBLOCK), "rb") as file:
            content = file.read(LARGEST + 1)
        if len(content) > LARGEST:
            raise ValueError(f"more than {LARGEST} bytes")
        job = Job.model_validate(json.loads(content))
    except (OSError, ValueError, ValidationError) as error:
        reason = str(error).partition("\n")[0]
        raise LaunchError(f"{path} is no job of this program ({reason}): start it again") from error
    split, noise, train = job.seed
    cell = Cell(job.choice, job.config, job.contents)
    return cell, (split, noise, train), Paths(Path(job.data), Path(job.results), Path(job.cache))
