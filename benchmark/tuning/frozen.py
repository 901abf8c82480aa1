"""The ``blind`` setting: hyper-parameters that were chosen once on development tasks and frozen in ``conf/tuned/<method>.yaml``."""

from __future__ import annotations

import functools
import json
from collections.abc import Iterator, Mapping, Sequence
from pathlib import Path
from typing import Any

from benchmark.config.build import option
from benchmark.config.paper import bare
from benchmark.core.digests import digest
from benchmark.core.errors import DataError
from benchmark.core.files import write_atomically
from benchmark.core.paths import CONF
from benchmark.core.yamls import read_yaml
from benchmark.results.row import Row
from benchmark.tuning.space import Point, rescaled, trials, varied

FOLDER = CONF / "tuned"


def freeze(method: str, content: Mapping[str, Any]) -> Path:
    """Write a choice with its hash: one line of yaml a key."""
    path = FOLDER / f"{method}.yaml"
    path.parent.mkdir(exist_ok=True)
    lines = [f"{key}: {json.dumps(value)}" for key, value in (dict(content) | {"hash": digest(dict(content))}).items()]
    write_atomically(path, ("\n".join(lines) + "\n").encode())
    return path


def frozen(method: str) -> Point | None:
    """The choice for a method, None if it was never tuned.

    Raises:
        DataError: the file is not what was written.
    """
    path = FOLDER / f"{method}.yaml"
    if not path.is_file():
        return None
    content = read_yaml(path)
    if not isinstance(content, dict) or not _whole(content):
        raise DataError(f"{path} was altered since it was frozen (its hash differs): restore it, or delete it and run make tune METHOD={method}")
    return Point(content["keys"], content["trainer"])


def _whole(content: dict[str, Any]) -> bool:
    own = content.pop("hash", None)
    try:
        return bool(own == digest(content))
    except (ValueError, TypeError):  # a number that is not finite, keys of several types
        return False


def variants(setting: str, entries: dict[str, str]) -> Sequence[Mapping[str, str]]:
    """What a setting makes of one choice of entries: as they are, with the frozen point, or one for every trial.

    Plain erm stands beside the frozen points: every board compares with it, in the cell of the trainer that they were made out of.
    """
    method = entries["method"].partition("(")[0]
    if setting == "trials":
        return [varied(entries, point) for point in trials(method)]
    if setting == "blind":
        return [{**entries, "method": "erm"}, varied(entries, frozen(method) or _untuned(method))]
    return [entries]


@functools.cache
def _untuned(method: str) -> Point:
    print(f"setting=blind: {method} has no conf/tuned/{method}.yaml, its defaults are used: make tune METHOD={method} chooses")
    return Point()


def blind_rows(rows: Sequence[Row]) -> list[Row]:
    """Rows as the board shows them under ``setting=blind``.

    A row that a frozen point made out of a trainer that other rows have stands as ``<method>:blind`` in those rows' cell, where it is
    compared with erm; it leaves the cell of the trainer that only it has. Where the frozen point is the defaults, both names stand.
    """
    trainers = {row.labels["trainer"]: row.config["trainer"] for row in rows}
    points = {method: frozen(method) for method in sorted({row.method for row in rows}) if (FOLDER / f"{method}.yaml").is_file()}
    return [shown for row in rows for shown in _named(row, points.get(row.method), trainers)]


def _named(row: Row, point: Point | None, trainers: Mapping[str, Mapping[str, Any]]) -> Iterator[Row]:
    bases = []
    if point is not None and row.placed["method"] == bare(option("method", row.method)) | dict(point.keys):
        bases = [name for name, trainer in trainers.items() if rescaled(trainer, point.trainer) == row.config["trainer"]]
    if not bases or row.labels["trainer"] in bases:
        yield row
    for name in bases:
        yield row.model_copy(update={"labels": row.labels | {"method": f"{row.method}:blind", "trainer": name}})
