"""The command export."""

from __future__ import annotations

from collections.abc import Sequence

from benchmark.board.exports import files
from benchmark.config.options import options_of
from benchmark.core.errors import ConfigError
from benchmark.core.files import write_atomically


def export(arguments: Sequence[str]) -> int:
    """``export``: write the files to ``<results>/local/export``.

    Raises:
        ConfigError: anything but paths was given.
    """
    from benchmark.board.comparisons import compute
    from benchmark.results.store import Store

    _, paths, rest = options_of(arguments)
    if rest:
        raise ConfigError(f"export does not know {rest[0]!r}: give paths.results=DIR")
    rows = [row for row in Store(paths.results).rows() if row.status == "ok"]
    dates = {row.labels["method"]: row.provenance.get("started", "") for row in sorted(rows, key=lambda row: row.provenance.get("started", ""))}
    count = 0
    for name, text in files(compute(rows).cells, dates):
        write_atomically(paths.results / "local" / "export" / name, text.encode())
        count += 1
    print(f"{count} files in {paths.results / 'local' / 'export'}")
    return 0
