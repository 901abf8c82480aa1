"""Tables on a terminal: columns go whole and in order, and are named."""

from __future__ import annotations

import pytest

from benchmark.board.plaintables import fitted
from benchmark.board.tables import Section

TABLE = Section(
    "digits",
    ["method", "accuracy [95 %]", "sd", "gain over erm", "cost", "seconds"],
    [["gce(q=0.7)", "0.912 [0.900, 0.924]", "0.01", "+0.100 [+0.080, +0.120]", "1.00 x", "3.0"]],
)


def test_a_wide_terminal_shows_all() -> None:
    title, head, line = fitted(TABLE, 120)
    assert (title, head.split()[0]) == ("digits", "method")
    assert line.split() == " ".join(TABLE.lines[0]).split()


@pytest.mark.parametrize(("width", "gone"), [(79, "seconds"), (70, "seconds, sd"), (64, "seconds, sd, cost")])
def test_columns_go_in_order_and_are_named(width: int, gone: str) -> None:
    lines = fitted(TABLE, width)
    assert lines[-1] == f"left out at {width} columns: {gone}"
    assert all(len(line) <= width for line in lines)
    assert [w for w in lines[2].split() if w not in ("gce(q=0.7)", "0.01", "1.00", "x")] == ["0.912", "[0.900,", "0.924]", "+0.100", "[+0.080,", "+0.120]"]


def test_a_name_has_its_own_line_where_nothing_fits_beside_it() -> None:
    lines = fitted(TABLE, 50)
    assert "gce(q=0.7)" in lines
    assert "  0.912 [0.900, 0.924]; +0.100 [+0.080, +0.120]" in lines
