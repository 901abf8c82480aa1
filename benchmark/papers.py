"""``figures/``: the pictures of the board as SVG and PDF, for papers."""

from __future__ import annotations

from collections.abc import Mapping
from pathlib import Path

import numpy as np
import pandas as pd
from matplotlib import pyplot as plt
from matplotlib.figure import Figure
from matplotlib.ticker import FormatStrFormatter

from benchmark.analysis import PLAN
from benchmark.figures import BETTER, UNSURE, WORSE, save
from benchmark.stats import LEAST_TASKS, Board
from benchmark.stats.orders import cliques, critical_difference, pareto_front, ranked

SHOWN = 60  # methods of a picture
PANELS = 6  # of a picture of robustness
NAMED = 10  # methods in it: as many as there are colors


def pictures(boards: Mapping[tuple[str, str], Board], cells: pd.DataFrame, folder: Path) -> None:
    """Write effects, critical differences, quality against cost and robustness of every task type that has them."""
    for (problem, track), board in boards.items():
        if track == PLAN.selection and board.table["z"].notna().sum() > 1:
            save(effects(board, problem), *_forms(folder, f"effects-{problem}"))
            difference = critical_differences(board, problem)
            if difference is not None:
                save(difference, *_forms(folder, f"ranks-{problem}"))
            own = cells[(cells["problem"] == problem) & (cells["track"] == track)]
            save(quality_and_cost(board, own.groupby("method")["cost"].mean(), problem), *_forms(folder, f"cost-{problem}"))
    for problem, own in cells[cells["track"] == PLAN.selection].groupby("problem") if len(cells) else ():
        found = robustness(own)
        if found is not None:
            save(found, *_forms(folder, f"robustness-{problem}"))


def _forms(folder: Path, name: str) -> list[Path]:
    return [folder / f"{name}.{suffix}" for suffix in ("svg", "pdf")]


def effects(board: Board, problem: str) -> Figure:
    """z of every method, best on top, with simultaneous intervals where there are six tasks; gray holds zero. Thin: over seeds, on these tasks alone."""
    table = board.table.head(SHOWN).iloc[::-1]
    figure, axis = plt.subplots(figsize=(6, 0.8 + 0.24 * len(table)), layout="constrained")
    for at, (z, low, high, *seeds) in enumerate(table[["z", "low", "high", "seed_low", "seed_high"]].to_numpy()):
        color = BETTER if low > 0 else WORSE if high < 0 else UNSURE
        axis.plot(seeds, [at, at], color=UNSURE, linewidth=0.8)
        axis.plot([low, high], [at, at], color=color, linewidth=2)
        axis.plot(z, at, "o", color=color, markersize=4.5)
    axis.axvline(0, color="black", linewidth=0.8)
    axis.set_yticks(range(len(table)), list(table.index), fontsize=8)
    axis.set_xlabel(f"{problem}: gain over {PLAN.baseline} in sd over seeds, {len(board.blocks.tasks)} tasks", fontsize=9)
    axis.spines[["top", "right"]].set_visible(False)
    return figure


def critical_differences(board: Board, problem: str) -> Figure | None:
    """Mean ranks over tasks, best left; a bar joins methods that Nemenyi's test at .05 does not separate. None below six tasks or three methods.

    It describes the order; the test of the plan is the one against erm. Demsar, 2006, Journal of Machine Learning Research 7.
    """
    z = board.blocks.tasks.assign(**{PLAN.baseline: 0.0})
    z = z[list(board.table.index[:SHOWN])]
    if len(z) < LEAST_TASKS or z.shape[1] < 3:
        return None
    place = pd.Series(ranked(-z.to_numpy()).mean(0), index=z.columns).sort_values(kind="stable")
    difference, half = critical_difference(z.shape[1], len(z)), -(-len(place) // 2)
    groups = cliques(place.to_numpy(), difference)
    depth = 1 + 0.3 * len(groups)
    figure, axis = plt.subplots(figsize=(7, 0.6 + 0.22 * (depth + half)), layout="constrained")
    for at, (method, rank) in enumerate(place.items()):
        ahead = at < half
        level, edge = -depth - (at if ahead else len(place) - 1 - at), 0.7 if ahead else len(place) + 0.3
        axis.plot([rank, rank, edge], [0, level, level], color="black", linewidth=0.7)
        axis.annotate(
            f"{method} {rank:.2f}", (edge, level), xytext=(-3 if ahead else 3, -2.5), textcoords="offset points", ha="right" if ahead else "left", fontsize=8
        )
    for at, (first, last) in enumerate(groups):
        axis.plot(place.iloc[[first, last]], [-0.5 - 0.3 * at] * 2, color=UNSURE, linewidth=3)
    axis.set_title(f"{problem}: mean rank over {len(z)} tasks, critical difference {difference:.2f}", fontsize=9)
    axis.set_ylim(-depth - half, 0)
    axis.xaxis.set_ticks_position("top")
    axis.set_yticks([])
    axis.spines[["left", "right", "bottom"]].set_visible(False)
    return figure


def quality_and_cost(board: Board, cost: pd.Series, problem: str) -> Figure:
    """z against passes; a line joins the methods that nobody beats in both."""
    table = board.table.join(cost.rename("cost")).dropna(subset=["cost"])
    front = pareto_front(table["z"].to_numpy(), table["cost"].to_numpy())
    figure, axis = plt.subplots(figsize=(6, 4), layout="constrained")
    axis.scatter(table["cost"], table["z"], c=[BETTER if on else UNSURE for on in front], s=22, zorder=3)
    best = table[front].sort_values(["cost", "z"])
    axis.plot(best["cost"], best["z"], color=BETTER, linewidth=1)
    for name, line in table.iterrows():
        axis.annotate(str(name), (line["cost"], line["z"]), xytext=(4, 3), textcoords="offset points", fontsize=8)
    axis.set_xscale("log")
    for way in (axis.xaxis.set_major_formatter, axis.xaxis.set_minor_formatter):
        way(FormatStrFormatter("%g"))
    axis.set(xlabel=f"cost, {PLAN.baseline} = 1", ylabel=f"{problem}: z")
    axis.spines[["top", "right"]].set_visible(False)
    return figure


def robustness(cells: pd.DataFrame) -> Figure | None:
    """Score against the share of wrong labels, for noises with several rates; None without one. The best ``NAMED`` methods have colors and names."""
    noisy = cells[(cells["noise"] != "clean") & cells["rate"].notna()]
    groups = [(key, own) for key, own in noisy.groupby(["task", "noise_name", "model", "trainer"], sort=False) if own["noise"].nunique() > 1][:PANELS]
    if not groups:
        return None
    best = pd.concat([own for _, own in groups]).groupby("method", sort=False)["mean"].mean().nlargest(NAMED).index
    colors = {method: f"C{at}" for at, method in enumerate(best)}
    figure, axes = plt.subplots(1, len(groups), figsize=(3.4 * len(groups), 3), squeeze=False, layout="constrained")
    for axis, ((task, noise, *_), own) in zip(axes.flat, groups, strict=True):
        for method, line in own.sort_values("rate").groupby("method", sort=False):
            half = np.abs(line["high"] - line["low"]) / 2
            score = line["sign"] * line["mean"]
            form = {"linewidth": 1.2, "elinewidth": 0.6, "marker": "o", "markersize": 3, "color": colors.get(method, UNSURE)}
            axis.errorbar(100 * line["rate"], score, yerr=half.fillna(0), label=str(method) if method in colors else None, **form)
        axis.set(title=f"{task}, {noise}", xlabel="wrong labels, %", ylabel=own["metric"].iloc[0])
        axis.spines[["top", "right"]].set_visible(False)
    axes.flat[-1].legend(fontsize=6, frameon=False)
    return figure
