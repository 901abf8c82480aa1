"""The html page of the board: one file that holds what it shows, and rows beside it where there are too many.

The page is static text and a few hundred lines of JavaScript (``templates/board``). Its data are columns of numbers; text of rows is
embedded as JSON without ``<`` and shown as text nodes only. A content security policy lets no request leave it.
"""

from __future__ import annotations

import base64
import hashlib
from collections.abc import Mapping, Sequence
from importlib import resources
from pathlib import Path
from typing import Any

import numpy as np
import pandas as pd
from jinja2 import Environment, PackageLoader, select_autoescape
from markupsafe import Markup, escape
from pydantic_core import to_json

from benchmark.config.build import declaration, option, parameters
from benchmark.config.declarations import NotDeclaredError, declared, documentation
from benchmark.config.registry import names
from benchmark.core.files import write_atomically
from benchmark.core.protocol import PRIMARY, SELECTIONS, is_development
from benchmark.stats import CELL, LEAST_TASKS
from benchmark.stats.boards import dataset
from benchmark.stats.intervals import t_quantile
from benchmark.stats.orders import nemenyi
from benchmark.stats.selection import LEAST_RHO

INSIDE = 5000  # runs; of more, each run's configuration and provenance are files beside the page
SHARD = 500  # runs a file, about
FOLDER = "leaderboard-rows"
NAMED = 30  # methods of a critical-difference diagram
SCRIPTS = ("core.js", "stats.js", "charts.js", "board.js", "pages.js", "advice.js")
NUMBERS = (
    *("n", "mean", "sd", "low", "high", "gain", "gain_low", "gain_high", "p_holm", "detectable", "gap_closed", "gap_closed_low", "gap_closed_high"),
    *("damage_reduction", "damage_reduction_low", "damage_reduction_high", "clean_gain", "clean_gain_low", "clean_gain_high", "memorization"),
    *("detection", "cost", "seconds", "mrae", "forward", "backward"),
)

OF_LINE = ("method", "track", "adapted", "privileged", "self_reported", "collapsed", "stars", "line", "metric", "sign")
OF_RUNS = ("method", "method_target", "seed", "score", "sign", "line")


def write_page(
    folder: Path,
    content: Mapping[str, Any],
    rows: Mapping[int, Mapping[int, Any]],
    inside: bool,
    first: Sequence[Mapping[str, Any]] = (),
) -> None:
    """Write ``leaderboard.html`` and, unless rows stay inside, ``leaderboard-rows/<n>.js``.

    Args:
        folder: where to.
        content: what the page shows, as ``payload`` makes it.
        rows: of each cell, by file and cell, as ``details`` makes them.
        inside: whether the rows are in the page.
        first: what the first screen shows of every problem kind; it is html, readable before any script runs.
    """
    here = resources.files("benchmark.board") / "templates"
    script = '"use strict";(() => {\n' + "\n".join((here / "board" / name).read_text(encoding="utf8") for name in SCRIPTS) + "\n})();"
    sha = base64.b64encode(hashlib.sha256(script.encode()).digest()).decode()
    page = Environment(loader=PackageLoader("benchmark.board", "templates"), autoescape=select_autoescape(), trim_blocks=True, lstrip_blocks=True)
    page.filters["broken"] = _breakable
    beside = folder / FOLDER
    wanted = set() if inside else {f"{number}.js" for number in rows}
    for old in beside.glob("*.js"):
        if old.name not in wanted:
            old.unlink()
    if not inside:
        for number, content_of in rows.items():
            write_atomically(beside / f"{number}.js", f"leaderboardRows({number}, {_embedded(content_of)});\n".encode())
    text = page.get_template("leaderboard.html").render(
        policy=f"default-src 'none'; style-src 'unsafe-inline'; img-src data:; base-uri 'none'; form-action 'none'; script-src 'sha256-{sha}' 'self' file:",
        style=(here / "board" / "board.css").read_text(encoding="utf8"),
        script=script,
        summary=content["summary"],
        first=first,
        data=_embedded(content),
        inside=[(number, _embedded(part)) for number, part in rows.items()] if inside else [],
    )
    write_atomically(folder / "leaderboard.html", text.encode())


def _breakable(name: str) -> Markup:
    """Return a name as html that may break after an underscore, a comma or before a bracket, and nowhere else."""
    text = escape(name)
    for mark in ("_", ","):
        text = text.replace(mark, Markup(f"{mark}<wbr>"))
    return text.replace("(", Markup("<wbr>("))


def _embedded(value: Any) -> str:
    """JSON that no html parser and no script reads as anything else."""
    text = to_json(value, inf_nan_mode="null")
    return text.replace(b"<", b"\\u003c").replace(b">", b"\\u003e").replace(b"&", b"\\u0026").decode()


def payload(cells: pd.DataFrame, data: pd.DataFrame, strengths: pd.DataFrame, facts: Mapping[str, Any]) -> tuple[dict[str, Any], list[tuple[Any, ...]]]:
    """What the page computes its views from, and the keys of its cells in order.

    Args:
        cells: statistics of every cell, track and method, in the direction of the score.
        data: one line per run and track.
        strengths: of the noise, one line per cell.
        facts: summary, legend, boards, advice and what else is shown as it is.
    """
    if cells.empty:  # frames without lines may lack columns
        cells = cells.reindex(columns=[*CELL, *OF_LINE, *NUMBERS])
        data = data.reindex(columns=OF_RUNS).astype({"line": int})
        strengths = strengths.reindex(columns=CELL)
    cell_code, cell_keys = _codes(cells, CELL)
    first = cells.groupby(cell_code, sort=False).first()
    method_names = list(dict.fromkeys(cells["method"]))
    tracks = [track for track in SELECTIONS if track in set(cells["track"])]
    lines: dict[str, list[Any]] = {
        "c": cell_code.tolist(),
        "m": cells["method"].map({name: at for at, name in enumerate(method_names)}).tolist(),
        "t": cells["track"].map({name: at for at, name in enumerate(tracks)}).tolist(),
        "adapted": cells["adapted"].astype(int).tolist(),
        "knows": cells["privileged"].tolist(),
        "reported": cells["self_reported"].astype(int).tolist(),
        "collapsed": (cells["collapsed"] > 0).astype(int).tolist(),
        "stars": cells["stars"].tolist(),
    }
    lines |= {name: _rounded(cells[name]) for name in NUMBERS}
    scores, seeds, seed_sets = _scores(cells, data)
    lines |= {"scores": scores, "seeds": seeds}
    bases = data.drop_duplicates("method").set_index("method")["method_target"]
    stats = strengths.set_index(CELL).to_dict("index")
    content = {
        "baseline": "erm",
        "tracks": tracks,
        "primary": list(PRIMARY),
        "least_tasks": LEAST_TASKS,
        "nemenyi": [0.0, 0.0, *(round(nemenyi(methods), 4) for methods in range(2, NAMED + 1))],
        "least_rho": LEAST_RHO,
        "rows_folder": FOLDER,
        "t": [round(float(v), 5) for v in t_quantile(np.arange(2, 202))],
        "problems_sign": dict(zip(first["metric"], first["sign"].astype(int).tolist(), strict=True)),
        "methods": [_method(name, bases[name]) for name in method_names],
        "noises": [_noise(name) for name in names("noise")],
        "cells": [_cell(dict(zip(CELL, key, strict=True)), line, stats.get(key, {})) for key, line in zip(cell_keys, first.to_dict("records"), strict=True)],
        "seeds": seed_sets,
        "lines": lines,
    }
    return {**content, **facts}, cell_keys


def _codes(table: pd.DataFrame, keys: Sequence[str]) -> tuple[np.ndarray, list[tuple[Any, ...]]]:
    """Integer code of each line's key, in order of first appearance, and the keys."""
    group = table.groupby(list(keys), sort=False, observed=True).ngroup().to_numpy()
    at = np.unique(group, return_index=True)[1]
    return group, list(table.iloc[at][list(keys)].itertuples(index=False, name=None))


def _rounded(values: Any, digits: int = 5) -> list[Any]:
    """Significant digits; what is not finite becomes null where it is written."""
    v = np.asarray(values)
    if v.dtype.kind != "f":
        return v.tolist()
    with np.errstate(divide="ignore", invalid="ignore"):
        places = np.clip(digits - 1 - np.floor(np.log10(np.abs(np.where(v == 0, 1, v)))), -300, 300)
        up, down = 10.0 ** np.maximum(places, 0), 10.0 ** np.maximum(-places, 0)  # exact powers: the results are the nearest to their decimals
        return np.asarray(np.round(v * up / down) / up * down).tolist()


def _scores(cells: pd.DataFrame, data: pd.DataFrame) -> tuple[list[list[float]], list[int], list[list[str]]]:
    """Of every line the scores of its seeds in their own direction, which set of seeds that is, and the sets."""
    own = np.array(_rounded((data["score"] * data["sign"]).to_numpy(dtype=float), 7))
    runs = np.split(np.argsort(data["line"], kind="stable"), np.cumsum(np.bincount(data["line"]))[:-1])
    written = data["seed"].astype(object).to_numpy()
    scores, which, sets = [], [], dict[tuple[str, ...], int]()
    for line in cells["line"]:
        scores.append(own[runs[line]].tolist())
        which.append(sets.setdefault(tuple(written[runs[line]]), len(sets)))
    return scores, which, [list(seeds) for seeds in sets]


def _method(name: str, target: str) -> dict[str, Any]:
    """What a method's class and yaml say, under the name that rows give it."""
    base = name.partition("(")[0].partition(":")[0]
    known = base in names("method")
    config = option("method", base) if known else {"_target_": target}

    def said(attribute: str, default: Any = "") -> Any:
        try:
            return declared(target, attribute)
        except NotDeclaredError:
            return default

    try:
        text = documentation(target)
    except NotDeclaredError:
        text = "This method is not in the suite any more."
    return {
        "name": name,
        "base": base,
        "doc": text,
        "family": said("family", "other"),
        "cites": said("cites"),
        "needs": ", ".join(sorted(said("needs", ()))),
        "kinds": ", ".join(sorted(said("problems", None) or said("kinds", ()))),
        "native": ", ".join(sorted(said("native", ()))),
        "networks": said("networks", 1),
        "keeps": said("keeps"),
        "fidelity": said("fidelity"),
        "differs": said("differs"),
        "developed_on": ", ".join(said("developed_on", ())),
        "defaults": ", ".join(f"{key}={value}" for key, value in parameters(config).items() if not key.startswith("_") and not isinstance(value, dict)),
    }


def _noise(name: str) -> dict[str, Any]:
    config = option("noise", name)
    target = config["_target_"]
    text = {attribute: ", ".join(sorted(declaration(config, "noise", attribute))) for attribute in ("problems", "needs")}
    plain = ", ".join(f"{key}={value}" for key, value in config.items() if key != "_target_" and not isinstance(value, dict))
    return {"name": name, "doc": documentation(target), "family": declaration(config, "noise", "family"), "defaults": plain, **text}


def _cell(key: Mapping[str, Any], line: Mapping[str, Any], stats: Mapping[str, Any]) -> dict[str, Any]:
    """What a cell is, and what its noise did."""
    memorizes = line["memorizes"]
    return {
        **key,
        "task_name": key["task"].partition("(")[0],
        "block": dataset(key["task"]),
        "base": line["noise_name"],
        "family": line["family"],
        "problem": line["problem"],
        "inputs": line["inputs"],
        "metric": line["metric"],
        "sign": int(line["sign"]),
        "clean": key["noise"] == "clean",
        "development": is_development(key["task"]),
        "pretrained": bool(line["pretrained"]),
        "one_draw": bool(line["one_draw"]),
        "memorizes": None if memorizes is None or memorizes != memorizes else bool(memorizes),  # noqa: PLR0124
        "reason": line["reason"] if isinstance(line["reason"], str) else "",
        "rho": None if line["rho_sel"] != line["rho_sel"] else round(float(line["rho_sel"]), 4),
        "test_labels": line["test_labels"],
        "rate": _rounded([line["rate"]])[0],
        "nominal": _rounded([line["nominal"]])[0],
        "stats": {name: value for name, value in stats.items() if value == value},  # noqa: PLR0124
    }
