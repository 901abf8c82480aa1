"""The board: rows -> comparisons -> markdown, csv, json and one html page."""

from __future__ import annotations

import json
from collections.abc import Iterable, Sequence
from dataclasses import asdict
from pathlib import Path
from typing import Any

import numpy as np
import pandas as pd
from jinja2 import Environment, PackageLoader, select_autoescape

from benchmark.config import resolve_target
from benchmark.files import write_atomically
from benchmark.identity import ROOT
from benchmark.problems import PROBLEMS
from benchmark.stats import NOTHING, Estimate, damage_reduction, gap_closed, mean_interval, paired_difference
from benchmark.store import Row, Store

TRACKS = ("last", "noisy_val")
BLOCK = ["task", "noise", "model", "trainer"]


def frame(rows: Iterable[Row]) -> pd.DataFrame:
    """One line per finished run and track: names, seed, primary score (larger is better) and cost."""
    lines = []
    for row in rows:
        if row.status != "ok":
            continue
        problem = PROBLEMS[row.config["task"]["problem"]]
        sign = 1 if problem.higher_is_better else -1
        for track in TRACKS:
            score = row.metrics.get(f"test/{track}/{problem.primary}")
            if score is None:
                continue
            lines.append(
                {
                    **row.labels,
                    "problem": problem.name,
                    "metric": problem.primary,
                    "sign": sign,
                    "track": track,
                    "seed": tuple(row.seed),
                    "score": sign * score,
                    "passes": row.cost.get("passes", np.nan),
                    "seconds": row.cost.get("seconds", np.nan),
                    "memorization": row.metrics.get(f"train/{track}/memorization", np.nan),
                    "detection": row.metrics.get(f"train/{track}/detection_ap", np.nan),
                    "rate": row.noise_stats.get("rate", np.nan),
                    "adapted": problem.name not in resolve_target(row.config["method"], "method").native,
                    "privileged": sorted(resolve_target(row.config["method"], "method").needs),
                }
            )
    return pd.DataFrame(lines)


def compare(data: pd.DataFrame) -> list[dict[str, Any]]:
    """One record per block, track and method, best first: every number with its interval, compared with erm seed by seed."""
    if data.empty:
        return []
    scores = {key: group.set_index("seed")["score"] for key, group in data.groupby([*BLOCK, "track", "method"], sort=False)}
    records = []
    for (*block, track), group in data.groupby([*BLOCK, "track"], sort=False):
        clean = [block[0], "clean", *block[2:]]
        erm, erm_clean = (scores.get((*place, track, "erm")) for place in (block, clean))
        found = []
        for method, runs in group.groupby("method", sort=False):
            own, own_clean = scores[(*block, track, method)], scores.get((*clean, track, method))
            first = runs.iloc[0]
            noisy = block[1] != "clean"
            found.append(
                {
                    **dict(zip(BLOCK, block, strict=True)),
                    "track": track,
                    "method": method,
                    "problem": first["problem"],
                    "metric": first["metric"],
                    "sign": int(first["sign"]),
                    "adapted": bool(first["adapted"]),
                    "privileged": list(first["privileged"]),
                    "rate": float(runs["rate"].mean()),
                    "score": mean_interval(own.to_numpy()),
                    "gain": paired_difference(own, erm) if erm is not None and method != "erm" else NOTHING,
                    "gap_closed": gap_closed(own, erm, erm_clean) if noisy and erm is not None and erm_clean is not None and method != "erm" else NOTHING,
                    "damage_reduction": damage_reduction(own, own_clean, erm, erm_clean)
                    if noisy and erm is not None and erm_clean is not None and own_clean is not None and method != "erm"
                    else NOTHING,
                    "clean_gain": paired_difference(own_clean, erm_clean)
                    if noisy and own_clean is not None and erm_clean is not None and method != "erm"
                    else NOTHING,
                    "memorization": mean_interval(runs["memorization"].dropna().to_numpy()),
                    "detection": mean_interval(runs["detection"].dropna().to_numpy()),
                    "passes": float(runs["passes"].mean()),
                    "seconds": float(runs["seconds"].mean()),
                }
            )
        base = next((r["passes"] for r in found if r["method"] == "erm"), np.nan)
        for record in found:
            record["cost"] = record["passes"] / base
        records += sorted(found, key=lambda r: -r["score"].value)
    return records


def shown(estimate: Estimate, sign: int = 1, digits: int = 3, signed: bool = False) -> str:
    """``.912 [.900, .924]``, n/a for nothing. ``sign`` turns an error back to its own direction."""
    if not estimate:
        return "n/a"
    value, low, high = sign * estimate.value, *sorted((sign * estimate.low, sign * estimate.high))
    form = f"{'+' if signed else ''}.{digits}f" if abs(value) < 100 else f"{'+' if signed else ''}.0f"
    return f"{value:{form}}" + (f" [{low:{form}}, {high:{form}}]" if np.isfinite(low) else "")


def cells(record: dict[str, Any]) -> dict[str, str]:
    """A record as text: the columns of the board."""
    marks = ("†" if record["adapted"] else "") + ("*" if record["privileged"] else "")
    score = record["score"]
    return {
        "method": record["method"] + marks,
        "n": str(score.n),
        f"{record['metric']} [95 %]": shown(score, record["sign"]),
        "sd": f"{score.sd:.3g}" if np.isfinite(score.sd) else "n/a",
        "gain over erm": shown(record["gain"], signed=True),
        "gap closed": shown(record["gap_closed"], digits=2),
        "damage repaired": shown(record["damage_reduction"], digits=2),
        "clean gain": shown(record["clean_gain"], signed=True),
        "memorization": shown(Estimate(record["memorization"].value)),
        "cost": f"{record['cost']:.2f} x",
        "seconds": f"{record['seconds']:.1f}",
    }


def markdown(records: Sequence[dict[str, Any]]) -> str:
    """The board as text: a table per task, noise, model, trainer and selection."""
    parts = ["# Leaderboard", "", LEGEND, ""]
    for title, block in _blocks(records):
        rows = [cells(record) for record in block]
        columns = list(rows[0])
        parts += [f"## {title}", "", "| " + " | ".join(columns) + " |", "|" + "---|" * len(columns)]
        parts += ["| " + " | ".join(row[c].replace("|", "\\|") for c in columns) + " |" for row in rows]
        parts.append("")
    return "\n".join(parts)


LEGEND = (
    "Positive gains are improvements. Intervals are 95 % t-intervals over seeds, paired with erm where two methods are compared; "
    "gap closed and damage repaired have Fieller intervals and are n/a where their denominator is not clearly different from zero. "
    "cost: counted forward and backward passes relative to erm. † adapted to this task type, * knows more than the noisy labels."
)


def _blocks(records: Sequence[dict[str, Any]]) -> list[tuple[str, list[dict[str, Any]]]]:
    groups: dict[str, list[dict[str, Any]]] = {}
    for record in records:
        rate = "" if not np.isfinite(record["rate"]) else f", {100 * record['rate']:.1f} % wrong"
        title = f"{record['task']} · {record['noise']}{rate} · {record['model']} · {record['trainer']} · selected by {record['track']}"
        groups.setdefault(title, []).append(record)
    return list(groups.items())


def plain(record: dict[str, Any]) -> dict[str, Any]:
    """A record with its estimates flattened to numbers, None where there is nothing."""
    out: dict[str, Any] = {}
    for key, value in record.items():
        if isinstance(value, Estimate):
            for name, number in asdict(value).items():
                out[key if name == "value" else f"{key}_{name}"] = number if np.isfinite(number) else None
        else:
            out[key] = value if not isinstance(value, float) or np.isfinite(value) else None
    return out


def write(rows: Sequence[Row], folder: Path) -> list[dict[str, Any]]:
    """Write leaderboard.{md,csv,json,html} to a folder."""
    records = compare(frame(rows))
    flat = [plain(record) for record in records]
    page = Environment(loader=PackageLoader("benchmark", "templates"), autoescape=select_autoescape(), trim_blocks=True, lstrip_blocks=True)
    blocks = [(title, [cells(record) for record in block]) for title, block in _blocks(records)]
    outputs = {
        "md": markdown(records),
        "csv": pd.DataFrame(flat).to_csv(index=False),
        "json": json.dumps(flat, indent=1),
        "html": page.get_template("leaderboard.html").render(blocks=blocks, legend=LEGEND, runs=len(rows)),
    }
    for suffix, text in outputs.items():
        write_atomically(folder / f"leaderboard.{suffix}", text.encode())
    return records


def publish_local(rows: Sequence[Row], results: Path) -> None:
    """Print the board of some rows and write it to ``<results>/local``."""
    from rich.console import Console
    from rich.markup import escape
    from rich.table import Table

    records = write(rows, results / "local")
    console = Console(width=None if Console().is_terminal else 180)
    for title, block in _blocks(records):
        table = Table(title=escape(title), title_justify="left")
        rows_of = [cells(record) for record in block]
        for column in rows_of[0]:
            table.add_column(escape(column), justify="left" if column == "method" else "right")
        for line in rows_of:
            table.add_row(*map(escape, line.values()))
        console.print(table)
    console.print(f"board: {results / 'local' / 'leaderboard.html'} (and .md, .csv, .json)")


def rebuild(arguments: Sequence[str]) -> int:
    """Board of all rows of a results folder (``paths.results=DIR``)."""
    given = dict(argument.partition("=")[::2] for argument in arguments)
    results = ROOT / given.get("paths.results", "results")
    publish_local(list(Store(results).rows()), results)
    return 0
