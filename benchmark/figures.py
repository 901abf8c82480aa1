"""Pictures of the board."""

from __future__ import annotations

from pathlib import Path

import matplotlib
import numpy as np
import pandas as pd

matplotlib.use("Agg")
from matplotlib import pyplot as plt
from matplotlib.ticker import MaxNLocator

from benchmark.stats import CELL

PANELS = 12
BETTER, WORSE, UNSURE = "#1b7f5c", "#b3443c", "#8a8f98"


def gains(cells: pd.DataFrame, path: Path, track: str = "last") -> None:
    """Gain over erm of every method with its 95 % interval, a panel per noisy cell (the first 12); written as svg or png.

    Errors are turned, so right of the line is better everywhere. Grey: the interval holds zero.

    Args:
        cells: as in ``Leaderboard``.
        path: of the picture.
        track: whose cells are shown.
    """
    chosen = cells[(cells["track"] == track) & (cells["noise"] != "clean") & cells["gain"].notna()]
    blocks = list(chosen.groupby(CELL, sort=False, observed=True))[:PANELS]
    if not blocks:
        return
    columns = min(4, len(blocks))
    rows = -(-len(blocks) // columns)
    figure, axes = plt.subplots(rows, columns, figsize=(3.4 * columns, 2.7 * rows), squeeze=False, layout="constrained")
    for axis, ((task, noise, *_), block) in zip(axes.flat, blocks, strict=False):
        ordered = block.sort_values("gain")
        for at, (gain, low, high) in enumerate(ordered[["gain", "gain_low", "gain_high"]].to_numpy()):
            color = BETTER if low > 0 else WORSE if high < 0 else UNSURE
            if np.isfinite(low):
                axis.plot([low, high], [at, at], color=color, linewidth=2)
            axis.plot(gain, at, "o", color=color, markersize=5)
        axis.axvline(0, color="black", linewidth=0.8)
        axis.set_yticks(range(len(ordered)), ordered["method"], fontsize=8)
        axis.tick_params(axis="x", labelsize=8)
        axis.xaxis.set_major_locator(MaxNLocator(5))
        axis.set_title(f"{task}\n{noise}", fontsize=9)
        axis.set_xlabel(f"gain in {ordered['metric'].iloc[0]}", fontsize=8)
        axis.spines[["top", "right"]].set_visible(False)
    for axis in list(axes.flat)[len(blocks) :]:
        axis.remove()
    path.parent.mkdir(parents=True, exist_ok=True)
    figure.savefig(path, metadata={"Date": None} if path.suffix == ".svg" else None, dpi=130)
    plt.close(figure)
