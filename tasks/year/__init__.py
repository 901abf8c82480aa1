"""Year: when a song came out, from the timbre of its sound (Million Song Dataset)."""

from __future__ import annotations

import io

import numpy as np
import pandas as pd
import torch
from sklearn.preprocessing import QuantileTransformer

from benchmark.core.errors import DataError
from benchmark.core.paths import Paths
from benchmark.core.seeds import seed_for
from benchmark.core.types import Task
from benchmark.data import own as owndata
from benchmark.data.official import Variant, at_most, official_task
from benchmark.data.reading import standardized

FEATURES, TRAIN = 90, 463_715  # the songs after these are the authors' test part: no artist is on both sides
MOST = 550


def load(paths: Paths, variant: Variant = "full", file: str = "year/YearPredictionMSD.txt", train: int = TRAIN) -> Task:
    """90 means and covariances of 12 timbre features; the target is the year.

    Args:
        paths: a relative ``file`` is in ``paths.data``.
        variant: ``full``, standardized features; ``balanced``, at most 550 songs a year and features mapped to normal quantiles, after Kim et al., 2024.
        file: the text file of UCI, year and features separated by commas, without a header.
        train: songs of the authors' training part, which come first.

    Raises:
        DataError: the file is missing or of another format.
    """
    path = paths.data / file
    if not path.is_file():
        raise DataError(f"{path} is missing: unpack YearPredictionMSD.txt.zip of the UCI repository there, or give task.file=")
    try:
        table = pd.read_csv(io.BytesIO(owndata.unpacked(path)), header=None).to_numpy(np.float64, na_value=np.nan)
    except owndata.UNREADABLE as error:
        raise DataError(f"{path} is no table of numbers ({str(error).partition(chr(10))[0]}): unpack YearPredictionMSD.txt.zip again") from error
    if table.shape[1] != FEATURES + 1 or not np.isfinite(table).all():
        raise DataError(f"{path} has {table.shape[1]} columns, some of them perhaps empty: a year and {FEATURES} numbers are expected in every line")
    if not 0 < train < len(table):
        raise DataError(f"{path} has {len(table)} songs, the authors' training part alone has {train}: get the whole file, or give task.train=")
    y, x, first = table[:, 0], table[:, 1:], np.arange(len(table)) < train
    if variant == "balanced":
        keep = at_most("year", y, MOST)
        y, x, first = y[keep], x[keep], first[keep]
        quantiles = QuantileTransformer(
            n_quantiles=max(min(int(first.sum()) // 30, 1000), 10), output_distribution="normal", random_state=seed_for("year") % 2**32
        )
        x = quantiles.fit(x[first]).transform(x)
    x = standardized(x, first).astype(np.float32)
    return official_task(f"year-{variant}", "year", torch.from_numpy(x), y, np.where(first, "train", "test").astype(object), owndata.digests(path))
