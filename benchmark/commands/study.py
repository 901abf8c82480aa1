"""The command study."""

from __future__ import annotations

from collections.abc import Sequence

from benchmark.board.study import FOLDER, write
from benchmark.config.registry import names
from benchmark.core.errors import ConfigError
from benchmark.core.paths import ROOT
from benchmark.results.store import Store
from benchmark.running.plan import planned


def study(arguments: Sequence[str]) -> int:
    """``study experiment=NAME [paths.results=DIR]``: write ``docs/studies/NAME.md``, its numbers as csv and its pictures.

    Raises:
        ConfigError: no experiment is named, or it has no finished row.
    """
    name = next((word.partition("=")[2] for word in arguments if word.startswith("experiment=")), "")
    if not name:
        raise ConfigError(f"study needs experiment=NAME: one of {', '.join(names('experiment'))}")
    grid, seeds, results = planned(arguments)
    found = [Store(results).read(cell.id, seed) for cell in grid.cells for seed in seeds]
    rows = [row for row in found if row is not None]
    if not any(row.status == "ok" for row in rows):
        raise ConfigError(f"{results} has no finished row of experiment={name}: make sweep EXPERIMENT={name}")
    write(name, rows, len(found) - len(rows), FOLDER)
    print(f"wrote {FOLDER.relative_to(ROOT) / name}.md from {len(rows)} rows")
    return 0
