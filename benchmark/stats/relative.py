"""MRAE: the error on right test labels, relative to that of plain training on right labels."""

from __future__ import annotations

import numpy as np
import pandas as pd

from benchmark.stats.cell_table import LINE, PLACE
from benchmark.stats.groups import groups, keys

REFERENCES = {"mrae": "erm", "mrae_l1": "mae"}  # squared and absolute error on right labels


def relative_errors(data: pd.DataFrame, clean: str = "clean") -> pd.DataFrame:
    """100 (mean error / mean error of the reference on right labels - 1), by the same seeds, model, trainer and selection.

    A robust loss may fit the metric better than squared error and have a negative MRAE; ``mrae_l1`` compares with absolute error.

    Args:
        data: one line per run and track, as ``frames.run_frame`` gives it; errors are lines with ``sign`` -1.

    Returns:
        One line per cell, track and method: ``mrae`` and ``mrae_l1`` in per cent, NaN where the reference has no run or the score is no error.
    """
    error = np.where(data["sign"] < 0, -data["score"].to_numpy(dtype=float), np.nan)
    place = keys(data, [*PLACE, "track", "seed"])
    group, first = groups(data, LINE)
    out = data.iloc[first][LINE].reset_index(drop=True)
    for name, method in REFERENCES.items():
        chosen = ((data["noise"] == clean) & (data["method"] == method)).to_numpy()
        reference = pd.Series(error[chosen], index=place[chosen]).reindex(place).to_numpy()
        both = np.isfinite(error) & np.isfinite(reference)
        own, of = (np.bincount(group[both], weights=values[both], minlength=len(out)) for values in (error, reference))
        with np.errstate(invalid="ignore", divide="ignore"):
            out[name] = 100 * (own / of - 1)
    return out
