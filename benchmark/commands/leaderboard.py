"""The command leaderboard."""

from __future__ import annotations

import gc
from collections.abc import Sequence

from benchmark.board import leaderboard
from benchmark.board.comparisons import compared
from benchmark.core.errors import ConfigError
from benchmark.core.protocol import PRIMARY

FULL = "--full"


def rebuild(arguments: Sequence[str]) -> int:
    """Rebuild the board of all rows of a results folder (``paths.results=DIR``) and print its summary, or with ``--full`` its tables.

    Of more than ``board.leaderboard.LARGE`` runs only columns are read, and names stay those of the rows.

    Raises:
        ConfigError: something else was asked for.
    """
    from benchmark.config.options import options_of
    from benchmark.results.store import Store

    full = FULL in arguments
    _, paths, rest = options_of([argument for argument in arguments if argument != FULL])
    if rest:
        raise ConfigError(f"leaderboard does not know {rest[0]!r}: give paths.results=DIR or {FULL}")
    gc.disable()  # rows stay until the end: a fifth of the time would go into looking for garbage among them
    try:
        store = Store(paths.results)
        if len(store) > leaderboard.LARGE:
            from benchmark.results.table import run_columns

            found = compared(run_columns(store), PRIMARY)
            leaderboard.print_board(found, *leaderboard.write_board(found, (), paths.results / "local"), paths.results, full)
        else:
            leaderboard.publish_local(list(store.rows()), paths.results, full)
    finally:
        gc.enable()
    return 0
