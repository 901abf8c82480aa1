"""The label files of CIFAR-10N and CIFAR-100N: what people said, who said it, and whether it belongs to our images."""

from __future__ import annotations

import logging
from collections.abc import Mapping, Sequence
from pathlib import Path

import numpy as np
import pandas as pd

from benchmark.core.errors import DataError
from benchmark.data.reading import read_arrays
from benchmark.data.sources import Source
from benchmark.stats.intraclass import ALIGNED, intraclass_ratio

log = logging.getLogger(__name__)
PAGE = "https://raw.githubusercontent.com/UCSC-REAL/cifar-10-100n/HEAD"
LICENCE = "CC BY-NC 4.0; cite Wei et al. (2022), arXiv:2110.12088"


def source(name: str, url: str, sha256: str) -> Source:
    """A file of the repository UCSC-REAL/cifar-10-100n."""
    return Source(f"cifar-10-100n/data/{name}", LICENCE, sha256=sha256, url=f"{PAGE}/{url}")


def read(file: Source, data: Path, fields: Mapping[str, str], classes: int) -> dict[str, np.ndarray]:
    """The label sets of a file by our names.

    Args:
        fields: our name -> the file's.
        classes: labels are below this number.

    Raises:
        DataError: the file is missing, damaged or has other fields.
    """
    path = file.find(data)
    found = read_arrays(path)
    for field in fields.values():
        if field not in found or found[field].ndim != 1 or not 0 <= found[field].min() <= found[field].max() < classes:
            raise DataError(f"{path} holds no classes 0 to {classes - 1} under {field!r}: {file.how}")
    return {name: found[field].astype(np.int64) for name, field in fields.items()}


def check_order(file: Source, theirs: np.ndarray, ours: np.ndarray) -> None:
    """The right labels in the label file must be those of our images, all of them.

    Raises:
        DataError: they differ, so the file is in another order.
    """
    same = int((theirs[: len(ours)] == ours).sum()) if len(theirs) >= len(ours) else 0
    if same < len(ours):
        raise DataError(f"{file.path} is in another order than the images: {same} of {len(ours)} right labels agree; take both in torchvision order")


def side_information(file: Source, data: Path, errors: Sequence[np.ndarray], batch: int) -> np.ndarray | None:
    """Who labeled each batch of images and in how many seconds, (batches, annotators, 2), if it belongs to these images.

    Args:
        file: a csv of one line a batch, with a worker's id and seconds for each annotator.
        errors: (E,) bool of each annotator: the label is wrong.
        batch: images a line.

    Returns:
        None where the file is missing, or where the batches' error rates do not differ by worker as in aligned data (see ``intraclass_ratio``).

    Raises:
        DataError: the file is damaged.
    """
    path = file.find_or_none(data)
    if path is None:
        return None
    try:
        table = pd.read_csv(path).dropna(how="all").iloc[:, 1:].to_numpy(dtype=np.int64)
        found: np.ndarray = table.reshape(-1, len(errors), 2)
    except ValueError as error:
        raise DataError(f"{path} is no table of worker ids and seconds ({str(error).splitlines()[0]}): {file.how}") from error
    if len(found) * batch != len(errors[0]):
        raise DataError(f"{path} has {len(found)} lines for {len(errors[0])} labels, expected {len(errors[0]) // batch}: {file.how}")
    ratio = float(np.mean([intraclass_ratio(wrong.reshape(-1, batch).mean(1), found[:, a, 0]) for a, wrong in enumerate(errors)]))
    if not ratio > ALIGNED:
        log.warning("%s is not used: error rates do not differ by worker (ratio %.2f, aligned above %.1f), so it belongs to other images", path, ratio, ALIGNED)
        return None
    return found
