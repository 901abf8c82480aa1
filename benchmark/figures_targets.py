"""Pictures of errors of numbers: MRAE against the noise rate, and which method helps on which noise."""

from __future__ import annotations

from pathlib import Path

import numpy as np
import pandas as pd

from benchmark.figures import BETTER, UNSURE, plt

NAMED = 6  # lines with a color and a name; the others are gray


def by_rate(cells: pd.DataFrame, track: str = "last") -> pd.DataFrame:
    """MRAE by task, generator, rate and method: generators with clean labels and at least two rates on a task."""
    chosen = cells[(cells["problem"] == "regression") & (cells["track"] == track) & cells["mrae"].notna()]
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


def by_noise(cells: pd.DataFrame, track: str = "last") -> pd.DataFrame:
    """Change of the error against erm in per cent, mean over tasks: a line per method, best first, a column per noise."""
    chosen = cells[(cells["problem"] == "regression") & (cells["track"] == track)]
    erm = chosen.loc[chosen["method"] == "erm", ["task", "noise", "model", "trainer", "mean"]].rename(columns={"mean": "erm"})
    both = chosen.merge(erm, on=["task", "noise", "model", "trainer"])
    change = both.assign(change=100 * (both["mean"] / both["erm"] - 1)).pivot_table(index="method", columns="noise", values="change", sort=False)
    return change.loc[change.mean(axis=1).sort_values(kind="stable").index]


def errors_by_rate(cells: pd.DataFrame, path: Path, track: str = "last") -> None:
    """A panel per task and generator with a line per method; erm and the best at the highest rate are named. Nothing without two rates."""
    table = by_rate(cells, track)
    panels = list(table.groupby(["task", "generator"], sort=False))
    if not panels:
        return
    figure, axes = plt.subplots(1, len(panels), figsize=(3.6 * len(panels), 3.4), squeeze=False, layout="constrained")
    for axis, ((task, generator), part) in zip(axes.flat, panels, strict=True):
        last = part[part["rate"] == part["rate"].max()].sort_values("mrae")["method"].tolist()
        named = ["erm", *[method for method in last if method != "erm"][: NAMED - 1]]
        for method, line in part.groupby("method", sort=False):
            label = str(method) if method in named else None
            color = "black" if method == "erm" else None if label else UNSURE
            axis.plot(line["rate"], line["mrae"], "o-", color=color, label=label, linewidth=1.6 if label else 0.6, markersize=3, zorder=2 if label else 1)
        axis.set(title=f"{task}\n{generator}", xlabel="share of wrong targets", ylabel="MRAE in %")
        axis.legend(fontsize=7, frameon=False)
        axis.spines[["top", "right"]].set_visible(False)
    _save(figure, path)


def changes_by_noise(cells: pd.DataFrame, path: Path, track: str = "last") -> None:
    """A table of colors: which method has a smaller error than erm (green) on which noise. Nothing without two methods."""
    table = by_noise(cells, track)
    if len(table) < 2:
        return
    figure, axis = plt.subplots(figsize=(2.5 + 1.1 * table.shape[1], 1.2 + 0.24 * len(table)), layout="constrained")
    axis.imshow(np.clip(-table.to_numpy(), -50, 50), cmap="PRGn", vmin=-50, vmax=50, aspect="auto")
    for (row, column), value in np.ndenumerate(table.to_numpy()):
        if np.isfinite(value):
            axis.text(column, row, f"{value:+.0f}", ha="center", va="center", fontsize=7)
    axis.set_xticks(range(table.shape[1]), table.columns, rotation=30, ha="right", fontsize=7)
    axis.set_yticks(range(len(table)), table.index, fontsize=7)
    axis.set_title("error against erm in %, mean over tasks", fontsize=9, color=BETTER)
    _save(figure, path)


def _save(figure: plt.Figure, path: Path) -> None:
    path.parent.mkdir(parents=True, exist_ok=True)
    figure.savefig(path, metadata={"Date": None} if path.suffix == ".svg" else None, dpi=130)
    plt.close(figure)
