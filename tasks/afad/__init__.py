"""AFAD: the Asian Face Age Dataset, ages that people gave of themselves in a social network."""

from __future__ import annotations

import pandas as pd

from benchmark.core.errors import DataError
from benchmark.core.paths import Paths
from benchmark.core.types import Task
from benchmark.data import own as owndata
from benchmark.data.images import SUFFIXES
from benchmark.data.official import Variant, at_most, listed_images, official_task, split_names

MOST = 1251


def load(paths: Paths, variant: Variant = "full", folder: str = "afad/AFAD-Full", size: int = 64) -> Task:
    """Faces as bytes; the target is the age.

    Args:
        paths: a relative ``folder`` is in ``paths.data``.
        variant: ``full``; ``balanced``, at most 1,251 faces an age (Kim et al., 2024): their list where it is there, else drawn here.
        folder: holds ``<age>/<111 or 112>/*.jpg`` as the authors pack it or, for the balanced variant, ``afad_balanced_1251.csv`` (path, age, split) and
            the images that it names.
        size: height and width that all images get.

    Raises:
        DataError: a file is missing or cannot be used.
    """
    base = paths.data / folder
    theirs = base / "afad_balanced_1251.csv"
    if variant == "balanced" and theirs.is_file():
        table = owndata.read(theirs)
        x, y = listed_images(theirs, base, table, "path", size)
        return official_task("afad-balanced", "age", x, y, split_names(owndata.column(table, "split", "split", theirs), theirs), owndata.digests(theirs))
    found = sorted(path for path in base.glob("*/*/*") if path.suffix.lower() in SUFFIXES and path.parts[-3].isdecimal())
    if not found:
        raise DataError(f"{base} holds no image <age>/<111 or 112>/*.jpg: unpack AFAD-Full there, or give task.folder=")
    table = pd.DataFrame({"path": [path.relative_to(base).as_posix() for path in found], "age": [int(path.parts[-3]) for path in found]})
    owndata.check_size(base, len(table), "images")
    if variant == "balanced":
        table = table[at_most("afad", table["age"].to_numpy(), MOST)]
    x, y = listed_images(base, base, table, "path", size)
    return official_task(f"afad-{variant}", "age", x, y, None, owndata.digests(base))
