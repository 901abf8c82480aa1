"""Pictures of the board."""

from __future__ import annotations

from collections.abc import Sequence
from pathlib import Path
from typing import Any

import matplotlib
import numpy as np

matplotlib.use("Agg")
from matplotlib import pyplot as plt
from matplotlib.ticker import MaxNLocator

BETTER, WORSE, UNSURE = "#1b7f5c", "#b3443c", "#8a8f98"


def gains(records: Sequence[dict[str, Any]], path: Path, track: str = "last") -> None:
    """Gain over erm of every method with its 95 % interval, a panel per task and noise; written as svg or png.

    Errors are turned, so right of the line is better everywhere. Grey: the interval holds zero.
    """
    chosen = [r for r in records if r["track"] == track and r["noise"] != "clean" and r["gain"]]
    places = sorted({(r["task"], r["noise"]) for r in chosen})
    if not places:
        return
    columns = min(4, len(places))
    rows = -(-len(places) // columns)
    figure, axes = plt.subplots(rows, columns, figsize=(3.4 * columns, 2.7 * rows), squeeze=False, layout="constrained")
    for axis, place in zip(axes.flat, places, strict=False):
        block = sorted((r for r in chosen if (r["task"], r["noise"]) == place), key=lambda r: r["gain"].value)
        for at, record in enumerate(block):
            gain = record["gain"]
            color = BETTER if gain.low > 0 else WORSE if gain.high < 0 else UNSURE
            if np.isfinite(gain.low):
                axis.plot([gain.low, gain.high], [at, at], color=color, linewidth=2)
            axis.plot(gain.value, at, "o", color=color, markersize=5)
        axis.axvline(0, color="black", linewidth=0.8)
        axis.set_yticks(range(len(block)), [r["method"] for r in block], fontsize=8)
        axis.tick_params(axis="x", labelsize=8)
        axis.xaxis.set_major_locator(MaxNLocator(5))
        axis.set_title(f"{place[0]}\n{place[1]}", fontsize=9)
        axis.set_xlabel(f"gain in {block[0]['metric']}", fontsize=8)
        axis.spines[["top", "right"]].set_visible(False)
    for axis in list(axes.flat)[len(places) :]:
        axis.remove()
    path.parent.mkdir(parents=True, exist_ok=True)
    figure.savefig(path, metadata={"Date": None} if path.suffix == ".svg" else None, dpi=130)
    plt.close(figure)
