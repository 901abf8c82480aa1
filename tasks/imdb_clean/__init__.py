"""IMDB-Clean: ages of actors in photographs, after the wrong ones of IMDB-WIKI were taken out."""

from __future__ import annotations

import pandas as pd

from benchmark.core.errors import DataError
from benchmark.core.paths import Paths
from benchmark.core.types import Task
from benchmark.data import own as owndata
from benchmark.data.official import Variant, at_most, listed_images, official_task, split_names

MOST = 1000


def load(paths: Paths, variant: Variant = "full", folder: str = "imdb_clean", size: int = 64) -> Task:
    """Face crops as bytes; the target is the age.

    Args:
        paths: a relative ``folder`` is in ``paths.data``.
        variant: ``full``; ``balanced``, at most 1,000 faces an age (Kim et al., 2024): their list where it is there, else drawn here.
        folder: holds ``imdb_{train,valid,test}_new_1024.csv`` (filename, age) or, for the balanced variant, ``imdb_clean_balanced_cnt1000.csv``
            (path, age, split), and the images that they name.
        size: height and width that all images get.

    Raises:
        DataError: a file is missing or cannot be used.
    """
    base = paths.data / folder
    theirs = base / "imdb_clean_balanced_cnt1000.csv"
    if variant == "balanced" and theirs.is_file():
        table = owndata.read(theirs)
        x, y = listed_images(theirs, base, table, "path", size)
        split = split_names(owndata.column(table, "split", "split", theirs), theirs)
        return official_task("imdb_clean-balanced", "age", x, y, split, owndata.digests(theirs))
    files = {part: base / f"imdb_{part}_new_1024.csv" for part in ("train", "valid", "test")}
    parts = []
    for part, path in files.items():
        if not path.is_file():
            raise DataError(f"{path} is missing: make it with the scripts of github.com/yiminglin-ai/imdb-clean, or give task.folder=")
        found = owndata.read(path)
        parts.append(found.assign(age=owndata.numbers(owndata.column(found, "age", "age", path), path), split=part))
    table = pd.concat(parts)
    if variant == "balanced":
        table = table[at_most("imdb_clean", table["age"].to_numpy(), MOST)]
    images = base / "imdb-clean-1024" if (base / "imdb-clean-1024").is_dir() else base
    x, y = listed_images(base, images, table, "filename", size)
    return official_task(f"imdb_clean-{variant}", "age", x, y, split_names(table["split"], base), owndata.digests(*files.values()))
