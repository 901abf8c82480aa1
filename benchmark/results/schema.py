"""What the inner parts of a row may hold: a row is data from a stranger until it has been looked at.

Every text is bounded and without control characters, every number finite, every nesting shallow. A row that
breaks a rule is one finding that says where; nobody who reads rows meets a value of another kind.
"""

from __future__ import annotations

import unicodedata
from collections.abc import Iterator, Mapping
from typing import Any

from benchmark.config.declarations import problem_classes
from benchmark.core.protocol import AXES

LONGEST_LABEL = 4096  # characters
LONGEST = 1_000_000  # characters of any other text: a traceback with what a library printed
MOST_ITEMS = 100_000  # of a list or mapping: rates of a thousand labels take a thousand
DEEPEST = 8  # nested mappings and lists
LARGEST = 1e18  # of whole numbers: passes of a long run stay below
BIDIRECTIONAL = frozenset("\u061c\u200e\u200f\u202a\u202b\u202c\u202d\u202e\u2066\u2067\u2068\u2069")
COUNTS = ("passes", "examples", "epochs", "threads")
TIMES = ("seconds", "run_seconds", "peak_memory_mb")


def findings(row: Mapping[str, Any]) -> Iterator[str]:
    """Yield what is wrong with a row's content, each with the place where it stands.

    Args:
        row: the fields of a row, as JSON has them.
    """
    for name, value in row.items():
        if (wrong := _wrong(value)) is not None:
            yield f"{name}{wrong[0]} {wrong[1]}"
    yield from _labels(row)
    yield from _config(row)
    yield from _cost(row.get("cost") or {})
    rate = (row.get("noise_stats") or {}).get("rate")
    if rate is not None and not (_is_number(rate) and 0 <= rate <= 1):
        yield f"noise_stats.rate is {rate!r}, outside [0, 1]"
    yield from _provenance(row.get("provenance") or {})


def _wrong(value: Any, depth: int = 0) -> tuple[str, str] | None:
    """Return where in a value the first thing that no row holds stands, and what it is; None if there is none."""
    if not isinstance(value, Mapping | list | tuple):
        said = _wrong_leaf(value)
        return ("", said) if said else None
    if depth >= DEEPEST:
        return "", f"is nested deeper than {DEEPEST}"
    if len(value) > MOST_ITEMS:
        return "", f"has {len(value)} entries, more than {MOST_ITEMS}"
    for key, item in value.items() if isinstance(value, Mapping) else enumerate(value):
        if said := _wrong_leaf(key):
            return "", f"has a name that {said}"
        if (wrong := _wrong(item, depth + 1)) is not None:
            return f".{key}{wrong[0]}", wrong[1]
    return None


def _wrong_leaf(value: Any) -> str:
    """Return what is wrong with a text or a number; "" if nothing is."""
    if isinstance(value, str):
        if len(value) > LONGEST:
            return f"has {len(value)} characters, more than {LONGEST}"
        return "holds a null character" if "\0" in value else ""
    if isinstance(value, int | float) and not -LARGEST <= value <= LARGEST:
        return f"is {value!r:.40}, which is no number that a run has"
    return ""


def _strange(letter: str) -> bool:
    """Return whether a character controls a terminal, a line or the direction of a text, or is half of one."""
    return letter in BIDIRECTIONAL or unicodedata.category(letter) in ("Cc", "Cs", "Zl", "Zp")


def _labels(row: Mapping[str, Any]) -> Iterator[str]:
    """Yield what is wrong with the names that boards and terminals show."""
    labels = row.get("labels") or {}
    for name, text in [*((axis, row.get(axis, "")) for axis in AXES), *labels.items()]:
        if not isinstance(text, str):
            continue  # the row's own form says so
        if len(text) > LONGEST_LABEL:
            yield f"the label of {name} has {len(text)} characters, more than {LONGEST_LABEL}"
        if any(_strange(letter) for letter in text):
            yield f"the label of {name} holds a control character"
    if lacking := [axis for axis in AXES if axis not in labels]:
        yield f"labels lack {', '.join(lacking)}"
    if unknown := [axis for axis in labels if axis not in AXES]:
        yield f"labels name {unknown[0]!r:.40}, which is no axis"


def _config(row: Mapping[str, Any]) -> Iterator[str]:
    config = row.get("config") or {}
    for axis, own in config.items():
        if not isinstance(own, Mapping):
            yield f"config.{axis} is {own!r:.40}, not a configuration"
            return
    if row.get("status") != "ok":
        return
    problem = config.get("task", {}).get("problem")
    if not isinstance(problem, str) or problem not in problem_classes():
        yield f"config.task.problem is {problem!r:.40}, not one of {', '.join(sorted(problem_classes()))}"


def _cost(cost: Mapping[str, Any]) -> Iterator[str]:
    for name in (*COUNTS, *TIMES):
        if name in cost and not (_is_number(cost[name]) and cost[name] >= 0):
            yield f"cost.{name} is {cost[name]!r:.40}, not a number of at least 0"
    for name in ("forward", "backward"):
        counts = cost.get(name, [])
        if not isinstance(counts, list | tuple) or not all(_is_number(n) and n >= 0 for n in counts):
            yield f"cost.{name} is {counts!r:.40}, not a list of counts"


def _provenance(provenance: Mapping[str, Any]) -> Iterator[str]:
    for name in ("files", "contents"):
        named = provenance.get(name, {})
        if not isinstance(named, Mapping) or not all(isinstance(item, str) for item in named.values()):
            yield f"provenance.{name} is {named!r:.40}, not names with their sha256"
    for name in ("source_digest", "started", "command"):
        if not isinstance(provenance.get(name, ""), str):
            yield f"provenance.{name} is {provenance[name]!r:.40}, not a text"


def _is_number(value: Any) -> bool:
    return isinstance(value, int | float) and not isinstance(value, bool)
