"""All rows of a store, archived ones too, as columns."""

from __future__ import annotations

from collections.abc import Iterator
from itertools import chain

import pandas as pd

from benchmark.results.columns import frame, pieces
from benchmark.results.row import Row
from benchmark.results.store import Store


def run_columns(store: Store) -> pd.DataFrame:
    """``columns.run_table`` of everything in a store; rows of the archive are not parsed."""
    read, loose = set[str](), store.files()

    def rows() -> Iterator[Row]:
        for name, path in loose.items():
            row = store.parsed(path)
            if row is not None or path.exists():  # what a compaction has just moved is read from the archive
                read.add(name)
            if row is not None:
                yield row

    new = list(pieces(rows()))
    archive = store.archive  # opened last: it holds what was moved meanwhile
    return frame(chain(archive.columns(without=read) if archive else (), new))
