"""Tables of the board as plain lines that fit a terminal: columns go whole, no number and no name is ever cut."""

from __future__ import annotations

import textwrap
from collections.abc import Sequence

from benchmark.board.tables import Section
from benchmark.core.terminal import printable

GAP = 2  # spaces between columns
GOES_FIRST = (  # columns in the order in which they are left out where the terminal is too narrow
    *("MRAE / L1", "seconds", "sd", "memorization", "damage repaired", "clean gain", "gap closed"),
    *("P(first)", "rank [95 %]", "cells below erm", "worst decile", "p", "[95 % over seeds, these tasks]", "n", "cost"),
)


def fitted(section: Section, width: int) -> list[str]:
    """Return a table as lines of at most ``width`` columns.

    Columns of ``GOES_FIRST`` are left out until the others fit, and the last line names them. Where even the name and the first numbers
    are too wide side by side, the name has a line of its own.

    Args:
        section: the table.
        width: columns of the terminal.
    """
    grid = [[printable(text) for text in line] for line in [section.columns, *section.lines]]
    kept = list(range(len(section.columns)))
    gone: list[str] = []
    for name in GOES_FIRST:
        if _wide(grid, kept) <= width:
            break
        if name in section.columns:
            kept.remove(section.columns.index(name))
            gone.append(name)
    out = broken(section.title, width)
    if _wide(grid, kept) <= width:
        sizes = _sizes(grid, kept)
        for line in grid:
            first, *others = (line[at] for at in kept)
            cells = [first.ljust(sizes[0]), *(text.rjust(size) for text, size in zip(others, sizes[1:], strict=True))]
            out.append((" " * GAP).join(cells).rstrip())
    else:
        for line in grid:
            out += [line[kept[0]], *broken("  " + "; ".join(line[at] for at in kept[1:]), width)]
    if gone:
        out += broken(f"left out at {width} columns: {', '.join(gone)}", width)
    return out + (broken(section.note, width) if section.note else [])


def broken(text: str, width: int) -> list[str]:
    """Return a text broken between words: addresses and names that are longer than the terminal stay whole."""
    indent = " " * (len(text) - len(text.lstrip()) + GAP)
    return textwrap.wrap(
        printable(text),
        width,
        subsequent_indent=indent,
        break_long_words=False,
        break_on_hyphens=False,
    )


def _sizes(grid: Sequence[Sequence[str]], kept: Sequence[int]) -> list[int]:
    return [max(len(line[at]) for line in grid) for at in kept]


def _wide(grid: Sequence[Sequence[str]], kept: Sequence[int]) -> int:
    return sum(_sizes(grid, kept)) + GAP * (len(kept) - 1)
