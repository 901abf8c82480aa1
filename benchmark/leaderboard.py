"""The board: rows -> comparisons -> markdown, csv, json, one html page and a picture."""

from __future__ import annotations

import gc
import json
import math
from collections import Counter
from collections.abc import Iterator, Mapping, Sequence
from dataclasses import dataclass
from pathlib import Path
from typing import Any

import numpy as np
import pandas as pd

from benchmark import evidence, latex, tables
from benchmark.analysis import PLAN, primary
from benchmark.files import write_atomically
from benchmark.frames import curve_frame, run_frame
from benchmark.freshness import is_stale
from benchmark.page import INSIDE, SHARD, payload, write_page
from benchmark.pagerows import details
from benchmark.protocol import PRIMARY, SELECTIONS, is_development
from benchmark.stats import CELL, Board, cell_table, regime_gate, relative_errors, rho_sel
from benchmark.store import Row
from benchmark.tuned import shown

LINE = [*CELL, "track", "method"]
FIRST = ["problem", "metric", "sign", "adapted", "privileged", "likelihood", "test_labels", "noise_name", "family", "inputs", "self_reported"]
SHOWN = 24  # tables on the console
PANELS = 36  # more cells are no picture
MEANS = ["rate", "memorization", "detection", "passes", "seconds", "forward", "backward"]


@dataclass(frozen=True)
class Leaderboard:
    """Everything that the pages show."""

    cells: pd.DataFrame  # one line per cell, track and method; methods of a cell best first
    data: pd.DataFrame  # one line per run and track
    boards: dict[tuple[str, str], Board]  # by problem kind and track
    runs: int
    stale: int  # of them, made by other code
    failed: int


def compute(rows: Sequence[Row]) -> Leaderboard:
    """All comparisons of some rows. Of two rows for the same labels and seed (a plugin's yaml changed) the newer one counts."""
    rows = newest(rows)
    made_by = Counter((row.cell, row.provenance.get("source_digest")) for row in rows)
    one_of = {(row.cell, row.provenance.get("source_digest")): row for row in rows}
    stale, failed = sum(n for key, n in made_by.items() if is_stale(one_of[key])), sum(row.status == "failed" for row in rows)
    data = run_frame(rows, SELECTIONS)
    if data.empty:
        return Leaderboard(pd.DataFrame(), data, {}, len(rows), stale, failed)
    curves = curve_frame(rows)
    groups = data.groupby(LINE, sort=False, observed=True)
    cells = cell_table(data).merge(groups[FIRST].first().join(groups[MEANS].mean()), left_on=LINE, right_index=True)
    erm = cells.loc[cells["method"] == PLAN.baseline, [*CELL, "track", "passes"]].rename(columns={"passes": "erm_passes"})
    cells = cells.merge(erm, on=[*CELL, "track"], how="left")
    cells = cells.merge(relative_errors(data), on=LINE, how="left")
    cells["cost"] = cells["passes"] / cells.pop("erm_passes")
    cells = cells.merge(regime_gate(data)[[*CELL, "memorizes", "reason"]], on=CELL, how="left")
    cells = cells.merge(rho_sel(curves)[[*CELL, "rho_sel"]], on=CELL, how="left")
    place = cells.groupby([*CELL, "track"], sort=False, observed=True).ngroup()
    cells = cells.iloc[np.lexsort((-cells["mean"], place))].reset_index(drop=True)
    return Leaderboard(cells, data, primary(data[data["track"].isin(PRIMARY)], curves), len(rows), stale, failed)


def newest(rows: Sequence[Row]) -> list[Row]:
    """One row per label and seed."""
    found: dict[tuple[Any, ...], Row] = {}
    for row in rows:
        key = (*row.labels.values(), row.seed)
        if key not in found or row.provenance.get("started", "") >= found[key].provenance.get("started", ""):
            found[key] = row
    return list(found.values())


def plain(cells: pd.DataFrame) -> list[dict[str, Any]]:
    """Lines as numbers in the direction of the score (errors are positive again), None where there is nothing."""
    table = cells.copy()
    for name in ("mean", "low", "high"):
        table[name] = table[name] * table["sign"] if len(table) else []
    if len(table):
        errors = table["sign"] < 0
        table.loc[errors, ["low", "high"]] = table.loc[errors, ["high", "low"]].to_numpy()
    lines = table.drop(columns=["sign"], errors="ignore").to_dict("records")
    return [{key: None if isinstance(value, float) and not math.isfinite(value) else value for key, value in line.items()} for line in lines]


def write(rows: Sequence[Row], folder: Path) -> tuple[str, list[tables.Section]]:
    """Write leaderboard.{md,csv,json,tex,html}, gains.svg and figures/ to a folder; returns what the pages say."""
    found = compute(rows)
    flat = plain(found.cells[found.cells["track"].isin(PRIMARY)] if len(found.cells) else found.cells)
    parts, text = list(sections(found)), summary(found)
    boards = [tables.plain_board(*item) for item in found.boards.items()]
    outputs = {
        "md": tables.markdown(parts, text),
        "csv": pd.DataFrame(flat).to_csv(index=False),
        "tex": latex.document(found.data),
        "json": json_lines({"plan": [PLAN.digest()], "boards": boards, "cells": flat}),
    }
    numbers, picture = folder / "leaderboard.json", folder / "gains.svg"
    current = picture.is_file() and numbers.is_file() and numbers.read_text(encoding="utf8") == outputs["json"]
    for suffix, content in outputs.items():
        write_atomically(folder / f"leaderboard.{suffix}", content.encode())
    write_html(found, rows, folder, {"summary": text, "legend": tables.LEGEND, "boards": boards})
    if not current and len(found.cells):
        from benchmark.figures import gains  # brings matplotlib
        from benchmark.papers import pictures

        pictures(found.boards, found.cells, folder / "figures")
        if found.cells.groupby(CELL).ngroups <= PANELS:
            for path in (picture, folder / "figures" / "gains.svg", folder / "figures" / "gains.pdf"):
                gains(found.cells, path)
    return text, parts


def write_html(found: Leaderboard, rows: Sequence[Row], folder: Path, facts: Mapping[str, Any]) -> None:
    """The page, with what only it shows."""
    some = len(found.cells) > 0
    more = {
        "advice": list(evidence.advice(found.cells, found.data)) if some else [],
        "transfer": list(evidence.transfer(found.boards, found.data)) if some else [],
        "sensitivity": evidence.sensitivity(rows),
        "published": evidence.published(),
    }
    stats = {tuple(row.labels[axis] for axis in CELL): row.noise_stats for row in rows if row.status == "ok"}
    content, keys = payload(found.cells, found.data, stats, {**facts, **more})
    inside = len(rows) <= INSIDE
    files, where = details(rows, keys, {method["name"]: at for at, method in enumerate(content["methods"])}, None if inside else SHARD)
    for cell, number in zip(content["cells"], where, strict=True):
        cell["shard"] = number
    write_page(folder, content, files, inside)


def json_lines(content: Mapping[str, Sequence[Any]]) -> str:
    """An object of lists as JSON with one entry a line."""
    lists = (f"{json.dumps(name)}: [\n" + ",\n".join(map(json.dumps, entries)) + "\n]" for name, entries in content.items())
    return "{\n" + ",\n".join(lists) + "\n}\n"


def summary(found: Leaderboard) -> str:
    """How many rows there are, and how many do not count as they should."""
    extra = [f"{found.failed} failed" if found.failed else "", f"{found.stale} made by other code (stale)" if found.stale else ""]
    tasks = [task for task in found.cells["task"].unique() if is_development(task)] if len(found.cells) else []
    apart = f" Development tasks are shown, never ranked: {', '.join(tasks)}." if tasks else ""
    return f"{found.runs} runs" + "".join(f", {text}" for text in extra if text) + f". Analysis plan {PLAN.digest()}.{apart}"


def sections(found: Leaderboard) -> Iterator[tables.Section]:
    """Tables in reading order: the boards per problem kind, then every cell."""
    for key, board in found.boards.items():
        yield tables.of_board(key, board)
    kinds = {problem for problem, _ in found.boards}
    for track in dict.fromkeys(track for _, track in found.boards):
        boards = {problem: board for (problem, t), board in found.boards.items() if t == track}
        if len(kinds) > 1:
            yield tables.of_every_kind(track, boards)
    if len(found.cells):
        yield from tables.of_cells(found.cells[found.cells["track"].isin(PRIMARY)])


def publish_local(rows: Sequence[Row], results: Path) -> None:
    """Print the board of some rows and write it to ``<results>/local``."""
    from rich.console import Console
    from rich.markup import escape as plain_text
    from rich.table import Table

    text, parts = write(shown(rows, results), results / "local")
    console = Console(width=None if Console().is_terminal else 200)
    for part in parts[:SHOWN]:
        table = Table(title=plain_text(part.title), caption=plain_text(part.note) or None, title_justify="left", caption_justify="left")
        for at, column in enumerate(part.columns):
            table.add_column(plain_text(column), justify="left" if at == 0 else "right")
        for line in part.lines:
            table.add_row(*map(plain_text, line))
        console.print(table)
    if len(parts) > SHOWN:
        console.print(f"... and {len(parts) - SHOWN} tables more")
    console.print(f"{text} Board: {results / 'local' / 'leaderboard.html'} (and .md, .csv, .json)")


def rebuild(arguments: Sequence[str]) -> int:
    """Board of all rows of a results folder (``paths.results=DIR``)."""
    from benchmark.status import options_of
    from benchmark.store import Store

    _, paths, _ = options_of(arguments)
    gc.disable()  # rows stay until the end: a fifth of the time would go into looking for garbage among them
    try:
        publish_local(list(Store(paths.results).rows()), paths.results)
    finally:
        gc.enable()
    return 0
