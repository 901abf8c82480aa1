"""``figures/``: the pictures of the board as SVG and PDF, for papers."""

from __future__ import annotations

from collections.abc import Mapping
from pathlib import Path

import numpy as np
import pandas as pd
from matplotlib import pyplot as plt
from matplotlib.axes import Axes
from matplotlib.figure import Figure
from matplotlib.ticker import FormatStrFormatter

from benchmark.board.figures import BETTER, UNSURE, WORSE, save
from benchmark.stats import CELL, LEAST_TASKS, Board
from benchmark.stats.analysis_plan import PLAN
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
    tasks = len(board.blocks.tasks)
    axis.set_xlabel(f"{problem}: gain over {PLAN.baseline} in sd over seeds, {tasks} {'task' if tasks == 1 else 'tasks'} (thin: 95 % over seeds)", fontsize=9)
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
    """z against passes, with its interval over seeds; a line joins the methods that nobody beats in both. A name that would cover another is left out."""
    table = board.table.join(cost.rename("cost")).dropna(subset=["cost"])
    front = pareto_front(table["z"].to_numpy(), table["cost"].to_numpy())
    figure, axis = plt.subplots(figsize=(6, 4.5), layout="constrained")
    axis.vlines(table["cost"], table["seed_low"], table["seed_high"], color=UNSURE, linewidth=0.7)
    axis.scatter(table["cost"], table["z"], c=[BETTER if on else UNSURE for on in front], s=22, zorder=3)
    best = table[front].sort_values(["cost", "z"])
    axis.plot(best["cost"], best["z"], color=BETTER, linewidth=1)
    axis.set_xscale("log")
    axis.margins(x=0.15)
    for way in (axis.xaxis.set_major_formatter, axis.xaxis.set_minor_formatter):
        way(FormatStrFormatter("%g"))
    axis.set(xlabel=f"cost: forward and backward passes, {PLAN.baseline} = 1", ylabel=f"{problem}: gain over {PLAN.baseline} in sd over seeds")
    axis.spines[["top", "right"]].set_visible(False)
    _names(axis, pd.concat([best, table[~front]]))
    return figure


LETTER, LINE = 4.2, 7.5  # points of a name at size 7


def _names(axis: Axes, table: pd.DataFrame) -> None:
    """Names beside points, right or left of them, where they cover neither a point nor a name; those that come first have the choice."""
    figure = axis.get_figure()
    assert isinstance(figure, Figure)
    figure.draw_without_rendering()  # the layout is known now
    points = axis.transData.transform(table[["cost", "z"]].to_numpy()) * 72 / figure.dpi
    taken = [(x - 3, y - 3, x + 3, y + 3) for x, y in points]
    for (x, y), name in zip(points, table.index, strict=True):
        wide = LETTER * len(str(name))
        for right, dy in ((True, -2.5), (False, -2.5), (True, 3.5), (True, -8.5), (False, 3.5), (False, -8.5)):
            left = x + 5 if right else x - 5 - wide
            box = (left, y + dy, left + wide, y + dy + LINE)
            if all(box[2] < o[0] or o[2] < box[0] or box[3] < o[1] or o[3] < box[1] for o in taken):
                axis.annotate(
                    str(name),
                    (table.loc[name, "cost"], table.loc[name, "z"]),
                    (5 if right else -5, dy),
                    textcoords="offset points",
                    ha="left" if right else "right",
                    fontsize=7,
                )
                taken.append(box)
                break


def robustness(cells: pd.DataFrame) -> Figure | None:
    """Score against the share of wrong labels, for noises with several rates; None without one.

    Methods with the best mean rank over cells have colors, erm is dashed.
    """
    noisy = cells[(cells["noise"] != "clean") & cells["rate"].notna()]
    groups = [(key, own) for key, own in noisy.groupby(["task", "noise_name", "model", "trainer"], sort=False) if own["noise"].nunique() > 1][:PANELS]
    if not groups:
        return None
    shown = pd.concat([own for _, own in groups])
    place = shown.groupby(CELL, sort=False)["mean"].rank(ascending=False)
    best = list(place.groupby(shown["method"], sort=False).mean().drop(PLAN.baseline, errors="ignore").nsmallest(NAMED).index)
    named = {PLAN.baseline: {"color": "black", "linestyle": "--"}} | {method: {"color": f"C{at}"} for at, method in enumerate(best)}
    columns = min(3, len(groups))
    rows = -(-len(groups) // columns)
    figure, axes = plt.subplots(rows, columns, figsize=(3.4 * columns, 2.8 * rows + 0.5), squeeze=False, layout="constrained")
    for axis, ((task, noise, model, _), own) in zip(axes.flat, groups, strict=False):
        lines = dict(list(own.sort_values("rate").groupby("method", sort=False)))
        for method in [*(name for name in lines if name not in named), *(name for name in named if name in lines)]:
            line = lines[method]
            rate, score, half = 100 * line["rate"], line["sign"] * line["mean"], np.abs(line["high"] - line["low"]) / 2
            if method in named:
                form = {"linewidth": 1.2, "elinewidth": 0.6, "marker": "o", "markersize": 3, **named[method]}
                axis.errorbar(rate, score, yerr=half.fillna(0), label=str(method), **form)
            else:
                axis.plot(rate, score, color=UNSURE, linewidth=0.5, alpha=0.6)
        axis.set_title(f"{task}\n{noise}, {model}", fontsize=8)
        axis.set(xlabel="wrong labels, %", ylabel=own["metric"].iloc[0])
        axis.spines[["top", "right"]].set_visible(False)
    for axis in list(axes.flat)[len(groups) :]:
        axis.set_visible(False)
    handles = {label: handle for axis in axes.flat for handle, label in zip(*axis.get_legend_handles_labels(), strict=True)}
    order = [name for name in named if name in handles]
    style = {"ncols": 5, "fontsize": 7, "frameon": False, "title": "gray: other methods", "title_fontsize": 7}
    figure.legend([handles[name] for name in order], order, loc="outside lower center", **style)
    return figure
