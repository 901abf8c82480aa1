"""The command claims."""

from __future__ import annotations

from collections.abc import Sequence

import pandas as pd

from benchmark.board.claims import FIELDS, MEASURED, line
from benchmark.core.files import write_atomically
from benchmark.core.paths import ROOT
from benchmark.results.store import Store


def claims(arguments: Sequence[str]) -> int:
    """``claims paths.results=DIR``: write what the rows of ``experiment=claims`` say to ``docs/claims.csv``, for the table of methods."""
    from benchmark.running.plan import planned

    grid, seeds, results = planned(["experiment=claims", *arguments])
    lines = [line(cell, grid.cells, seeds, Store(results)) for cell in grid.cells if cell.labels["method"] != "erm"]
    text = pd.DataFrame(lines, columns=list(FIELDS)).to_csv(index=False, float_format="%.4f")
    write_atomically(MEASURED, text.encode())
    print(f"wrote {MEASURED.relative_to(ROOT)}: {len(lines)} methods; make docs puts it into the table")
    return 0
