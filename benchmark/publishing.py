"""Published rows: ``results/reference.jsonl``, sorted, one row a line, each checked before it is folded in."""

from __future__ import annotations

from collections.abc import Iterable, Iterator, Sequence
from pathlib import Path
from typing import TYPE_CHECKING

from benchmark.analysis import PLAN
from benchmark.errors import ConfigError
from benchmark.files import write_atomically
from benchmark.identity import AXES, ROOT
from benchmark.stats.aa import BOARDS, false_winners
from benchmark.status import options_of
from benchmark.store import Row, parse

if TYPE_CHECKING:
    from benchmark.comparisons import Leaderboard

RESULTS = ROOT / "results"


def reference() -> list[Row]:
    """The published rows."""
    path = RESULTS / "reference.jsonl"
    lines = path.read_bytes().splitlines() if path.is_file() else []
    return [parse(line, Path(f"{path.name}:{at}")) for at, line in enumerate(lines, 1)]


def folded(published: Iterable[Row], new: Iterable[Row]) -> list[Row]:
    """Both, sorted by names and seed; a new row takes the place of the published one of its cell and seed."""
    rows = {(row.cell, row.seed): row for row in (*published, *new)}
    return sorted(rows.values(), key=lambda row: (*(row.labels[axis] for axis in AXES), row.cell, row.seed))


def equal_methods(found: Leaderboard) -> Iterator[str]:
    """The A/A test of every board that has a test: how often it would name a winner among these rows if names meant nothing."""
    for (problem, track), board in found.boards.items():
        share = false_winners(board.blocks.tasks.to_numpy()) if track == PLAN.selection else None
        if share is not None:
            yield f"A/A, {problem}: {100 * share:.1f} % of {BOARDS} boards of these rows with names permuted within tasks have a winner (at most 6 %)"


def publish(arguments: Sequence[str]) -> int:
    """``publish [rows=FILE]``: check the finished rows of the results folder, or of somebody's file, fold them in, rebuild the tracked board.

    Rows of a file are marked as self-reported. Nothing is written unless every row passes.

    Raises:
        ConfigError: there is nothing to publish.
    """
    from benchmark.comparisons import compute
    from benchmark.doctor import examine, read_rows
    from benchmark.leaderboard import write_board
    from benchmark.readme import fill

    own, paths, rest = options_of(arguments, rows="")
    if rest:
        raise ConfigError(f"publish does not know {rest[0]!r}: give rows=FILE or paths.results=DIR")
    rows, wrong = read_rows(Path(own["rows"]) if own["rows"] else paths.results)
    if not rows and not wrong:
        raise ConfigError(f"{own['rows'] or paths.results} holds no rows: run a sweep first")
    before = reference()
    found = wrong + examine(rows, before)
    for name, rule, text in found:
        print(f"{rule:9} {name}: {text}")
    if found:
        print(f"nothing published: {len(found)} findings in {len(rows)} rows")
        return 1
    if own["rows"]:
        rows = [row.model_copy(update={"provenance": row.provenance | {"self_reported": True}}) for row in rows]
    after = folded(before, (row for row in rows if row.status == "ok"))
    write_atomically(RESULTS / "reference.jsonl", "".join(row.model_dump_json() + "\n" for row in after).encode())
    board = compute(after)
    _, parts = write_board(board, after, RESULTS)
    fill(RESULTS.parent / "README.md", parts)
    for text in equal_methods(board):
        print(text)
    print(f"{len(after) - len(before)} rows added, {len(after)} published; board: {RESULTS / 'leaderboard.html'}")
    return 0
