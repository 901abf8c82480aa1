"""Pictures of the board and of noise."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from pathlib import Path
from typing import Any

import matplotlib
import numpy as np
import pandas as pd

matplotlib.use("Agg")
from matplotlib import pyplot as plt
from matplotlib.axes import Axes
from matplotlib.backends.backend_pdf import FigureCanvasPdf
from matplotlib.backends.backend_svg import FigureCanvasSVG
from matplotlib.figure import Figure
from matplotlib.ticker import MaxNLocator

from benchmark.stats import CELL

BETTER, WORSE, UNSURE = "#1b7f5c", "#b3443c", "#8a8f98"
matplotlib.rcParams["text.parse_math"] = False  # labels are plain text: a $ in one begins no formula


def save(figure: Figure, *paths: Path) -> None:
    """Write a picture as svg, and as pdf if a path ends so; the same rows give the same bytes.

    ``savefig`` would draw it twice for each. What the first has laid out stays.
    """
    for path in paths:
        path.parent.mkdir(parents=True, exist_ok=True)
        if path.suffix == ".pdf":
            FigureCanvasPdf(figure).print_pdf(path, metadata={"CreationDate": None})
        else:
            FigureCanvasSVG(figure).print_svg(path, metadata={"Date": None})
        figure.set_layout_engine("none")
    plt.close(figure)


def gains(cells: pd.DataFrame, *paths: Path, track: str = "last", repaired: bool = False) -> None:
    """Gain over erm of every method with its 95 % interval, a panel per noisy cell; written as svg and pdf.

    Errors are turned, so right of the line is better everywhere. Grey: the interval holds zero.

    Args:
        cells: as in ``Leaderboard``.
        paths: of the picture.
        track: whose cells are shown.
        repaired: draw below each gain, as a ring, what of it is repair, and what noise costs erm as a dotted line.
    """
    chosen = cells[(cells["track"] == track) & (cells["noise"] != "clean") & cells["gain"].notna()]
    blocks = list(chosen.groupby(CELL, sort=False, observed=True))
    if not blocks:
        return
    columns = min(4, len(blocks))
    rows = -(-len(blocks) // columns)
    figure, axes = plt.subplots(rows, columns, figsize=(3.4 * columns, 2.7 * rows), squeeze=False, layout="constrained")
    for axis, ((task, noise, *place), block) in zip(axes.flat, blocks, strict=False):
        ordered = block.sort_values("gain")
        _dots(axis, ordered[["gain", "gain_low", "gain_high"]].to_numpy(), 0.0, markersize=5)
        if repaired:
            _dots(axis, ordered[["damage_reduced", "damage_reduced_low", "damage_reduced_high"]].to_numpy(), -0.3, markersize=4, markerfacecolor="white")
            clean = cells[(cells["track"] == track) & (cells["method"] == "erm") & (cells["noise"] == "clean") & (cells["task"] == task)]
            lost = (clean.set_index(["model", "trainer"])["mean"] - (ordered["mean"] - ordered["gain"]).mean()).get(tuple(place))
            if lost is not None:
                axis.axvline(lost, color="black", linewidth=0.8, linestyle=":")
        axis.axvline(0, color="black", linewidth=0.8)
        axis.set_yticks(range(len(ordered)), ordered["method"], fontsize=8)
        axis.tick_params(axis="x", labelsize=8)
        axis.xaxis.set_major_locator(MaxNLocator(5))
        axis.set_title(f"{task}\n{noise}", fontsize=9)
        axis.set_xlabel(f"gain in {ordered['metric'].iloc[0]}", fontsize=8)
        axis.spines[["top", "right"]].set_visible(False)
    for axis in list(axes.flat)[len(blocks) :]:
        axis.remove()
    save(figure, *paths)


def _dots(axis: Axes, values: np.ndarray, shift: float, **marker: Any) -> None:
    """Estimates with their intervals, one a line."""
    for at, (value, low, high) in enumerate(values):
        color = BETTER if low > 0 else WORSE if high < 0 else UNSURE
        if np.isfinite(low):
            axis.plot([low, high], [at + shift, at + shift], color=color, linewidth=2 if shift == 0 else 1)
        axis.plot(value, at + shift, "o", color=color, **marker)


def noise_picture(
    title: str,
    transition: np.ndarray | None,
    classes: Sequence[str],
    units: Sequence[str],
    numbers: Mapping[str, Any],
    right: np.ndarray,
    given: np.ndarray,
    path: Path,
) -> None:
    """What noise did to labels: the realised T and the rate of every class, written as png.

    Multi-label tasks show FPR, FNR and PPV of every label, continuous targets the given against the right ones and the errors.
    """
    figure, (left, rate) = plt.subplots(1, 2, figsize=(10, 4.6), layout="constrained")
    ticks = list(range(0, len(units), 1 if len(units) <= 30 else 10))
    if transition is None:
        left.plot(right, given, ".", markersize=2, alpha=0.4)
        left.set(xlabel="right", ylabel="given")
        rate.hist(given - right, bins=60, color=UNSURE)
        rate.set(xlabel="given - right", ylabel="samples")
    elif "rate_by_class" in numbers:
        _table(left, transition[0], "realised T", classes, ticks, ticks)
        left.set(xlabel="observed", ylabel="right")
        _bars(rate, {"rate": numbers["rate_by_class"]}, units, ticks)
    else:
        _table(left, transition[:, [0, 1], [1, 0]], "realised flips of every label", units, ticks, [0, 1])
        left.set_xticks([0, 1], ["P(1 | 0)", "P(0 | 1)"], fontsize=8)
        _bars(rate, {name: numbers[name] for name in ("fpr", "fnr", "ppv")}, units, ticks)
    figure.suptitle(title, fontsize=10)
    path.parent.mkdir(parents=True, exist_ok=True)
    figure.savefig(path, dpi=130)
    plt.close(figure)


def _table(axis: Axes, table: np.ndarray, title: str, names: Sequence[str], rows: Sequence[int], columns: Sequence[int]) -> None:
    """Probabilities as shades."""
    image = axis.imshow(table, vmin=0, vmax=1, cmap="Blues", aspect="auto")
    axis.figure.colorbar(image, ax=axis, shrink=0.8)
    axis.set_yticks(rows, [names[i] for i in rows], fontsize=7)
    axis.set_xticks(columns, [names[i] for i in columns], fontsize=7, rotation=90)
    axis.set_title(title, fontsize=9)


def _bars(axis: Axes, series: Mapping[str, Sequence[float | None]], names: Sequence[str], ticks: Sequence[int]) -> None:
    """One group of bars per name."""
    width = 0.8 / len(series)
    for at, (name, value) in enumerate(series.items()):
        height = np.array([np.nan if one is None else one for one in value], dtype=float)
        axis.bar(np.arange(len(height)) + (at - (len(series) - 1) / 2) * width, height, width, label=name)
    axis.set_xticks(ticks, [names[i] for i in ticks], rotation=90, fontsize=7)
    axis.set_ylim(0, 1)
    axis.legend(fontsize=8, frameon=False)
