"""The summary that a sweep ends with: at most 20 lines that say what the rows say, at the width of the terminal."""

from __future__ import annotations

from collections.abc import Iterable, Iterator
from dataclasses import dataclass

import pandas as pd

from benchmark.board.comparisons import Leaderboard
from benchmark.board.plaintables import broken
from benchmark.core.protocol import is_development
from benchmark.stats import LEAST_TASKS, Estimate
from benchmark.stats.analysis_plan import PLAN
from benchmark.stats.cell_table import CELL
from benchmark.stats.standing import CONTROLS, EARLY, Standing, standing

LINES = 20
NARROW = 76  # columns: below, the passes and what a harm is measured on are left out
KINDS = {"multiclass": "MULTI-CLASS", "multilabel": "MULTI-LABEL", "tagging": "TAGGING", "regression": "REGRESSION"}
UNITS = {"accuracy": "points of accuracy", "map": "points of mAP", "f1": "points of F1", "mae": "% less error"}
SMOKE = "a smoke run: numbers mean nothing"
FULL = "python -m benchmark leaderboard --full"
DROPPED = ("tie", "passes", "early", "harm")  # the order in which lines go where there are too many


@dataclass(frozen=True)
class Line:
    """One line about a method: ``kind`` says in which order lines are dropped."""

    kind: str
    label: str
    method: str
    gain: Estimate
    passes: float
    place: str = ""  # what a harm is measured on


def is_smoke(found: Leaderboard) -> bool:
    """Whether every run was trained only to show that everything runs."""
    trainers = found.cells["trainer"].astype(str) if len(found.cells) else pd.Series(dtype=str)
    return bool(len(trainers)) and bool(trainers.str.partition("(")[0].eq("smoke").all())


def standings(found: Leaderboard) -> Iterator[tuple[str, str, bool, Standing]]:
    """Yield kind, metric, whether these are development tasks, and who leads, kind by kind.

    Development tasks are a block of their own, after the others: defaults were mended on them.
    """
    if not len(found.data):
        return
    data = found.data
    early = data[(data["track"] == "noisy_val") & (data["method"] == PLAN.baseline)].assign(method=EARLY)
    last = data[data["track"] == PLAN.selection]
    chosen = pd.concat([last.assign(method=last["method"].astype(object)), early])
    chosen = chosen[~chosen["pretrained"].astype(bool)]
    chosen = chosen.assign(development=chosen["task"].astype(str).map(is_development).astype(bool))
    for (kind, development), rows in chosen.groupby(["problem", "development"], sort=True, observed=True):
        yield str(kind), str(rows["metric"].iloc[0]), bool(development), standing(rows)


def summary_lines(found: Leaderboard, page: str, width: int = 80) -> list[str]:
    """Return the summary.

    Args:
        found: the comparisons.
        page: the address of the board's page.
        width: columns of the terminal; neither a name nor a number is ever cut, a line that is longer is broken between words.
    """
    head = _head(found)
    after = [f"next: open {page}", f"      {FULL}"]
    if is_smoke(found):
        return _fit([head, SMOKE, *after], width)
    first = {one[0]: one for one in reversed(list(standings(found)))}  # development tasks where there are no others
    blocks = [_block(found, *one, width) for one in reversed(first.values())]
    note = ["gain over erm; [95 %]: over seeds, not tasks; *: knows more"]
    if width >= NARROW:
        after.append("      more seeds: seeds=[0,1,2,3,4]; your own data: python -m benchmark audit")
    out: list[str] = []
    for dropped in range(len(DROPPED) + 1):
        gone = DROPPED[:dropped]
        out = _fit([head, *(text for block in blocks for kind, text in block if kind not in gone), *note, *after], width)
        if len(out) <= LINES:
            break
    return out


def _head(found: Leaderboard) -> str:
    tasks = found.cells["task"].nunique() if len(found.cells) else 0
    seeds = found.data["seed"].nunique() if len(found.data) else 0
    collapsed = 0
    if len(found.data):
        last = found.data[found.data["track"] == PLAN.selection]
        collapsed = int((last["collapsed"] > 0).sum())
    counts = [(found.runs, "run"), (tasks, "task"), (seeds, "seed")]
    said = [f"{number} {name}{'' if number == 1 else 's'}" for number, name in counts]
    return ", ".join([*said, f"{found.failed} failed", f"{collapsed} collapsed"])


def _block(found: Leaderboard, kind: str, metric: str, development: bool, who: Standing, width: int) -> list[tuple[str, str]]:
    """Return the lines of one problem kind, each with what it is."""
    unit = UNITS.get(metric, metric)
    where = ", ".join(who.tasks) or "no noisy labels"
    if width >= NARROW and who.settings:
        where += f": {who.settings} setting{'' if who.settings == 1 else 's'}"
    few = "" if len(who.tasks) >= LEAST_TASKS else "; estimates, no test"
    head = f"{KINDS.get(kind, kind)}, {unit} ({where}{'; development, never ranked' if development else few})"
    if not who.means:
        lacking = "no method beside plain training" if who.cells else "no finished run of plain training, erm"
        return [("head", head), ("best", f"  {lacking} has every setting" if who.cells else f"  {lacking}")]
    prices = _prices(found.cells, kind)
    lines = list(_lines(found, kind, who, prices))
    stars = _knowing(found.cells, kind)
    room = max([len(line.label) for line in lines] or [0]) + 2
    names = max([len(line.method) for line in lines] or [0]) + 2
    out = [("head", head)]
    if who.best is None:
        out.append(("best", _nothing(who, stars, width)))
    for line in lines:
        star = "*" if line.method in stars else ""
        text = f"  {line.label:{room}}{line.method + star:{names}}{_gain(line.gain)}"
        if width >= NARROW and line.passes == line.passes:
            text += f"  {line.passes:.1f}x passes"
        text += f", {line.place}" if width >= NARROW and line.place else ""
        out.append((line.kind, text))
    return out


def _lines(found: Leaderboard, kind: str, who: Standing, prices: dict[str, float]) -> Iterator[Line]:
    """Yield best, a cheaper tie, what plain training reaches by stopping early or by more passes, and the largest harm."""
    if who.best is not None:
        yield Line("best", "best", who.best, who.means[who.best], prices.get(who.best, float("nan")))
        cheaper = [m for m in who.tied if m not in CONTROLS and prices.get(m, 0) < prices.get(who.best, 0)]
        if cheaper:
            tie = min(cheaper, key=lambda name: (prices[name], -who.means[name].value))
            yield Line("tie", "as good", tie, who.means[tie], prices[tie])
    if EARLY in who.means:
        yield Line("early", "for free", EARLY, who.means[EARLY], 1.0)
    if "erm_ensemble" in who.means:
        price = prices.get("erm_ensemble", float("nan"))
        yield Line("passes", "more passes", "erm_ensemble", who.means["erm_ensemble"], price)
    harms = {key: gain for key, gain in who.cells.items() if gain.high < 0 and key[1] not in CONTROLS}
    if harms:
        (cell, method), gain = min(harms.items(), key=lambda item: item[1].value)
        named = dict(zip(CELL, cell, strict=True))
        noise = "right labels" if named["noise"] == "clean" else named["noise"]
        place = f"{named['task']}, {noise}"
        yield Line("harm", "harm", method, gain, prices.get(method, float("nan")), place)


def _nothing(who: Standing, stars: Iterable[str], width: int) -> str:
    """Return what is said where no gain leaves 0 out: what would have been found, and who comes first."""
    methods = [name for name in who.means if name not in CONTROLS]
    found = "  no difference found"
    if width >= NARROW and who.detectable == who.detectable:
        found += f" (could see {who.detectable:.1f})"
    if not methods:
        return "  no method has every setting yet"
    first = methods[0]
    return f"{found}; first: {first}{'*' if first in stars else ''} {_gain(who.means[first])}"


def _gain(gain: Estimate) -> str:
    if gain.low != gain.low:
        return f"{gain.value:+6.1f}"
    return f"{gain.value:+6.1f} [{gain.low:+.1f}, {gain.high:+.1f}]"


def _prices(cells: pd.DataFrame, kind: str) -> dict[str, float]:
    """Return the passes of each method relative to erm, the mean over its cells."""
    chosen = cells[(cells["problem"] == kind) & (cells["track"] == PLAN.selection)]
    return {str(method): float(cost) for method, cost in chosen.groupby("method", observed=True)["cost"].mean().items()}


def _knowing(cells: pd.DataFrame, kind: str) -> frozenset[str]:
    """Return the methods that know more than noisy labels."""
    chosen = cells[(cells["problem"] == kind) & (cells["privileged"].astype(str) != "")]
    return frozenset(map(str, chosen["method"].unique()))


def _fit(lines: Iterable[str], width: int) -> list[str]:
    """Return lines that are longer than the terminal broken between words."""
    return [part for line in lines for part in broken(line, width)]
