"""What reaches the terminal."""

from __future__ import annotations

from benchmark.__main__ import one_line
from benchmark.core.errors import DataError
from benchmark.core.terminal import printable


def test_control_characters_do_not_reach_the_terminal() -> None:
    assert printable("a\x1b[2J\nb é") == "a\\x1b[2J\\nb é"
    assert one_line(DataError("first\nsecond")) == "first"
