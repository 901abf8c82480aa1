"""The board: rows -> comparisons -> markdown, csv, json, one html page and a picture."""

from __future__ import annotations

import shutil
import sys
from collections.abc import Iterator, Mapping, Sequence
from pathlib import Path
from typing import Any

import pandas as pd
import pyarrow as pa
from pyarrow import csv
from pydantic_core import to_json

from benchmark.board import evidence, latex, tables
from benchmark.board.brief import SMOKE, is_smoke, summary_lines
from benchmark.board.comparisons import Leaderboard, compute, turned
from benchmark.board.firstscreen import first_screens
from benchmark.board.page import INSIDE, SHARD, payload, write_page
from benchmark.board.pagerows import details
from benchmark.board.plaintables import broken, fitted
from benchmark.core.files import write_atomically
from benchmark.core.protocol import PRIMARY, is_development
from benchmark.results.row import Row
from benchmark.stats import CELL
from benchmark.stats.analysis_plan import PLAN
from benchmark.tuning.records import shown

SHOWN = 24  # tables on the console
LEAST_WIDTH = 40  # columns: a terminal that says less is not asked
LARGE = 100_000  # runs: whole rows of more do not fit into memory
PANELS = 36  # more cells are no picture
FORMULA = ("=", "+", "-", "@", "\t")  # how a formula of a spreadsheet begins


def write(rows: Sequence[Row], folder: Path) -> tuple[str, list[tables.Section]]:
    """Write leaderboard.{md,csv,json,tex,html}, gains.svg and figures/ to a folder; returns what the pages say."""
    return write_board(compute(rows), rows, folder)


def write_board(found: Leaderboard, rows: Sequence[Row], folder: Path) -> tuple[str, list[tables.Section]]:
    """The same of comparisons that are made already.

    Of more than ``LARGE`` runs, tables of cells are in the csv file alone, and the page holds the cells of the plan's selection track without their runs.

    Args:
        found: the comparisons.
        rows: what the pages of cells show of every run; of more than ``LARGE`` runs nothing.
        folder: where to.
    """
    large = found.runs > LARGE
    cells = turned(found.cells[found.cells["track"].isin(PRIMARY)]).drop(columns=["sign", "line"]) if len(found.cells) else found.cells
    parts, text = list(sections(found, cells=not large)), summary(found)
    marks = tables.marks_of(found.cells)
    boards = [tables.plain_board(key, board, marks) for key, board in found.boards.items()]
    outputs = {
        "md": tables.markdown(parts, text).encode(),
        "csv": table_csv(cells),
        "tex": latex.document(found.data.iloc[:0] if large else found.data).encode(),
        "json": json_lines({"plan": [PLAN.digest()], "boards": boards, "cells": [] if large else list(records(cells))}),
    }
    numbers, picture = folder / "leaderboard.json", folder / "gains.svg"
    current = picture.is_file() and numbers.is_file() and numbers.read_bytes() == outputs["json"]
    for suffix, content in outputs.items():
        write_atomically(folder / f"leaderboard.{suffix}", content)
    write_html(found, rows, folder, {"summary": text, "legend": tables.LEGEND, "boards": boards})
    if not current and len(found.cells):
        from benchmark.board.figures import gains  # brings matplotlib
        from benchmark.board.papers import pictures

        pictures(found.boards, found.cells, folder / "figures")
        if found.cells.groupby(CELL).ngroups <= PANELS:
            gains(found.cells, picture, folder / "figures" / "gains.svg", folder / "figures" / "gains.pdf")
    return text, parts


def records(table: pd.DataFrame) -> Iterator[dict[str, Any]]:
    """The lines of a table; a column at a time, which is faster than ``to_dict``."""
    return (dict(zip(table, line, strict=True)) for line in zip(*(table[name].tolist() for name in table), strict=True))


def table_csv(cells: pd.DataFrame) -> bytes:
    """Return the lines as csv, empty where there is nothing; pandas takes ten times as long.

    A text that a spreadsheet would take for a formula begins with an apostrophe.
    """
    truths = ("adapted", "pretrained", "one_draw", "self_reported", "memorizes")
    words = {name: cells[name].map({True: "True", False: "False"}) for name in truths if name in cells}
    for name in cells.columns[cells.dtypes.astype(str).isin(("object", "str", "string", "category"))]:
        words.setdefault(name, cells[name].map(_no_formula))
    out = pa.BufferOutputStream()
    csv.write_csv(pa.Table.from_pandas(cells.assign(**words), preserve_index=False), out, csv.WriteOptions(include_header=False, quoting_style="needed"))
    return ",".join(cells).encode() + b"\n" + out.getvalue().to_pybytes()


def _no_formula(text: Any) -> Any:
    """Return a text as a spreadsheet shows it, whatever its first letter is."""
    return f"'{text}" if isinstance(text, str) and text[:1] in FORMULA else text


def write_html(found: Leaderboard, rows: Sequence[Row], folder: Path, facts: Mapping[str, Any]) -> None:
    """The page, with what only it shows."""
    some, large = len(found.cells) > 0, found.runs > LARGE
    more = {
        "advice": list(evidence.advice(found.cells, found.data)) if some else [],
        "transfer": list(evidence.transfer(found.boards, found.data)) if some else [],
        "sensitivity": evidence.sensitivity(found.further),
        "published": evidence.published(),
        "runs_shown": not large,
    }
    shown = found.cells[found.cells["track"] == PLAN.selection] if large else found.cells
    content, keys = payload(turned(shown) if some else shown, found.data, found.strengths, {**facts, **more})
    inside = found.runs <= INSIDE
    files, where = details(rows, keys, {method["name"]: at for at, method in enumerate(content["methods"])}, None if inside else SHARD)
    for cell, number in zip(content["cells"], where, strict=True):
        cell["shard"] = number
    write_page(folder, content, {} if large else files, inside, () if large else first_screens(found))


def json_lines(content: Mapping[str, Sequence[Any]]) -> bytes:
    """An object of lists as JSON with one entry a line, null where there is no number."""
    lists = (b"%s: [\n%s\n]" % (to_json(name), b",\n".join(to_json(entry, inf_nan_mode="null") for entry in entries)) for name, entries in content.items())
    return b"{\n" + b",\n".join(lists) + b"\n}\n"


def summary(found: Leaderboard) -> str:
    """How many rows there are, and how many do not count as they should."""
    extra = [f"{found.failed} failed" if found.failed else "", f"{found.stale} made by other code (stale)" if found.stale else ""]
    tasks = [task for task in found.cells["task"].unique() if is_development(task)] if len(found.cells) else []
    apart = f" Development tasks are shown, never ranked: {', '.join(tasks)}." if tasks else ""
    smoke = f"{SMOKE.capitalize()}. " if is_smoke(found) else ""
    return f"{smoke}{found.runs} runs" + "".join(f", {text}" for text in extra if text) + f". Analysis plan {PLAN.digest()}.{apart}"


def sections(found: Leaderboard, cells: bool = True) -> Iterator[tables.Section]:
    """Tables in reading order: the boards per problem kind, then every cell if ``cells``."""
    marks = tables.marks_of(found.cells)
    for key, board in found.boards.items():
        yield tables.of_board(key, board, marks)
    kinds = {problem for problem, _ in found.boards}
    for track in dict.fromkeys(track for _, track in found.boards):
        boards = {problem: board for (problem, t), board in found.boards.items() if t == track}
        if len(kinds) > 1:
            yield tables.of_every_kind(track, boards)
    if len(found.cells) and cells:
        yield from tables.of_cells(found.cells[found.cells["track"].isin(PRIMARY)])


def publish_local(rows: Sequence[Row], results: Path, full: bool = False) -> None:
    """Write the board of some rows to ``<results>/local`` and print its summary, or all its tables."""
    chosen = shown(rows, results)
    found = compute(chosen)
    print_board(found, *write_board(found, chosen, results / "local"), results, full)


def print_board(found: Leaderboard, text: str, parts: Sequence[tables.Section], results: Path, full: bool = False) -> None:
    """Print a board at the width of the terminal: its summary, or all tables if ``full``, and where its files lie."""
    width = max(LEAST_WIDTH, shutil.get_terminal_size().columns)
    page = results / "local" / "leaderboard.html"
    if not full:
        _say(summary_lines(found, str(page), width))
        return
    for part in parts[:SHOWN]:
        _say([*fitted(part, width), ""])
    if len(parts) > SHOWN:
        _say([f"... and {len(parts) - SHOWN} tables more, in {page.with_suffix('.md')}"])
    _say(broken(f"{text} Board: {page} (and .md, .csv, .json)", width))


def _say(lines: Sequence[str]) -> None:
    """Print lines in the letters that the output can write: a POSIX locale has no dagger."""
    letters = sys.stdout.encoding or "utf-8"
    for line in lines:
        print(line.encode(letters, "backslashreplace").decode(letters))
