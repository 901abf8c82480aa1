"""The first screen of the page: a sentence, and one table of methods by settings, written as html that reads without a script."""

from __future__ import annotations

import math
from collections.abc import Mapping, Sequence
from typing import Any
from urllib.parse import quote

from benchmark.board.brief import KINDS, SMOKE, UNITS, is_smoke, standings
from benchmark.board.comparisons import Leaderboard
from benchmark.stats import LEAST_TASKS, Estimate
from benchmark.stats.analysis_plan import PLAN
from benchmark.stats.cell_table import CELL
from benchmark.stats.standing import CONTROLS, EARLY, Standing

COLUMNS, ROWS = 24, 80  # settings and methods of one table
STEPS = (2.0, 5.0, 15.0)  # points: limits of the four colours
REACH = 1.6  # how far whiskers are drawn, in largest means


def first_screens(found: Leaderboard) -> list[dict[str, Any]]:
    """Return what the first screen shows of every problem kind."""
    smoke = SMOKE if is_smoke(found) else ""
    return [_screen(found, kind, metric, development, who, smoke) for kind, metric, development, who in standings(found) if who.cells]


def _screen(found: Leaderboard, kind: str, metric: str, development: bool, who: Standing, smoke: str) -> dict[str, Any]:
    rates = {cell: _rate(found, kind, cell) for cell, _ in who.cells}
    cells = sorted(rates, key=lambda cell: (cell[1] == "clean", cell[0], rates[cell] if rates[cell] > 0 else math.inf, cell))  # right labels stand right
    raw, prices, signs = _raw(found, kind)
    names = [PLAN.baseline, *who.means, *who.incomplete]
    names += sorted({name for _, name in who.cells} - set(names))
    reach = REACH * max([abs(gain.value) for gain in who.means.values() if math.isfinite(gain.value)] or [1.0])
    shown = cells[:COLUMNS]
    few = "Hyper-parameters were chosen on these tasks, so nothing here is ranked." if development else ""
    if not few and len(who.tasks) < LEAST_TASKS:
        few = f"Estimates, no test: a claim about other tasks needs {LEAST_TASKS} tasks, here {_counted(len(who.tasks), 'task')}."
    return {
        "problem": kind,
        "development": development,
        "label": KINDS.get(kind, kind).lower() + (", development tasks" if development else ""),
        "unit": UNITS.get(metric, metric),
        "metric": metric,
        "headline": smoke.capitalize() if smoke else _headline(who, prices),
        "compared": f"{_counted(len(names) - 1, 'method')} against plain training (erm) on {', '.join(who.tasks) or 'right labels'}: "
        f"{_counted(who.settings, 'noisy setting')}, last epoch.",
        "few": few,
        "heads": [_head(found, kind, cell) for cell in shown],
        "left_out": len(cells) - len(shown),
        "rows": [_row(name, who, shown, raw, prices, signs, reach) for name in names[:ROWS]],
    }


def _headline(who: Standing, prices: Mapping[str, float]) -> str:
    """Return the answer in a sentence: only a gain whose interval leaves 0 out is said to be one."""
    if who.best is None:
        methods = [name for name in who.means if name not in CONTROLS]
        if not methods:
            return "No method has every setting yet."
        first = f"; {methods[0]} comes first with about {who.means[methods[0]].value:+.1f}"
        return f"No method is shown to beat plain training with these seeds{first}."
    text = f"{who.best} gains most: {who.means[who.best].value:+.1f}."
    cheaper = [name for name in who.tied if name not in CONTROLS and prices.get(name, math.inf) < prices.get(who.best, 0)]
    if cheaper:
        text += f" As good, as far as these seeds can tell, and cheaper: {min(cheaper, key=lambda name: prices[name])}."
    if EARLY in who.tied:
        text += " Plain training stopped early gains as much, for free."
    return text


def _rate(found: Leaderboard, kind: str, cell: tuple[str, ...]) -> float:
    """Return the share of wrong labels in a cell; NaN where nobody knows it."""
    line = dict(zip(CELL, cell, strict=True))
    same = found.cells[(found.cells["task"] == line["task"]) & (found.cells["noise"] == line["noise"]) & (found.cells["problem"] == kind)]
    return float(same["rate"].iloc[0]) if len(same) else math.nan


def _head(found: Leaderboard, kind: str, cell: tuple[str, ...]) -> dict[str, str]:
    line = dict(zip(CELL, cell, strict=True))
    rate = _rate(found, kind, cell)
    noise = "right labels" if line["noise"] == "clean" else line["noise"]
    return {"task": line["task"], "noise": noise, "rate": f"{100 * rate:.0f} % wrong" if rate > 0 else ""}


def _row(
    name: str,
    who: Standing,
    cells: Sequence[tuple[str, ...]],
    raw: Mapping[tuple[Any, ...], float],
    prices: Mapping[str, float],
    signs: Mapping[str, int],
    reach: float,
) -> dict[str, Any]:
    gain = who.means.get(name)
    mark = ""
    if name == who.best:
        mark = "best"
    elif name in who.tied:
        mark = "not told from the best"
    elif name in who.incomplete:
        mark = f"lacks {_counted(who.incomplete[name], 'setting')}"
    noisy = [raw.get((*cell, name), math.nan) for cell in cells if cell[1] != "clean"]
    score = sum(noisy) / len(noisy) if noisy and all(sign > 0 for sign in signs.values()) and len({cell[0] for cell in cells}) == 1 else math.nan
    price = prices.get(PLAN.baseline if name == EARLY else name, math.nan)
    return {
        "name": name,
        "address": "" if name == EARLY else f"#/method/{quote(name, safe='')}",
        "control": name in CONTROLS,
        "mark": mark,
        "score": f"{score:.1f}" if math.isfinite(score) else "",
        "gain": _signed(gain) if gain else "",
        "interval": _interval(gain) if gain else "",
        "whisker": _whisker(gain, reach) if gain and math.isfinite(gain.low) else None,
        "cells": [_cell(name, who.cells.get((cell, name)), raw.get((*cell, name), math.nan), cell) for cell in cells],
        "passes": f"{price:.1f}x" if math.isfinite(price) else "",
    }


def _cell(name: str, gain: Estimate | None, raw: float, cell: tuple[str, ...]) -> dict[str, str]:
    """Return a cell: coloured only where its interval leaves 0 out; plain training shows its score, so that gains have a start."""
    where = f"{name} on {cell[0]}, {'right labels' if cell[1] == 'clean' else cell[1]}"
    if gain is None:
        text = f"{raw:.1f}" if name == PLAN.baseline and math.isfinite(raw) else ""
        return {"text": text or "not run", "level": "raw" if text else "none", "title": where + (f": score {text}" if text else ": not run")}
    sure = gain.low > 0 or gain.high < 0
    step = sum(abs(gain.value) >= limit for limit in STEPS) + 1
    level = f"{'up' if gain.value > 0 else 'down'}{step}" if sure else "unsure"
    score = f", score {raw:.1f}" if math.isfinite(raw) else ""
    title = f"{where}: gain {_signed(gain)}{_interval(gain) and ' ' + _interval(gain)}, 95 % over {gain.n} seeds{score}"
    return {"text": _signed(gain) if sure else f"≈ {_signed(gain)}", "level": level, "title": title}


def _raw(found: Leaderboard, kind: str) -> tuple[dict[tuple[Any, ...], float], dict[str, float], dict[str, int]]:
    """Return scores by cell and method (times 100 where larger is better), passes by method, and signs by metric."""
    lines = found.cells[found.cells["problem"] == kind]
    raw: dict[tuple[Any, ...], float] = {}
    for line in lines.to_dict("records"):
        track, name = line["track"], line["method"]
        value = float(line["mean"]) * (100 if line["sign"] > 0 else -1)
        if track == PLAN.selection:
            raw[*(line[axis] for axis in CELL), name] = value
        elif track == "noisy_val" and name == PLAN.baseline:
            raw[*(line[axis] for axis in CELL), EARLY] = value
    last = lines[lines["track"] == PLAN.selection]
    prices = {str(name): float(cost) for name, cost in last.groupby("method", observed=True)["cost"].mean().items()}
    return raw, prices, dict(zip(lines["metric"].astype(str), lines["sign"].astype(int), strict=True))


def _whisker(gain: Estimate, reach: float) -> dict[str, float]:
    """Return places on a line from -reach to reach, in per cent of its length; ends are cut at its ends."""

    def place(value: float) -> float:
        return round(50 + 48 * max(-1.0, min(1.0, value / reach)), 1)

    return {"low": place(gain.low), "at": place(gain.value), "high": place(gain.high)}


def _signed(gain: Estimate) -> str:
    return f"{gain.value:+.1f}".replace("-", "−")


def _interval(gain: Estimate) -> str:
    return f"[{gain.low:+.1f}, {gain.high:+.1f}]".replace("-", "−") if math.isfinite(gain.low) else ""


def _counted(number: int, what: str) -> str:
    return f"{number} {what}{'' if number == 1 else 's'}"
