"""Whether a row was made by the code that stands here now."""

from __future__ import annotations

import functools
from collections.abc import Mapping
from pathlib import Path
from typing import Any

from benchmark.config.code import plugin_places, source_digest
from benchmark.config.registry import chosen_options, names, raw
from benchmark.core.files import changed, inside
from benchmark.core.paths import Paths
from benchmark.results.row import Row

LARGEST = 1 << 32  # bytes of a data file that is compared with what a row says of it


def due(row: Row, on_existing: str, data: Path | None = None) -> bool:
    """Whether an existing row is to be run again: failed ones and those whose data file has changed always, stale ones on ``stale``, all on ``rerun``.

    A row names its files itself, and may be a stranger's: only files below the folder ``data`` (by default
    that of the configuration) are opened. The user's own files elsewhere are part of the cell's id.
    """
    if on_existing == "rerun" or row.status == "failed":
        return True
    files = row.provenance.get("files")
    if isinstance(files, Mapping) and files:
        folder = Paths.default().data if data is None else data
        if changed({name: sha256 for name, sha256 in files.items() if _compared(name, folder)}):
            return True
    return on_existing == "stale" and is_stale(row)


def _compared(name: object, folder: Path) -> bool:
    if not isinstance(name, str) or "\0" in name or not inside(Path(name), folder):
        return False
    path = Path(name)
    return path.is_file() and path.stat().st_size <= LARGEST


def is_stale(row: Row) -> bool:
    """Whether the row was made by other code than today's, or by a plugin that is gone."""
    try:
        return bool(row.provenance.get("source_digest") != sources(row.placed))
    except FileNotFoundError:
        return True


def sources(config: Mapping[str, Any]) -> str:
    """``source_digest`` of a resolved cell: the engine and the files of the plugins that it names."""
    return sources_of(tuple(sorted(targets(config))))


def targets(value: Any) -> set[str]:
    """Return all ``_target_`` of a configuration, those of the plugins that it names by an option included."""
    if not isinstance(value, Mapping):
        return set()
    own = set()
    if "_target_" in value:
        target = str(value["_target_"])
        named = chosen_options(target, value).values()
        own = {target, *(str(raw(axis, option)["_target_"]) for axis, option in named if option in names(axis))}
    return own.union(*(targets(item) for item in value.values()))


@functools.cache
def sources_of(targets: tuple[str, ...]) -> str:
    """The same, of the dotted names that a configuration has as ``_target_``."""
    return source_digest(place for target in targets for place in plugin_places(target))  # nothing is imported for it
