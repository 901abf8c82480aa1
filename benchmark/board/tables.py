"""The board as text: numbers with their intervals, in tables that markdown, html and the console share."""

from __future__ import annotations

import itertools
import math
from collections.abc import Iterator, Mapping, Sequence
from dataclasses import dataclass
from typing import Any

import numpy as np
import pandas as pd

from benchmark.stats import CELL, Board

LEGEND = (
    "Positive gains are improvements. Intervals are 95 % t-intervals over seeds, those of scores in [0, 1] on the logit scale, "
    "paired with erm where two methods are compared; gap closed and damage "
    "repaired have Fieller intervals and are n/a where their denominator is not clearly different from zero. Where an interval holds zero, (d) is the "
    "smallest difference that this many seeds find 8 times in 10. cost: counted forward and backward passes relative to erm. "
    "The second interval of a ranking is over seeds, on these tasks alone. MRAE: mean error relative to that of squared / absolute error on right labels. "
    "† adapted to this task type, * knows more than the noisy labels, ‡ reported by others and not run here, "
    "∅ collapsed in at least one run: its test predictions are (nearly) constant."
)


@dataclass(frozen=True)
class Section:
    """One table."""

    title: str
    columns: list[str]
    lines: list[list[str]]
    note: str = ""


def interval(value: float, low: float, high: float, *, digits: int = 3, signed: bool = False) -> str:
    """``0.912 [0.900, 0.924]``; n/a for nothing, no brackets without an interval."""
    if not math.isfinite(value):
        return "n/a"
    form = f"{'+' if signed else ''}.{digits}f" if abs(value) < 100 else f"{'+' if signed else ''}.0f"
    return f"{value:{form}}" + (f" [{low:{form}}, {high:{form}}]" if math.isfinite(low) else "")


def of_cells(cells: pd.DataFrame) -> Iterator[Section]:
    """A table per cell and track, methods best first; lines of a cell follow each other."""
    for _, block in itertools.groupby(cells.to_dict("records"), key=lambda line: [line[name] for name in (*CELL, "track")]):
        yield _of_cell(list(block))


def _of_cell(block: Sequence[Mapping[Any, Any]]) -> Section:
    first = block[0]
    rate = f", {100 * first['rate']:.1f} % wrong" if math.isfinite(first["rate"]) else ""
    if rate and math.isfinite(first["nominal"]):
        rate += f" (nominal {100 * first['nominal']:.4g} %)"
    rate += ", scored on observed labels" if first["test_labels"] == "observed" else ""
    title = f"{first['task']} · {first['noise']}{rate} · {first['model']} · {first['trainer']} · selected by {first['track']}"
    notes = [first["reason"] if isinstance(first["reason"], str) and first["noise"] != "clean" else ""]
    if first["track"] == "noisy_val" and math.isfinite(first["rho_sel"]):
        verdict = "" if first["rho_sel"] >= 0.5 else ": noisy validation does not rank here"
        notes.append(f"rho_sel {first['rho_sel']:.2f}{verdict}")
    if first["one_draw"]:
        notes.append("all seeds have the same wrong labels: intervals are conditional on this noise")
    columns = [
        "method",
        "n",
        f"{first['metric']} [95 %]",
        "sd",
        "gain over erm",
        "gap closed",
        "damage repaired",
        "clean gain",
        *(["MRAE / L1"] if first["problem"] == "regression" else []),
        "memorization",
        "cost",
        "seconds",
    ]
    return Section(title, columns, [_line(line) for line in block], "; ".join(filter(None, notes)))


def _line(line: Mapping[str, Any]) -> list[str]:
    sign = line["sign"]
    ends = sorted((sign * line["low"], sign * line["high"]))
    gain = interval(line["gain"], line["gain_low"], line["gain_high"], signed=True) + line["stars"]
    if line["gain_low"] <= 0 <= line["gain_high"] and math.isfinite(line["detectable"]):
        gain += f" ({line['detectable']:.3g})"
    return [
        line["method"] + (f" ({line['likelihood']})" if line["likelihood"] else "") + _marks(line),
        str(line["n"]),
        interval(sign * line["mean"], *ends),
        f"{line['sd']:.3g}" if math.isfinite(line["sd"]) else "n/a",
        gain,
        interval(line["gap_closed"], line["gap_closed_low"], line["gap_closed_high"], digits=2),
        interval(line["damage_reduction"], line["damage_reduction_low"], line["damage_reduction_high"], digits=2),
        interval(line["clean_gain"], line["clean_gain_low"], line["clean_gain_high"], signed=True),
        *([f"{_percent(line['mrae'])} / {_percent(line['mrae_l1'])}"] if line["problem"] == "regression" else []),
        interval(line["memorization"], np.nan, np.nan),
        f"{line['cost']:.2f} x" if math.isfinite(line["cost"]) else "n/a",
        f"{line['seconds']:.1f}",
    ]


def _marks(line: Mapping[str, Any]) -> str:
    """What a reader must know of a method's rows."""
    said = {"†": line["adapted"], "*": line["privileged"], "‡": line["self_reported"], "∅": line.get("collapsed", 0) > 0}
    return "".join(mark for mark, holds in said.items() if holds)


def _percent(value: float) -> str:
    return f"{value:+.0f} %" if math.isfinite(value) else "n/a"


Marks = Mapping[tuple[str, str], str]  # by task type and method


def marks_of(cells: pd.DataFrame) -> Marks:
    """What a reader must know of each method of a board: it has a mark if one of its cells has it."""
    if not len(cells):
        return {}
    constant = cells["collapsed"] > 0 if "collapsed" in cells else False
    said = cells.assign(privileged=cells["privileged"].astype(str) != "", collapsed=constant).groupby(["problem", "method"], observed=True, sort=False)
    table = said[["adapted", "privileged", "self_reported", "collapsed"]].any()
    return {(str(problem), str(method)): _marks(line) for (problem, method), line in zip(table.index, table.to_dict("records"), strict=True)}


def of_board(key: tuple[str, str], board: Board, marks: Marks) -> Section:
    """The ranking of one problem kind and track; z is the gain over erm in sd over seeds, tasks are the blocks."""
    problem, track = key
    columns = ["method", "z [simultaneous 95 %]", "[95 % over seeds, these tasks]", "p", "worst decile", "cells below erm", "rank [95 %]", "P(first)"]
    lines = [
        [
            f"{method}{marks.get((problem, str(method)), '')}",
            interval(row["z"], row["low"], row["high"], digits=2, signed=True) + row["stars"],
            f"[{row['seed_low']:+.2f}, {row['seed_high']:+.2f}]" if math.isfinite(row["seed_low"]) else "n/a",
            f"{row['p']:.3f}" if math.isfinite(row["p"]) else "n/a",
            interval(row["worst_decile"], np.nan, np.nan, digits=2, signed=True),
            f"{100 * row['below_erm']:.0f} %" if math.isfinite(row["below_erm"]) else "n/a",
            interval(row["rank"], row["rank_low"], row["rank_high"], digits=1),
            f"{row['first']:.2f}" if math.isfinite(row["first"]) else "n/a",
        ]
        for method, row in board.table.iterrows()
    ]
    lines += [[f"{method} (incomplete)", f"{100 * share:.0f} % of the runs", *["n/a"] * 6] for method, share in board.incomplete.items()]
    notes = [board.note, f"not on the board: {'; '.join(board.blocks.left_out)}" if board.blocks.left_out else ""]
    return Section(f"Board · {problem} · selected by {track}", columns, lines, "; ".join(filter(None, notes)))


def of_every_kind(track: str, boards: Mapping[str, Board]) -> Section:
    """Methods that serve every problem kind, kind by kind: unlike metrics are never averaged."""
    shared = [method for method in next(iter(boards.values())).table.index if all(method in board.table.index for board in boards.values())]
    lines = [[method, *(interval(board.table.loc[method, "z"], np.nan, np.nan, digits=2, signed=True) for board in boards.values())] for method in shared]
    return Section(f"Methods that serve every problem kind · z · selected by {track}", ["method", *boards], lines)


def plain_board(key: tuple[str, str], board: Board, marks: Marks) -> dict[str, Any]:
    """A board as JSON."""
    table = board.table.astype(object).where(board.table.notna(), None)
    return {
        "problem": key[0],
        "track": key[1],
        "note": board.note,
        "methods": [{"method": method, "marks": marks.get((key[0], str(method)), ""), **row} for method, row in table.to_dict("index").items()],
        "incomplete": board.incomplete.to_dict(),
        "left_out": board.blocks.left_out,
    }


def markdown(sections: Sequence[Section], summary: str) -> str:
    """All tables as markdown."""
    parts = ["# Leaderboard", "", summary, "", LEGEND, ""]
    for section in sections:
        parts += [f"## {section.title}", "", *([section.note, ""] if section.note else [])]
        parts += [*table_lines(section), ""]
    return "\n".join(parts)


def table_lines(section: Section) -> list[str]:
    """A table as lines of markdown."""
    head = ["| " + " | ".join(section.columns) + " |", "|" + "---|" * len(section.columns)]
    return head + ["| " + " | ".join(map(escaped, line)) + " |" for line in section.lines]


def escaped(text: str) -> str:
    """Return a text for a cell of a Markdown table: without the signs that end a cell or begin a tag."""
    return text.replace("|", "\\|").replace("<", "&lt;")
