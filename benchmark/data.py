"""Files that are checked before they are read, and the test part that is set aside for good."""

from __future__ import annotations

import hashlib
import importlib.util
from pathlib import Path

import numpy as np
import pandas as pd
import torch

from benchmark.errors import DataError
from benchmark.identity import stream
from benchmark.types import Examples


def sha256_of(path: Path) -> str:
    """Hex digest of a file."""
    with path.open("rb") as file:
        return hashlib.file_digest(file, "sha256").hexdigest()


def verified(path: Path, sha256: str | None, how: str) -> Path:
    """``path``, after its hash was compared.

    Raises:
        DataError: the file is missing or has another content; ``how`` tells how to get it.
    """
    if not path.is_file():
        raise DataError(f"{path} is missing: {how}")
    if sha256 is not None and (found := sha256_of(path)) != sha256:
        raise DataError(f"{path} has sha256 {found[:12]}..., expected {sha256[:12]}...: {how}")
    return path


def package_file(package: str, relative: str, sha256: str) -> Path:
    """A data file that an installed package carries, found without importing the package."""
    spec = importlib.util.find_spec(package)
    if spec is None or spec.origin is None:
        raise DataError(f"package {package} is not installed: run 'make setup'")
    return verified(Path(spec.origin).parent / relative, sha256, f"reinstall {package} with 'make setup'")


def read_table(path: Path, cache: Path) -> pd.DataFrame:
    """Read a csv, csv.gz, json or parquet file with ``datasets``; its Arrow copy is kept under ``cache``."""
    import datasets

    datasets.disable_progress_bars()
    formats = {"csv": "csv", "json": "json", "jsonl": "json", "parquet": "parquet"}
    suffix = path.name.removesuffix(".gz").rsplit(".", 1)[-1]
    if suffix not in formats:
        raise DataError(f"{path} is not a table: give a csv, json or parquet file")
    table = datasets.load_dataset(formats[suffix], data_files=str(path), split="train", cache_dir=str(cache / "datasets"))
    return table.to_pandas()


def split_groups(groups: np.ndarray, fraction: float, *axes: object) -> np.ndarray:
    """(E,) bool, True = held out. Whole groups are held out, in a random order keyed by the axes, until ``fraction`` is reached."""
    unique, inverse, size = np.unique(groups, return_inverse=True, return_counts=True)
    order = np.argsort(stream(unique - unique.min(), *axes), kind="stable")
    held = np.zeros(len(unique), dtype=bool)
    held[order] = np.cumsum(size[order]) <= round(fraction * len(groups))
    return held[inverse]


def fixed_test(name: str, x: np.ndarray, y: np.ndarray, size: int, numeric: int = 0) -> tuple[Examples, Examples, np.ndarray]:
    """Set a test part of at most ``size`` examples aside for good: it depends on the task's name alone.

    Examples with equal inputs share a group and stay on one side. The first ``numeric`` columns are
    standardised by the mean and sd of the training part and cut at 5 sd (a measure of 50 sd is a typing error, and a
    network extrapolates it to infinity).

    Returns:
        train, test, and the (E,) groups of the training examples.
    """
    rows = np.ascontiguousarray(x.reshape(len(x), -1))
    _, groups = np.unique(rows.view(np.dtype((np.void, rows.strides[0])))[:, 0], return_inverse=True)
    first = np.full(groups.max() + 1, len(x))
    np.minimum.at(first, groups, np.arange(len(x)))
    groups = first[groups]  # a group is named by its first example
    held = split_groups(groups, size / len(x), "test", name)
    if numeric:
        mean, sd = x[~held, :numeric].mean(0), x[~held, :numeric].std(0)
        x = np.concatenate([np.clip((x[:, :numeric] - mean) / np.where(sd > 0, sd, 1), -5, 5), x[:, numeric:]], axis=1)
    tensor = torch.from_numpy(x.astype(np.float32))
    train, test = (Examples(tensor[torch.from_numpy(side)], y[side]) for side in (~held, held))
    _, groups = np.unique(groups[~held], return_inverse=True)
    return train, test, groups
