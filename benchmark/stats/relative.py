"""MRAE: the error on right test labels, relative to that of plain training on right labels."""

from __future__ import annotations

import numpy as np
import pandas as pd

from benchmark.stats.cells import CELL, PLACE

REFERENCES = {"mrae": "erm", "mrae_l1": "mae"}  # squared and absolute error on right labels


def relative_errors(data: pd.DataFrame, clean: str = "clean") -> pd.DataFrame:
    """100 (mean error / mean error of the reference on right labels - 1), by the same seeds, model, trainer and selection.

    A robust loss may fit the metric better than squared error and have a negative MRAE; ``mrae_l1`` compares with absolute error.

    Args:
        data: one line per run and track, as ``frames.run_frame`` gives it; errors are lines with ``sign`` -1.

    Returns:
        One line per cell, track and method: ``mrae`` and ``mrae_l1`` in per cent, NaN where the reference has no run or the score is no error.
    """
    same = [*PLACE, "track", "seed"]
    runs = data[[*CELL, "track", "method", "seed"]].assign(error=np.where(data["sign"] < 0, -data["score"].astype(float), np.nan))
    for name, method in REFERENCES.items():
        reference = runs.loc[(runs["noise"] == clean) & (runs["method"] == method), [*same, "error"]].rename(columns={"error": f"of_{name}"})
        runs = runs.merge(reference, on=same, how="left")
        runs[f"own_{name}"] = runs["error"].where(runs[f"of_{name}"].notna())
    groups = runs.groupby([*CELL, "track", "method"], sort=False, observed=True)
    means = groups[[f"{part}_{name}" for part in ("own", "of") for name in REFERENCES]].mean()
    return pd.DataFrame({name: 100 * (means[f"own_{name}"] / means[f"of_{name}"] - 1) for name in REFERENCES}).reset_index()
