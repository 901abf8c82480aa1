"""Regression sets that many papers share: a split of their own, and variants with the same number of examples a target."""

from __future__ import annotations

from pathlib import Path
from typing import Literal

import numpy as np
import pandas as pd
import torch
from torch import Tensor

from benchmark.core.errors import DataError
from benchmark.core.seeds import stream
from benchmark.core.types import Examples, Task
from benchmark.data import images
from benchmark.data import own as owndata
from benchmark.data.problems import Regression
from benchmark.data.reading import held_out, same_inputs

Variant = Literal["full", "balanced"]
SPLITS = {"train": "train", "val": "val", "valid": "val", "validation": "val", "test": "test"}
TEST_FRACTION = 0.2


def at_most(name: str, label: np.ndarray, most: int) -> np.ndarray:
    """(E,) bool: ``most`` examples of every distinct label, drawn for good by the name of the set."""
    order = np.argsort(stream(np.arange(len(label)), "at most", name), kind="stable")
    order = order[np.argsort(label[order], kind="stable")]
    _, first = np.unique(label[order], return_index=True)
    start = np.zeros(len(label), dtype=np.int64)
    start[first] = first
    rank = np.arange(len(label)) - np.maximum.accumulate(start)
    keep = np.empty(len(label), dtype=bool)
    keep[order] = rank < most
    return keep


def listed_images(file: Path, folder: Path, table: pd.DataFrame, path: str, size: int, label: str = "age") -> tuple[Tensor, np.ndarray]:
    """Images (E, 3, size, size) that the column ``path`` names, and their targets (E,).

    Raises:
        DataError: a column or an image is missing, a target is no number.
    """
    y = owndata.numbers(owndata.column(table, label, label, file), file)
    names = owndata.column(table, path, path, file)
    return images.decode([folder / str(name) for name in names], size, 3), y


def split_names(given: pd.Series, file: Path) -> np.ndarray:
    """(E,) train, val or test.

    Raises:
        DataError: another word.
    """
    named = given.map(SPLITS)
    if named.isna().any():
        line = given.index[named.isna()][0]
        raise DataError(f"{file} line {line}: split is {given.loc[line]!r}: it has to be train, val or test")
    return named.to_numpy(dtype=object)


def official_task(name: str, target: str, x: Tensor, y: np.ndarray, split: np.ndarray | None, files: dict[str, str]) -> Task:
    """A task with the split of its authors (E,) train, val, test; without one a fifth is set aside for good.

    An example of training with the same input as one of validation or test would give it away and is left out, and so is one of validation
    that is in the test part.

    Raises:
        DataError: a part is empty.
    """
    inputs = x.numpy()
    if split is None:
        held, groups = held_out(name, inputs, round(TEST_FRACTION * len(y)))
        split = np.where(held, "test", "train").astype(object)
    else:
        groups = same_inputs(inputs)
    at = {part: split == part for part in ("train", "val", "test")}
    at["val"] &= ~np.isin(groups, groups[at["test"]])
    at["train"] &= ~np.isin(groups, groups[at["test"] | at["val"]])
    for part in ("train", "test"):
        if not at[part].any():
            raise DataError(f"{name}: no example of the part {part!r} is left: check the files {', '.join(files)}")
    sides = {part: Examples(x[torch.from_numpy(rows)], y[rows]) for part, rows in at.items()}
    own = sides["val"] if at["val"].any() else None
    members = np.unique(groups[at["train"]], return_inverse=True)[1]
    return Task(name, Regression(target), sides["train"], sides["test"], members, val=own, val_fraction=owndata.VAL_FRACTION, files=files)
