"""Runs as columns: what a board reads of its rows, whether they come one by one or from a compacted store."""

from __future__ import annotations

import functools
import json
import math
from collections.abc import Callable, Iterable, Iterator, Mapping, Sequence
from itertools import chain, islice
from typing import Any

import pandas as pd
import pyarrow as pa

from benchmark.config.declarations import declared, problem_classes
from benchmark.core.protocol import AXES, CHECKPOINTS, PRIMARY, SELECTIONS
from benchmark.results.row import Row, seed_name

MEASURES = {"memorization": "memorization", "ceiling": "ceiling", "detection": "detection_ap"}
STRENGTHS = ("rate", "information_kept", "margin", "systematic_share", "error_rms", "span_precision", "span_recall", "example_rate")  # of the noise
COSTS = ("passes", "seconds", "forward", "backward")
CONFIGS = tuple(f"config_{axis}" for axis in AXES)
SCORES = tuple(f"{name}_{track}" for track in SELECTIONS for name in ("score", *MEASURES))
COLLAPSED = tuple(f"collapsed_{track}" for track in SELECTIONS)
CURVES = tuple(f"{side}_{k}" for k in range(CHECKPOINTS) for side in ("noisy", "clean"))
PIECE = 50_000  # rows that are held as Python objects
NAN = float("nan")


@functools.cache
def scoring(problem: str) -> tuple[str, int]:
    """The primary score of a task type, and 1 or, where smaller is better, -1."""
    target = problem_classes()[problem]
    return declared(target, "primary"), 1 if declared(target, "higher_is_better") else -1


def run_table(rows: Iterable[Row]) -> pd.DataFrame:
    """One line per run, of all that a board needs: ``TEXTS`` as categories, ``NUMBERS`` with NaN where a row says nothing.

    ``task`` to ``trainer`` are labels, ``config_*`` the resolved configurations as JSON, ``further`` the scores under other test labels as JSON,
    ``forward`` and ``backward`` passes per training example and epoch, ``score_*`` the primary scores as the row has them.
    """
    return frame(pieces(rows))


def pieces(rows: Iterable[Row]) -> Iterator[pa.Table]:
    """The columns of some rows at a time, so that all rows need not be held."""
    remaining, configs = iter(rows), dict[str, tuple[str, ...]]()
    while part := list(islice(remaining, PIECE)):
        yield of_rows(part, configs)


def of_rows(rows: Sequence[Row], configs: dict[str, tuple[str, ...]]) -> pa.Table:
    """The columns of these rows; ``configs`` keeps the configurations of their cells as JSON."""
    for row in rows:
        if row.cell not in configs:
            configs[row.cell] = _configs(row)
    filled = [tuple(chain.from_iterable(fill(row) for _, fill in TEXTS_OF)) + configs[row.cell] for row in rows]
    counted = [tuple(chain.from_iterable(fill(row) for _, fill in NUMBERS_OF)) if row.status == "ok" else NOTHING for row in rows]
    texts = list(zip(*filled, strict=True)) or [()] * len(TEXTS)
    numbers = list(zip(*counted, strict=True)) or [()] * len(NUMBERS)
    columns = [pa.array(values, pa.string()).dictionary_encode() for values in texts] + [pa.array(values, pa.float64()) for values in numbers]
    return pa.Table.from_arrays(columns, names=[*TEXTS, *NUMBERS])


def frame(tables: Iterable[pa.Table]) -> pd.DataFrame:
    """Tables of one form below each other as a data frame; text becomes categories."""
    found = list(tables) or [of_rows([], {})]
    out: pd.DataFrame = pa.concat_tables(found).unify_dictionaries().to_pandas(self_destruct=True, split_blocks=True)
    return out


def _further(row: Row) -> str:
    """Return the scores under other labels of the test part, at the primary selection, as JSON; "" without any."""
    found = {name: value for name, value in row.metrics.items() if name.startswith("test_") and name.split("/")[1] == PRIMARY[0]}
    return json.dumps(found) if found else ""


def _said(row: Row) -> tuple[str, ...]:
    """Return what the row says of its origin: when and by which code it was made, on which test labels, and whether somebody else made it."""
    origin = row.provenance
    reported = "self-reported" if origin.get("self_reported") else ""
    return str(origin.get("started", "")), str(origin.get("source_digest", "")), str(row.noise_stats.get("test_labels", "right")), reported


def _costs(row: Row) -> tuple[float, ...]:
    cost = row.cost
    return _number(cost.get("passes")), _number(cost.get("seconds")), passes_of(cost, "forward"), passes_of(cost, "backward")


def _measured(row: Row) -> tuple[float, ...]:
    """Return the scores and the curves in the order of ``SCORES``, ``COLLAPSED`` and ``CURVES``."""
    return tuple(row.metrics.get(name, NAN) for name in _metrics(row.config["task"]["problem"]))


def _configs(row: Row) -> tuple[str, ...]:
    return tuple(json.dumps(row.config.get(axis, {})) for axis in AXES)


@functools.cache
def _metrics(problem: str) -> tuple[str, ...]:
    """The names in a row of ``SCORES``, ``COLLAPSED`` and ``CURVES``."""
    primary, _ = scoring(problem)
    scores = [name for track in SELECTIONS for name in (f"test/{track}/{primary}", *(f"train/{track}/{key}" for key in MEASURES.values()))]
    constant = (f"test/{track}/collapsed" for track in SELECTIONS)
    return (*scores, *constant, *(f"val/checkpoint_{k}/{side}_val" for k in range(CHECKPOINTS) for side in ("noisy", "clean")))


def passes_of(cost: Mapping[str, Any], kind: str) -> float:
    """Forward or backward passes of all networks per training example and epoch."""
    seen = cost.get("examples", 0) * cost.get("epochs", 0)
    return sum(cost.get(kind, ())) / seen if seen else NAN


def _number(value: object) -> float:
    return float(value) if isinstance(value, int | float) and math.isfinite(value) else NAN


# Each entry names some columns and says how a row fills them.
TEXTS_OF: tuple[tuple[tuple[str, ...], Callable[[Row], tuple[str, ...]]], ...] = (
    (("cell", "seed", "status"), lambda row: (row.cell, seed_name(row.seed), row.status)),
    (AXES, lambda row: tuple(row.labels.get(axis, "") for axis in AXES)),
    (("noise_name",), lambda row: (row.noise,)),
    (("started", "source_digest", "test_labels", "self_reported"), _said),
    (("further",), lambda row: (_further(row),)),
)
NUMBERS_OF: tuple[tuple[tuple[str, ...], Callable[[Row], tuple[float, ...]]], ...] = (
    (COSTS, _costs),
    (STRENGTHS, lambda row: tuple(_number(row.noise_stats.get(name)) for name in STRENGTHS)),
    ((*SCORES, *COLLAPSED, *CURVES), _measured),
)
TEXTS = (*(name for group, _ in TEXTS_OF for name in group), *CONFIGS)
NUMBERS = tuple(name for group, _ in NUMBERS_OF for name in group)
NOTHING = (NAN,) * len(NUMBERS)
