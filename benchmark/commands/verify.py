"""The command verify."""

from __future__ import annotations

import random
import secrets
import tempfile
from collections.abc import Sequence
from pathlib import Path

from benchmark.config.cells import Cell
from benchmark.config.options import options_of
from benchmark.core.errors import ConfigError
from benchmark.core.protocol import AXES
from benchmark.core.terminal import printable
from benchmark.results.store import Store
from benchmark.review.verify import differences


def verify(arguments: Sequence[str]) -> int:
    """``verify N=5 paths.results=DIR``: rerun N random rows of this code and compare every metric and the predictions' digest.

    ``verify TOP=5 SEEDS=3 rows=FILE``: run the best submitted methods again with seeds that are drawn now, as ``rerun`` says.

    Returns:
        0 if all agree, 1 otherwise.

    Raises:
        ConfigError: something else was asked for, a number is none, or there are no rows to verify.
    """
    from benchmark.core.paths import Paths
    from benchmark.results.freshness import is_stale
    from benchmark.running.processes import count
    from benchmark.running.runner import run_cell

    number, paths, rest = options_of(arguments, N="5", TOP="", SEEDS="3", rows="")
    if rest:
        raise ConfigError(f"verify does not know {rest[0]!r}: give N=5, or TOP=5 SEEDS=3 rows=FILE, and paths.KEY=DIR")
    for name in ("N", "TOP", "SEEDS"):
        if (number[name] or name != "TOP") and not (number[name].isdecimal() and int(number[name])):
            raise ConfigError(f"verify: {name}={number[name]} is no number from 1: give {name}=5")
    if number["TOP"]:
        from benchmark.review import rerun

        return rerun.rerun(*rerun.read(number["rows"]), int(number["TOP"]), int(number["SEEDS"]), paths)
    if number["rows"]:
        raise ConfigError(f"verify: rows={number['rows']} is read with TOP= alone: give TOP=5 too, or paths.results=DIR in place of the file")
    rows = [row for row in Store(paths.results).rows() if row.status == "ok" and row.config["trainer"].get("devices", 1) == count() and not is_stale(row)]
    if not rows:
        raise ConfigError(f"{paths.results} holds no row of this code on {count()} device(s): run a sweep first, or on_existing=stale")
    drawn = secrets.randbelow(10**9)
    print(f"rows drawn now, by seed {drawn}")
    chosen = random.Random(drawn).sample(rows, min(int(number["N"]), len(rows)))
    differ = 0
    with tempfile.TemporaryDirectory() as folder:
        for row in chosen:
            cell = Cell({axis: getattr(row, axis) for axis in AXES}, row.placed, row.contents)
            (again,) = run_cell(cell, [row.seed], Paths(paths.data, Path(folder), paths.cache))
            found = differences(row, again)
            differ += bool(found)
            what = f": {', '.join(found[:4])}" if found else f" ({len(row.metrics)} metrics)"
            print(printable(f"{'DIFFERS' if found else 'same':8}{cell} seed {row.seed[0]}{what}"))
    print(f"{len(chosen) - differ} of {len(chosen)} rows verified")
    return int(differ > 0)
