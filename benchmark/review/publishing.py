"""Published rows: ``results/reference.jsonl``, sorted, one row a line, each checked before it is folded in."""

from __future__ import annotations

from collections.abc import Iterable, Iterator
from typing import TYPE_CHECKING

from benchmark.core.protocol import AXES
from benchmark.results.row import Row
from benchmark.stats.aa import BOARDS, false_winners
from benchmark.stats.analysis_plan import PLAN

if TYPE_CHECKING:
    from benchmark.board.comparisons import Leaderboard


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
