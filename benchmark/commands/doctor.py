"""The command doctor."""

from __future__ import annotations

from collections.abc import Sequence
from pathlib import Path

from benchmark.core.errors import ConfigError
from benchmark.review.doctor import examine, read_rows


def check(arguments: Sequence[str]) -> int:
    """``doctor rows FILE``: name every rule that a row breaks; exit code 1 if there is one.

    Raises:
        ConfigError: anything else was asked for.
    """
    from benchmark.results.reference import reference

    if len(arguments) != 2 or arguments[0] != "rows":
        raise ConfigError("doctor: give rows FILE, where FILE is a .json or .jsonl file of rows or a results folder")
    rows, wrong = read_rows(Path(arguments[1]))
    found = wrong + examine(rows, reference())
    for name, rule, text in found:
        print(f"{rule:9} {name}: {text}")
    broken = sorted({rule for _, rule, _ in found})
    print(f"{len(rows)} rows, " + (f"{len(found)} findings, broken: {', '.join(broken)}" if found else "no rule broken"))
    return int(bool(found))
