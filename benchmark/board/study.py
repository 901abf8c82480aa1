"""What an experiment says, on one page: what noise costs, what each method gains, and how much of that is repair."""

from __future__ import annotations

import itertools
from collections.abc import Hashable, Iterator, Mapping, Sequence
from pathlib import Path
from typing import Any

import numpy as np
import pandas as pd

from benchmark.board.comparisons import compute, turned
from benchmark.board.figures import gains as with_intervals
from benchmark.board.figures_studies import errors_by_rate, gains_by_noise, relative_gain
from benchmark.board.tables import Section, interval, table_lines
from benchmark.config.build import declaration, option
from benchmark.core.files import write_atomically
from benchmark.core.paths import CONF, ROOT
from benchmark.results.row import Row
from benchmark.stats import CELL, Estimate, paired_difference
from benchmark.stats.analysis_plan import PLAN
from benchmark.stats.intervals import LEAST_SEEDS

FOLDER = ROOT / "docs" / "studies"
LEGEND = (
    "Generated from the rows by `python -m benchmark study experiment={name}`; `make sweep EXPERIMENT={name}` makes the rows. Scores are those of the last "
    "epoch on right test labels. *Gain*: the method minus erm, paired by seed (same split, noise and order of seeds), 95 % t-interval, positive is better for "
    "errors too; stars: Holm within the cell (* .05, ** .01, *** .001; none below {least} seeds). *Repaired*: what the method gains beyond its own gain on "
    "right labels: the column `clean` is the part of a gain that has nothing to do with noise. † adapted to this task type, * knows more than the noisy "
    "labels, ‡ trained by settings of its own. cost: counted passes relative to erm, mean over the cells."
)
Settings = dict[tuple[str, str, str], str]  # (task, model, method) -> trainer
FEW = 12  # methods: up to here a picture shows every interval
NUMBERS = [
    *CELL, "method", "kind", "n", "metric", "mean", "low", "high", "gain", "gain_low", "gain_high", "p_holm", "clean_gain",
    "damage_reduced", "damage_reduced_low", "damage_reduced_high", "rate", "memorization", "cost", "seconds",
]  # fmt: skip


def write(name: str, rows: Sequence[Row], missing: int, folder: Path) -> None:
    """The page of an experiment, its numbers and pictures."""
    rows, settings = joined(rows)
    board = compute(rows)
    cells = board.cells[board.cells["track"] == PLAN.selection].assign(kind=lambda table: table["method"].map(kind_of))
    cells["shown"] = [_name(line, settings) for line in cells.to_dict("records")]
    hours = sum(row.cost.get("seconds", 0.0) for row in rows) / 3600
    count = f"{len(rows)} runs, {board.failed} failed" + (f", {missing} not run" if missing else "")
    text = [f"# {name}", "", _about(name), "", f"{count}, {hours:.1f} hours of one core. {LEGEND.format(name=name, least=LEAST_SEEDS)}", ""]
    for path, words in pictures(cells, folder / name):
        text += [f"![{words}]({path.name})", "", f"*{words[0].upper()}{words[1:]}.*", ""]
    for section in (damage(cells, board.data), *gains(cells), *kinds(cells)):
        text += [f"## {section.title}", "", *([section.note, ""] if section.note else []), *table_lines(section), ""]
    for trainer in dict.fromkeys(settings.values()):
        places = [key for key, own in settings.items() if own == trainer]
        text += [f"‡ {', '.join(dict.fromkeys(method for *_, method in places))} on {', '.join(dict.fromkeys(task for task, *_ in places))}: `{trainer}`", ""]
    write_atomically(folder / f"{name}.md", "\n".join(text).encode())
    write_atomically(folder / f"{name}.csv", numbers(cells).to_csv(index=False, float_format="%.5g").encode())


def joined(rows: Sequence[Row]) -> tuple[list[Row], Settings]:
    """Rows of methods that are trained by settings of their own stand in the cells of erm; the settings are returned too.

    A trainer without erm on a task and model is such a setting: seeds are the same, so the comparison stays paired.
    """
    of_erm = {(row.labels["task"], row.labels["model"]): row.labels["trainer"] for row in reversed(rows) if row.labels["method"] == PLAN.baseline}
    own = {(row.labels["task"], row.labels["model"], row.labels["trainer"]) for row in rows if row.labels["method"] == PLAN.baseline}
    out, settings = list[Row](), Settings()
    for row in rows:
        place = (row.labels["task"], row.labels["model"])
        if place in of_erm and (*place, row.labels["trainer"]) not in own:
            settings[(*place, row.labels["method"])] = row.labels["trainer"]
            out.append(row.model_copy(update={"labels": row.labels | {"trainer": of_erm[place]}}))
        else:
            out.append(row)
    return out, settings


def damage(cells: pd.DataFrame, data: pd.DataFrame) -> Section:
    """What noise does to erm in every cell, and whether it memorizes there."""
    erm = data[(data["method"] == PLAN.baseline) & (data["track"] == PLAN.selection)]
    scores = {key: group.set_index("seed")["score"] for key, group in erm.groupby(CELL, sort=False, observed=True)}
    lines = []
    for line in cells[cells["method"] == PLAN.baseline].to_dict("records"):
        task, noise, model, trainer = (line[axis] for axis in CELL)
        clean = scores.get((task, "clean", model, trainer))
        lost = "" if noise == "clean" else "n/a" if clean is None else _estimate(paired_difference(clean, scores[task, noise, model, trainer]))
        ends = sorted((line["sign"] * line["low"], line["sign"] * line["high"]))
        rate = f"{100 * line['rate']:.1f} %" if np.isfinite(line["rate"]) and noise != "clean" else ""
        memory, regime = ("", "") if noise == "clean" else (interval(line["memorization"], np.nan, np.nan), line["reason"] or "")
        lines.append([f"{task} · {model}", noise, rate, f"{line['metric']} {interval(line['sign'] * line['mean'], *ends)}", lost, memory, regime])
    return Section("What noise costs plain training", ["task", "noise", "wrong", "erm", "lost", "memorization", "regime"], lines)


def gains(cells: pd.DataFrame) -> Iterator[Section]:
    """Two tables a place: gains over erm, and what of them is repair. A column per noise, methods by their mean gain on noisy labels."""
    for (task, model, trainer), own in cells.groupby(["task", "model", "trainer"], sort=False, observed=True):
        others = own[own["method"] != PLAN.baseline]
        if others.empty:
            continue
        noises = list(dict.fromkeys(own["noise"]))
        order = others[others["noise"] != "clean"].groupby("shown", observed=True)["gain"].mean().sort_values(ascending=False).index
        cost, seconds = (others.groupby("shown", observed=True)[name].mean() for name in ("cost", "seconds"))
        table = {(line["shown"], line["noise"]): line for line in others.to_dict("records")}
        title = f"{task} · {model}"
        lines = [[name, *(_gain(table.get((name, noise))) for noise in noises), f"{cost[name]:.2f} x", f"{seconds[name]:.1f}"] for name in order]
        yield Section(f"Gain over erm: {title}", ["method", *noises, "cost", "seconds"], lines, f"Trained by `{trainer}`.")
        noisy = [noise for noise in noises if noise != "clean"]
        if "clean" in noises and noisy:
            lines = [[name, *(_part(table.get((name, noise))) for noise in noisy)] for name in order]
            yield Section(f"Repaired: {title}", ["method", *noisy], lines)


def kinds(cells: pd.DataFrame) -> Iterator[Section]:
    """Families of methods by noise: the median gain, and how often one of them is best."""
    noisy = cells[(cells["noise"] != "clean") & (cells["method"] != PLAN.baseline) & cells["gain"].notna() & (cells["privileged"] == "")]
    if noisy["kind"].nunique() < 2:
        return
    noises = list(dict.fromkeys(noisy["noise"]))
    noisy = noisy.assign(relative=relative_gain(noisy))
    middle = noisy.groupby(["kind", "noise"], observed=True)["relative"].median()
    wins = noisy.loc[noisy.groupby(CELL, sort=False, observed=True)["mean"].idxmax()].groupby(["kind", "noise"], observed=True).size()
    methods = noisy.groupby("kind", observed=True)["method"].nunique()
    order = noisy.groupby("kind", observed=True)["relative"].median().sort_values(ascending=False).index
    lines = [[f"{kind} ({methods[kind]})", *(_family(middle.get((kind, noise)), wins.get((kind, noise), 0)) for noise in noises)] for kind in order]
    note = (
        "Median gain over methods and tasks, in per cent of erm's error or in points of a score; behind it, in how many cells the best method is of this "
        "family. Without privileged methods."
    )
    yield Section("Which family wins when", ["family (methods)", *noises], lines, note)


def pictures(cells: pd.DataFrame, stem: Path) -> Iterator[tuple[Path, str]]:
    """Draw what fits the rows: where it is, and what is seen."""
    path = stem.with_suffix(".svg")
    if cells["method"].nunique() <= FEW:
        with_intervals(cells, path, repaired=True)
        yield path, "gain over erm (dot) and what of it is repair (ring) with 95 % intervals, gray holds zero; dotted: what noise costs erm"
    else:
        gains_by_noise(cells, path)
        yield path, "gain over erm, methods by family, median over tasks where there are many"
    rates = stem.with_name(f"{stem.name}-rates.svg")
    if errors_by_rate(cells, rates):
        yield rates, "MRAE against the share of wrong targets"


def numbers(cells: pd.DataFrame) -> pd.DataFrame:
    """Every number of the page: scores in their own direction, gains positive for better."""
    return turned(cells)[NUMBERS]


def kind_of(label: str) -> str:
    """What a method does about wrong labels, as its class says."""
    return str(declaration(option("method", label.partition("(")[0]), "method", "family"))


def _about(name: str) -> str:
    """The comment that an experiment's file begins with."""
    lines = (CONF / "experiment" / f"{name}.yaml").read_text(encoding="utf8").splitlines()
    return " ".join(line.removeprefix("#").strip() for line in itertools.takewhile(lambda line: line.startswith("#"), lines[1:]))


def _name(line: Mapping[Hashable, Any], settings: Settings) -> str:
    said = {"†": line["adapted"], "*": line["privileged"], "‡": (line["task"], line["model"], line["method"]) in settings}
    return str(line["method"]) + "".join(mark for mark, holds in said.items() if holds)


def _estimate(found: Estimate) -> str:
    return interval(found.value, found.low, found.high, signed=True)


def _gain(line: Mapping[Hashable, Any] | None) -> str:
    return "n/a" if line is None else interval(line["gain"], line["gain_low"], line["gain_high"], signed=True) + line["stars"]


def _part(line: Mapping[Hashable, Any] | None) -> str:
    return "n/a" if line is None else interval(line["damage_reduced"], line["damage_reduced_low"], line["damage_reduced_high"], signed=True)


def _family(middle: float | None, wins: int) -> str:
    return "n/a" if middle is None else f"{middle:+.1f} · {wins}"
