"""Image folder: a user's own images, in a folder a class or in a csv of path, label and, where somebody knows it, the right label."""

from __future__ import annotations

from pathlib import Path

import numpy as np
import pandas as pd

from benchmark.core.errors import DataError
from benchmark.core.files import FileName, NamedFile
from benchmark.core.paths import Paths
from benchmark.core.types import Task
from benchmark.data import images
from benchmark.data import own as owndata
from benchmark.data.problems import Multiclass


def load(paths: Paths, path: FileName | None = None, size: int = 32, channels: int = 3, test_fraction: float = 0.2) -> Task:
    """Images (channels, size, size) as bytes.

    Args:
        paths: a relative ``path`` starts at the working directory or else at ``paths.data``.
        path: a folder with a folder of images for each class, or a csv with the columns path, label and perhaps clean; its paths start at its folder.
        size: height and width that all images get.
        channels: 3 for color, 1 for gray.
        test_fraction: share of the images set aside for good.

    Raises:
        ConfigError: a setting is missing or wrong. DataError: a file cannot be used.
    """
    found = owndata.find(path, "task.path", paths)
    table = _listed(found) if found.is_dir() else owndata.read(found)
    base = found if found.is_dir() else found.parent
    labels = [owndata.column(table, "label", "label", found)] + ([table["clean"]] if "clean" in table else [])
    names, ids = owndata.classes(labels, found)
    files = [base / str(name) for name in owndata.column(table, "path", "path", found)]
    x = images.decode(files, size, channels)
    split = owndata.set_aside(found, x.numpy(), test_fraction)
    places = np.array([str(name) for name in table["path"]])
    right = ids[1] if len(ids) > 1 else None
    return owndata.own_task(Multiclass(names), x, ids[0], right, split, places=places, files=owndata.digests(found))


def _listed(folder: Path) -> pd.DataFrame:
    """The images of a folder a class, in the order of their names. Other files are left alone, and those that systems and editors hide by a dot.

    Raises:
        DataError: too few images.
    """
    files = sorted(file for file in folder.glob("[!.]*/[!.]*") if file.suffix.lower() in images.SUFFIXES)
    if not files:
        raise DataError(f"{folder} holds no image: put them into a folder for each class, such as {folder.name}/cat/1.png")
    owndata.check_size(folder, len(files), "images")
    return pd.DataFrame({"path": [file.relative_to(folder).as_posix() for file in files], "label": [file.parent.name for file in files]})


def contents(named: NamedFile) -> list[Path]:
    """Return the files that are the data: the folder, or the csv with the images that it lists."""
    if named.found is None:
        return []
    return [named.found] if named.found.is_dir() else owndata.listed_with(named.found, "path")
