"""Pictures of a study: which method helps on which noise, and MRAE against the noise rate."""

from __future__ import annotations

from pathlib import Path

import numpy as np
import pandas as pd

from benchmark.board.figures import UNSURE, plt, save
from benchmark.stats.analysis_plan import PLAN

ROOM = 1.5  # above the worst of erm
NAMED = 6  # lines with a color and a name; the others are gray
COLUMNS = 12  # a column per task and noise up to here, beyond it one per noise
LIMIT = 50.0  # the darkest color: per cent of an error, or
POINTS = 15.0  # points of a score


def relative_gain(cells: pd.DataFrame) -> pd.Series:
    """Gain over erm: in per cent of erm's error where the score is an error, in points (hundredths) of the score otherwise."""
    return 100 * cells["gain"] / np.where(cells["sign"] < 0, (cells["mean"] - cells["gain"]).abs(), 1.0)


def by_noise(cells: pd.DataFrame) -> pd.DataFrame:
    """``relative_gain``: a line per method, best kind and then best method first; a column per task and noise or, where these are many, the tasks' median."""
    others = cells[(cells["method"] != PLAN.baseline) & cells["gain"].notna()]
    many = len(others[["task", "model", "noise"]].drop_duplicates()) > COLUMNS
    column = others["noise"] if many else others["task"] + "\n" + others["noise"] + (("\n" + others["model"]) if others["model"].nunique() > 1 else "")
    table = others.assign(value=relative_gain(others), column=column).pivot_table(
        index=["kind", "method"], columns="column", values="value", aggfunc="median", sort=False
    )
    table = table[list(dict.fromkeys(column))]
    noisy = table[[name for name in table if "clean" not in str(name).split("\n")]].median(axis=1)
    of_kind = noisy.groupby(level="kind").transform("median")
    return table.iloc[np.lexsort((-noisy.to_numpy(), of_kind.index.get_level_values("kind"), -of_kind.to_numpy()))]


def gains_by_noise(cells: pd.DataFrame, path: Path) -> None:
    """``by_noise`` as a table of colors, green for better, with a line between the kinds of methods."""
    table = by_noise(cells)
    limit = LIMIT if (cells["sign"] < 0).all() else POINTS
    figure, axis = plt.subplots(figsize=(4.2 + 1.05 * table.shape[1], 1.6 + 0.22 * len(table)), layout="constrained")
    axis.imshow(np.clip(table.to_numpy(), -limit, limit), cmap="PRGn", vmin=-limit, vmax=limit, aspect="auto")
    for (row, column), value in np.ndenumerate(table.to_numpy()):
        if np.isfinite(value):
            text = "< -999" if value < -999 else f"{value:+.0f}" if limit == LIMIT else f"{value:+.1f}"
            axis.text(column, row, text, ha="center", va="center", fontsize=7, color="white" if abs(value) > 0.6 * limit else "black")
    kinds = list(table.index.get_level_values("kind"))
    for at in range(1, len(kinds)):
        if kinds[at] != kinds[at - 1]:
            axis.axhline(at - 0.5, color="black", linewidth=0.8)
    axis.set_xticks(range(table.shape[1]), list(table.columns), rotation=30, ha="right", fontsize=7)
    axis.set_yticks(range(len(table)), [f"{kind}: {method}" for kind, method in table.index], fontsize=7)
    axis.set_title("gain over erm, % of its error" if limit == LIMIT else "gain over erm, points", fontsize=9)
    save(figure, path)


def by_rate(cells: pd.DataFrame) -> pd.DataFrame:
    """MRAE by task, generator, rate and method: generators with clean labels and at least two rates on a task."""
    chosen = cells[(cells["problem"] == "regression") & cells["mrae"].notna()]
    clean = chosen["noise"] == "clean"
    table = chosen.assign(generator=chosen["noise"].map(lambda noise: noise.partition("(")[0]), rate=np.where(clean, 0.0, chosen["rate"]))
    table = table[table["rate"].notna()]
    parts = []
    for (task, generator), noisy in table[table["generator"] != "clean"].groupby(["task", "generator"], sort=False):
        if noisy["noise"].nunique() > 1:
            right = table[(table["task"] == task) & (table["generator"] == "clean")]
            parts.append(pd.concat([right, noisy]).assign(generator=generator))
    columns = ["task", "generator", "method", "rate", "mrae"]
    return pd.concat(parts)[columns].sort_values(columns[:4]).reset_index(drop=True) if parts else pd.DataFrame(columns=columns)


def errors_by_rate(cells: pd.DataFrame, path: Path) -> bool:
    """A panel per task and generator with a line per method; erm and the best at the highest rate are named. False, and no picture, without two rates."""
    panels = list(by_rate(cells).groupby(["task", "generator"], sort=False))
    if not panels:
        return False
    figure, axes = plt.subplots(1, len(panels), figsize=(3.6 * len(panels), 3.4), squeeze=False, layout="constrained")
    for axis, ((task, generator), part) in zip(axes.flat, panels, strict=True):
        last = part[part["rate"] == part["rate"].max()].sort_values("mrae")["method"].tolist()
        named = [PLAN.baseline, *[method for method in last if method != PLAN.baseline][: NAMED - 1]]
        for method, line in part.groupby("method", sort=False):
            label = str(method) if method in named else None
            color = "black" if method == PLAN.baseline else None if label else UNSURE
            axis.plot(line["rate"], line["mrae"], "o-", color=color, label=label, linewidth=1.6 if label else 0.6, markersize=3, zorder=2 if label else 1)
        axis.set(title=f"{task}\n{generator}", xlabel="share of wrong targets", ylabel="MRAE in %")
        axis.set_ylim(top=min(axis.get_ylim()[1], ROOM * part.loc[part["method"] == PLAN.baseline, "mrae"].max()))  # a method that diverges leaves the picture
        axis.legend(fontsize=7, frameon=False)
        axis.spines[["top", "right"]].set_visible(False)
    save(figure, path)
    return True
