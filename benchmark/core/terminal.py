"""Text on a terminal, whoever wrote it."""

from __future__ import annotations


def printable(text: object) -> str:
    """Control characters become their escapes: a row or a name from elsewhere must not move the cursor.

    >>> printable("gce" + chr(27) + "[2J")
    'gce\\\\x1b[2J'
    """
    return "".join(c if c.isprintable() else c.encode("unicode_escape").decode() for c in str(text))
