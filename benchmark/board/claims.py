"""Whether methods gain where their papers say: one noise each, fixed in ``conf/experiment/claims.yaml`` before it was run."""

from __future__ import annotations

import csv
from collections.abc import Sequence
from pathlib import Path

from benchmark.board.frames import run_frame
from benchmark.config.cells import Cell
from benchmark.core.errors import ConfigError
from benchmark.core.paths import ROOT
from benchmark.core.seeds import Seed
from benchmark.results.row import Row
from benchmark.results.store import Store
from benchmark.stats import Estimate, paired_difference

MEASURED = ROOT / "docs" / "claims.csv"
FIELDS = ("method", "noise", "baseline", "score", "difference", "low", "high", "n")


def gain(rows: Sequence[Row], baseline: Sequence[Row]) -> Estimate:
    """Paired difference of the score at the last checkpoint, larger is better.

    Raises:
        ValueError: a run failed.
    """
    failed = [row for row in (*rows, *baseline) if row.status != "ok"]
    if failed:
        raise ValueError(f"{failed[0].labels['method']} failed: {(failed[0].error or '').strip().splitlines()[-1:]}")
    first, second = (run_frame(part, ["last"]).set_index("seed")["score"] for part in (rows, baseline))
    return paired_difference(first, second)


def line(cell: Cell, cells: Sequence[Cell], seeds: Sequence[Seed], store: Store) -> dict[str, object]:
    """A method in its cell against plain training there.

    Raises:
        ConfigError: a run is missing.
    """
    (plain,) = (other for other in cells if other.labels == cell.labels | {"method": "erm"})
    found = [[row for seed in seeds if (row := store.read(one.id, seed)) is not None] for one in (cell, plain)]
    if min(map(len, found)) < len(seeds):
        raise ConfigError(f"{cell}: runs are missing in {store.results}: make sweep EXPERIMENT=claims")
    difference = gain(*found)
    means = [float(run_frame(rows, ["last"])["score"].mean()) for rows in found]
    interval = {"difference": difference.value, "low": difference.low, "high": difference.high, "n": difference.n}
    return {"method": cell.labels["method"], "noise": cell.labels["noise"], "score": means[0], "baseline": means[1], **interval}


def measured(path: Path = MEASURED) -> dict[str, list[str]]:
    """By method what was measured for it, in words: ``symmetric(rate=0.4): +0.210 [+0.150, +0.270]``."""
    out: dict[str, list[str]] = {}
    with path.open(encoding="utf8", newline="") as file:
        for entry in csv.DictReader(file):
            name, _, keys = entry["method"].partition("(")
            shown = f"{keys.removesuffix(')')}, " if keys else ""
            difference, low, high = (f"{float(entry[key]):+.3f}" for key in ("difference", "low", "high"))
            out.setdefault(name, []).append(f"{shown}{entry['noise']}: {difference} [{low}, {high}]")
    return out
