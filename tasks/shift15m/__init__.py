"""SHIFT15M: the price of pieces of clothing from features of their pictures."""

from __future__ import annotations

import importlib
import json
from pathlib import Path

import numpy as np
import torch

from benchmark.core.errors import DataError
from benchmark.core.paths import Paths
from benchmark.core.types import Task
from benchmark.data import own as owndata
from benchmark.data.official import Variant, at_most, official_task
from benchmark.data.reading import standardized

MOST, THOUSAND = 2000, 1000.0
THEIRS = "item_price_bal_2000_16084_40000"


def load(paths: Paths, variant: Variant = "full", folder: str = "shift15m") -> Task:
    """4,096 features of a VGG network a piece; the target is its price in thousand yen.

    Args:
        paths: a relative ``folder`` is in ``paths.data``.
        variant: ``full``; ``balanced``: the files of Kim et al., 2024, where they are there, else at most 2,000 pieces a thousand yen, drawn here.
        folder: holds ``iqon_outfits.json`` and ``features/<item_id>.json.gz`` as the authors publish them or, for the balanced variant,
            ``item_price_bal_2000_16084_40000_{train,val,test}`` as .csv (price) with .npy or .h5 (feature).

    Raises:
        DataError: a file is missing or cannot be used.
    """
    base = paths.data / folder
    theirs = [base / f"{THEIRS}_{part}.csv" for part in ("train", "val", "test")]
    if variant == "balanced" and theirs[0].is_file():
        sides = [_side(path) for path in theirs]
        y, x = np.concatenate([y for y, _ in sides]), np.concatenate([x for _, x in sides])
        split = np.repeat(np.array(["train", "val", "test"], dtype=object), [len(y) for y, _ in sides])
        x = standardized(x, split == "train").astype(np.float32)
        return official_task("shift15m-balanced", "price", torch.from_numpy(x), y, split, owndata.digests(*theirs))
    catalog = base / "iqon_outfits.json"
    names, y = _prices(catalog)
    if variant == "balanced":
        keep = at_most("shift15m", np.floor(y), MOST)
        names, y = names[keep], y[keep]
    x = _features([base / "features" / f"{name}.json.gz" for name in names])
    task = official_task(f"shift15m-{variant}", "price", torch.from_numpy(x), y, None, owndata.digests(catalog))
    known = task.train.x.numpy()
    for side in (task.train, task.test):
        both = np.concatenate([known, side.x.numpy()])
        side.x = torch.from_numpy(standardized(both, np.arange(len(both)) < len(known))[len(known) :].astype(np.float32))
    return task


def _side(path: Path) -> tuple[np.ndarray, np.ndarray]:
    """Prices and features of one part of the balanced files."""
    if not path.is_file():
        raise DataError(f"{path} is missing: the balanced files come in three parts, train, val and test")
    table = owndata.read(path)
    y = owndata.numbers(owndata.column(table, "price", "price", path), path) / THOUSAND
    array = path.with_suffix(".npy")
    x = np.load(array, allow_pickle=False).astype(np.float32) if array.is_file() else _h5(path.with_suffix(".h5"))
    if len(x) != len(y):
        raise DataError(f"{path} has {len(y)} prices, its features have {len(x)} rows: they have to agree")
    return y, x


def _h5(path: Path) -> np.ndarray:
    if not path.is_file():
        raise DataError(f"{path} is missing, and so is the same as .npy: put the features beside the prices")
    try:
        h5py = importlib.import_module("h5py")  # no dependency of the suite
    except ImportError as error:
        raise DataError(f"{path} needs the package h5py: install it, or save its data set 'feature' as {path.with_suffix('.npy').name}") from error
    with h5py.File(path, "r") as file:
        found: np.ndarray = file["feature"][:].astype(np.float32)
    return found


def _prices(path: Path) -> tuple[np.ndarray, np.ndarray]:
    """Ids and prices in thousand yen of the distinct pieces of all outfits."""
    if not path.is_file():
        raise DataError(f"{path} is missing: download it as github.com/st-tech/zozo-shift15m tells, or give task.folder=")
    try:
        outfits = json.loads(owndata.unpacked(path))
        price = {str(item["item_id"]): float(item["price"]) for outfit in outfits for item in outfit["items"]}
    except owndata.UNREADABLE as error:
        raise DataError(f"{path} is no list of outfits with items and prices ({error}): download it again") from error
    owndata.check_size(path, len(price), "pieces")
    return np.array(list(price)), np.array(list(price.values())) / THOUSAND


def _features(files: list[Path]) -> np.ndarray:
    rows = []
    for file in files:
        if not file.is_file():
            raise DataError(f"{file} is missing: extract the features of SHIFT15M beside the catalog")
        try:
            rows.append(np.asarray(json.loads(owndata.unpacked(file)), dtype=np.float32))
        except owndata.UNREADABLE as error:
            raise DataError(f"{file} cannot be read as packed JSON ({error}): extract the features of SHIFT15M again") from error
    return np.stack(rows)
