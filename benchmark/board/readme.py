"""The block of the README that shows the published board, between two markers."""

from __future__ import annotations

from collections.abc import Sequence
from pathlib import Path

from benchmark.board.tables import Section, table_lines
from benchmark.core.errors import DataError
from benchmark.core.files import write_atomically

BEGIN, END = "<!-- board: begin, written by make publish -->", "<!-- board: end -->"
NOTHING = "No rows are published yet: `make publish` checks those of `results/runs`, folds them into `results/reference.jsonl` and fills this block."


def fill(path: Path, sections: Sequence[Section]) -> None:
    """Put the rankings between the markers; what stands around them stays.

    Raises:
        DataError: the markers are not there, once and in order.
    """
    text = path.read_text(encoding="utf8")
    if text.count(BEGIN) != 1 or text.count(END) != 1 or text.index(BEGIN) > text.index(END):
        raise DataError(f"{path}: it needs the lines {BEGIN!r} and {END!r} once, in this order")
    head, rest = text.split(BEGIN)
    write_atomically(path, (head + block(sections) + rest.split(END)[1]).encode())


def block(sections: Sequence[Section]) -> str:
    """The markers with the rankings that ``last`` selects between them."""
    boards = [section for section in sections if section.title.startswith("Board") and section.title.endswith("by last")]
    lines = [line for section in boards for line in (f"**{section.title}**", "", *([section.note, ""] if section.note else []), *table_lines(section), "")]
    return "\n".join([BEGIN, *(lines or [NOTHING]), END])
