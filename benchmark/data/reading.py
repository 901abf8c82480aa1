"""Files that are checked before they are read, and the test part that is set aside for good."""

from __future__ import annotations

import codecs
import importlib.util
import os
import pickle
from collections.abc import Collection
from pathlib import Path
from typing import Any

import numpy as np
import torch

from benchmark.core.errors import DataError
from benchmark.core.files import sha256_of
from benchmark.core.seeds import stream
from benchmark.core.types import Examples

PARQUET = b"PAR1"  # at both ends of such a file


def verified(path: Path, sha256: str | None, how: str, alike: Collection[str] = ()) -> Path:
    """``path``, after its hash was compared with the expected one and those ``alike``, of files that say the same in other bytes.

    Raises:
        DataError: the file is missing or has another content; ``how`` tells how to get it.
    """
    if not path.is_file():
        raise DataError(f"{path} is missing: {how}")
    if sha256 is not None and (found := sha256_of(path)) not in (sha256, *alike):
        raise DataError(f"{path} {_defect(path) or f'has sha256 {found[:12]}..., expected {sha256[:12]}...'}: {how}")
    return path


def parquet_rows(path: Path, how: str = "download it again") -> int:
    """Number of rows of a file that no hash is known of, after a look at both of its ends.

    Raises:
        DataError: it is empty, a web page, truncated or of another format.
    """
    from pyarrow import ArrowException
    from pyarrow.parquet import read_metadata

    defect = _defect(path)
    if defect is None:
        with path.open("rb") as file:
            head = file.read(4)
            file.seek(-4, os.SEEK_END)
            defect = "is no parquet file" if head != PARQUET else "is truncated" if file.read() != PARQUET else None
    if defect is None:
        try:
            return int(read_metadata(path).num_rows)
        except (ArrowException, OSError) as error:
            defect = f"is damaged ({str(error).splitlines()[0]})"
    raise DataError(f"{path} {defect}: {how}")


def _defect(path: Path) -> str | None:
    """What a download often leaves instead of data."""
    with path.open("rb") as file:
        head = file.read(512)
    if len(head) < 4:
        return f"has {len(head)} bytes"
    return "is a web page (HTML), not data" if head.lstrip().lower().startswith((b"<!doctype", b"<html")) else None


def read_arrays(path: Path) -> dict[str, np.ndarray]:
    """The numpy arrays of a dictionary that torch saved. Nothing but arrays is unpickled.

    Raises:
        DataError: it holds something else, or cannot be read.
    """
    core = np._core.multiarray._reconstruct  # type: ignore[attr-defined]
    allowed: list[Any] = [*((core, f"{name}.multiarray._reconstruct") for name in ("numpy.core", "numpy._core")), np.ndarray, np.dtype, codecs.encode]
    allowed += [type(np.dtype(kind)) for kind in ("int64", "int32", "int16", "uint8")]
    try:
        with torch.serialization.safe_globals(allowed):
            found = torch.load(path, weights_only=True)
    except (pickle.UnpicklingError, RuntimeError, OSError, ValueError, EOFError) as error:
        reason = str(error).strip().splitlines()[0]
        raise DataError(f"{path} is no dictionary of arrays that torch saved ({reason}): download it again") from error
    if not isinstance(found, dict):
        raise DataError(f"{path} holds a {type(found).__name__}, not a dictionary of arrays: download it again")
    return {str(name): np.asarray(value) for name, value in found.items()}


def package_file(package: str, relative: str, sha256: str) -> Path:
    """A data file that an installed package carries, found without importing the package."""
    spec = importlib.util.find_spec(package)
    if spec is None or spec.origin is None:
        raise DataError(f"package {package} is not installed: run 'make setup'")
    return verified(Path(spec.origin).parent / relative, sha256, f"reinstall {package} with 'make setup'")


def split_groups(groups: np.ndarray, fraction: float, *axes: object) -> np.ndarray:
    """Return (E,) bool, True = held out: whole groups, in a random order keyed by the axes, until ``fraction`` is reached.

    Where the first group alone is more than that, the smallest one is held out, as long as others are left.
    """
    unique, inverse, size = np.unique(groups, return_inverse=True, return_counts=True)
    order = np.argsort(stream(unique - unique.min(), *axes), kind="stable")
    held = np.zeros(len(unique), dtype=bool)
    most = round(fraction * len(groups))
    held[order] = np.cumsum(size[order]) <= most
    if most > 0 and not held.any() and len(unique) > 1:
        held[order[size[order].argmin()]] = True
    return held[inverse]


def same_inputs(x: np.ndarray) -> np.ndarray:
    """(E,) groups of examples with equal inputs (E, ...), each named by the first of them."""
    rows = np.ascontiguousarray(x.reshape(len(x), -1))
    _, groups = np.unique(rows.view(np.dtype((np.void, rows.strides[0])))[:, 0], return_inverse=True)
    first = np.full(groups.max() + 1, len(x))
    np.minimum.at(first, groups, np.arange(len(x)))
    named: np.ndarray = first[groups]
    return named


def held_out(name: str, x: np.ndarray, size: int) -> tuple[np.ndarray, np.ndarray]:
    """Choose the test part, at most ``size`` examples but a whole group: it depends on the name and the inputs alone.

    Returns:
        (E,) bool, and (E,) groups: examples with equal inputs share one, are on one side, and it is named by the first of them.
    """
    groups = same_inputs(x)
    return split_groups(groups, size / len(x), "test", name), groups


def standardized(x: np.ndarray, known: np.ndarray) -> np.ndarray:
    """Columns minus mean over sd of the ``known`` rows, cut at 5 sd: a measure of 50 sd is a typing error, and a network extrapolates it to infinity."""
    mean, sd = x[known].mean(0), x[known].std(0)
    return np.clip((x - mean) / np.where(sd > 0, sd, 1), -5, 5)


def fixed_test(name: str, x: np.ndarray, y: np.ndarray, size: int, numeric: int = 0) -> tuple[Examples, Examples, np.ndarray]:
    """Set the test part of ``held_out`` aside for good. The first ``numeric`` columns are standardized by the training part.

    Returns:
        train, test, and the (E,) groups of the training examples.
    """
    held, groups = held_out(name, x, size)
    if numeric:
        x = np.concatenate([standardized(x[:, :numeric], ~held), x[:, numeric:]], axis=1)
    tensor = torch.from_numpy(x.astype(np.float32))
    train, test = (Examples(tensor[torch.from_numpy(side)], y[side]) for side in (~held, held))
    _, groups = np.unique(groups[~held], return_inverse=True)
    return train, test, groups
