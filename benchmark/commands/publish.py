"""The command publish."""

from __future__ import annotations

from collections.abc import Sequence
from pathlib import Path
from typing import TYPE_CHECKING

from benchmark.config.options import options_of
from benchmark.core.errors import ConfigError
from benchmark.core.files import write_atomically
from benchmark.core.locks import locked
from benchmark.results import reference
from benchmark.results.row import Row
from benchmark.review.publishing import equal_methods, folded

if TYPE_CHECKING:
    from benchmark.review.doctor import Finding


def publish(arguments: Sequence[str]) -> int:
    """``publish [rows=FILE]``: check the finished rows of the results folder, or of somebody's file, fold them in, rebuild the tracked board.

    Rows of a file are marked as self-reported. Nothing is written unless every row passes.

    Raises:
        ConfigError: there is nothing to publish.
    """
    from benchmark.review.doctor import read_rows

    own, paths, rest = options_of(arguments, rows="")
    if rest:
        raise ConfigError(f"publish does not know {rest[0]!r}: give rows=FILE or paths.results=DIR")
    rows, wrong = read_rows(Path(own["rows"]) if own["rows"] else paths.results)
    if not rows and not wrong:
        raise ConfigError(f"{own['rows'] or paths.results} holds no rows: run a sweep first")
    with locked(reference.RESULTS):
        return _fold_in(rows, wrong, bool(own["rows"]))


def _fold_in(rows: list[Row], wrong: list[Finding], self_reported: bool) -> int:
    """Examine the rows, put them to the published ones, and write board and rows. The caller holds the lock."""
    from benchmark.board.comparisons import compute
    from benchmark.board.leaderboard import write_board
    from benchmark.board.readme import fill
    from benchmark.review.doctor import examine

    before = reference.reference()
    found = wrong + examine(rows, before)
    for name, rule, text in found:
        print(f"{rule:9} {name}: {text}")
    if found:
        print(f"nothing published: {len(found)} findings in {len(rows)} rows")
        return 1
    if self_reported:
        rows = [row.model_copy(update={"provenance": row.provenance | {"self_reported": True}}) for row in rows]
    after = folded(before, (row for row in rows if row.status == "ok"))
    board = compute(after)
    _, parts = write_board(board, after, reference.RESULTS)
    fill(reference.RESULTS.parent / "README.md", parts)
    # The rows come last: where the board of them cannot be written, they are not published.
    write_atomically(reference.RESULTS / "reference.jsonl", "".join(row.model_dump_json() + "\n" for row in after).encode())
    for text in equal_methods(board):
        print(text)
    print(f"{len(after) - len(before)} rows added, {len(after)} published; board: {reference.RESULTS / 'leaderboard.html'}")
    return 0
