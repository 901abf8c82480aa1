"""All rows of a store, archived ones too, as columns."""

from __future__ import annotations

from itertools import chain

import pandas as pd

from benchmark.results.columns import frame, pieces
from benchmark.results.store import Store


def run_columns(store: Store) -> pd.DataFrame:
    """``columns.run_table`` of everything in a store; rows of the archive are not parsed."""
    loose, archive = store.files(), store.archive
    old = archive.columns(without=loose) if archive else iter(())
    return frame(chain(old, pieces(row for path in loose.values() if (row := store.parsed(path)) is not None)))
