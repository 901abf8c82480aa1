"""Published rows: ``results/reference.jsonl``, sorted, one row a line, each checked before it is folded in."""

from __future__ import annotations

from collections.abc import Iterable, Sequence
from pathlib import Path

from benchmark.errors import ConfigError
from benchmark.files import write_atomically
from benchmark.identity import AXES, ROOT
from benchmark.status import options_of
from benchmark.store import Row, parse

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


def publish(arguments: Sequence[str]) -> int:
    """``publish [rows=FILE]``: check the finished rows of the results folder, or of somebody's file, fold them in, rebuild the tracked board.

    Rows of a file are marked as self-reported. Nothing is written unless every row passes.

    Raises:
        ConfigError: there is nothing to publish.
    """
    from benchmark.doctor import examine, read_rows
    from benchmark.leaderboard import write
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
    _, parts = write(after, RESULTS)
    fill(RESULTS.parent / "README.md", parts)
    print(f"{len(after) - len(before)} rows added, {len(after)} published; board: {RESULTS / 'leaderboard.html'}")
    return 0
