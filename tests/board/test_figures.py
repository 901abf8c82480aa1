"""Pictures of repair and damage."""

from __future__ import annotations

from pathlib import Path

from support.boardrows import rows

from benchmark.board.comparisons import compute
from benchmark.board.figures import gains


def test_repair_and_damage_are_drawn_where_they_are_asked_for(tmp_path: Path) -> None:
    cells = compute(rows()).cells
    for name, repaired in (("gains", False), ("parts", True)):
        gains(cells, tmp_path / f"{name}.svg", repaired=repaired)
    plain, parts = ((tmp_path / f"{name}.svg").read_text() for name in ("gains", "parts"))
    dotted = "stroke-dasharray"
    assert (plain.count(dotted), parts.count(dotted)) == (0, 2)
    assert parts.count("#ffffff") > plain.count("#ffffff")
