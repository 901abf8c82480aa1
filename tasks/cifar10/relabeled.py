"""What people said later about test labels: reviews of suspicious ones, and the votes of many."""

from __future__ import annotations

import json
from pathlib import Path
from typing import Any

import numpy as np

from benchmark.core.errors import DataError
from benchmark.data.sources import Source

ERRORS = "https://raw.githubusercontent.com/cleanlab/label-errors/HEAD/mturk"
MAJORITY = 3  # of five reviewers


def reviews(name: str, sha256: str) -> Source:
    """Five people's reviews of the test labels of ``name`` that a network found suspicious."""
    licence = "Apache-2.0; cite Northcutt et al. (2021), arXiv:2103.14749"
    return Source(f"label-errors/{name}_mturk.json", licence, sha256=sha256, url=f"{ERRORS}/{name}_mturk.json")


def corrected(source: Source, data: Path, y: np.ndarray) -> dict[str, np.ndarray]:
    """``{"corrected": (E,)}``: test labels after the reviews, {} where the file is missing.

    A label stands if most of the five reviewers confirm it, and becomes the other one that they were shown if most prefer that. Where most see both, neither,
    or no answer has a majority, no class is right (-1) and the image is not scored.

    Raises:
        DataError: the file is damaged, or speaks of test labels in another order.
    """
    path = source.find_or_none(data)
    if path is None:
        return {}
    out = y.copy()
    try:
        entries: list[dict[str, Any]] = json.loads(path.read_bytes())
        for entry in entries:
            at, votes = int(entry["id"]), entry["mturk"]
            if at >= len(y):
                continue
            if y[at] != entry["given_original_label"]:
                raise DataError(f"{path} says {entry['given_original_label']} of test image {at}, whose label is {y[at]}: take images in torchvision order")
            if votes["given"] < MAJORITY:
                out[at] = entry["our_guessed_label"] if votes["guessed"] >= MAJORITY else -1
    except (ValueError, KeyError, TypeError) as error:
        raise DataError(f"{path} is no list of reviews ({type(error).__name__}: {error}): {source.how}") from error
    return {"corrected": out}


def votes(source: Source, data: Path, y: np.ndarray) -> dict[str, np.ndarray]:
    """``{"soft": (E, K)}``: how many people chose each class of a test image, {} where the file is missing.

    Raises:
        DataError: the file is damaged, or most votes of more than a tenth of the images are not for the test label.
    """
    path = source.find_or_none(data)
    if path is None:
        return {}
    try:
        found = np.load(path, allow_pickle=False)
    except (ValueError, OSError) as error:
        raise DataError(f"{path} is no array ({error}): {source.how}") from error
    if found.ndim != 2 or len(found) < len(y) or found.shape[1] <= y.max():
        raise DataError(f"{path} has shape {found.shape}, expected a count for each of {len(y)} images and {y.max() + 1} classes: {source.how}")
    found = found[: len(y)].astype(np.int64)
    same = float((found.argmax(1) == y).mean())
    if same < 0.9:
        raise DataError(f"{path} agrees with {same:.0%} of the test labels only: take images and votes in torchvision order")
    return {"soft": found}
