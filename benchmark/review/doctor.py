"""Which rule of the protocol a row breaks: what a submission must pass before its rows are published.

``python -m benchmark doctor rows FILE`` reads one row (.json), one a line (.jsonl) or a results folder.
It looks at what a row says of itself, and at what rows must share. That a number was measured at all only a second run shows:
``make verify`` makes rows again.
"""

from __future__ import annotations

import functools
import json
import math
import re
from collections import Counter, defaultdict
from collections.abc import Callable, Iterable, Iterator, Sequence
from pathlib import Path
from typing import Any

from benchmark.config.build import build, option
from benchmark.config.cells import Cell
from benchmark.config.registry import current_name, names
from benchmark.config.support import layers
from benchmark.core.errors import DataError, RowError, UserError
from benchmark.core.files import content_of
from benchmark.core.protocol import AXES, CHECKPOINTS, PRIMARY, PROTOCOL_VERSION
from benchmark.methods.base import Method
from benchmark.results.archive import Archive
from benchmark.results.columns import scoring
from benchmark.results.freshness import is_stale
from benchmark.results.row import Row, parse, seed_name, shown
from benchmark.results.store import LARGEST, Store

LEAST_SEEDS = 3
BOUNDED = ("accuracy", "balanced_accuracy", "map", "f1", "precision", "recall")  # scores between 0 and 1
SLACK = 1.05  # last batches and warm-ups are rounded to whole epochs
NEEDED = ("test_digest", "train_digest", "noise_digest", "predictions_digest", "source_digest", "command")

FURTHER = re.compile(r"[\w.-]{0,40}", re.ASCII)  # of a label, after its colon

Finding = tuple[str, str, str]  # row, rule, what is wrong
Rule = Callable[[Row], Iterator[str]]


def examine(rows: Sequence[Row], known: Iterable[Row] = ()) -> list[Finding]:
    """What is wrong with these rows, one entry per row and rule; ``known`` rows are published already and only compared with."""
    out = [(row_name(row), rule, shown(text)) for row in rows for rule, text in _findings(row)]
    return out + list(_seeds(rows)) + list(_shared(rows, known))


def _findings(row: Row) -> Iterator[tuple[str, str]]:
    """Return (rule, what is wrong) of a row. Nothing is built, and no code looked at, of one whose names are not those of its configuration."""
    for rule, check in RULES.items():
        try:
            found = list(check(row))
        except (UserError, ArithmeticError, AttributeError, LookupError, TypeError, ValueError) as error:
            found = [f"the row cannot be examined, {type(error).__name__}: {error}"]
        yield from ((rule, text) for text in found)
        if rule == "identity" and found:
            return


def broken_identity(row: Row) -> str:
    """Return what the rule of identity finds first in a row; "" if it finds nothing."""
    return next((text for rule, text in _findings(row) if rule == "identity"), "")


def row_name(row: Row) -> str:
    """Return how findings call a row."""
    return shown(f"{row.cell}-{seed_name(row.seed)} ({' '.join(row.labels.get(axis, '?') for axis in AXES[:3])})")


def _protocol(row: Row) -> Iterator[str]:
    if row.provenance.get("protocol_version") != PROTOCOL_VERSION:
        yield f"protocol_version is {row.provenance.get('protocol_version')!r}, rows of {PROTOCOL_VERSION} are comparable"
    yield from (f"provenance.{name} is missing" for name in NEEDED if row.status == "ok" and not row.provenance.get(name))


def _identity(row: Row) -> Iterator[str]:
    """The cell's id is the hash of its configuration, and its names say what that configuration is."""
    lacks = [axis for axis in AXES if axis not in row.config or axis not in row.labels]
    if lacks:
        yield f"config or labels lack {', '.join(lacks)}"
        return
    for axis in AXES:
        name = current_name(axis, getattr(row, axis))
        if name not in names(axis):
            yield f"{axis} {name!r} is not in the suite"
            return
        if option(axis, name).get("_target_") != row.placed[axis].get("_target_"):
            yield f"{axis} is called {name!r}, which is {option(axis, name).get('_target_')}, but {row.placed[axis].get('_target_')} was run"
            return
    this = Cell({axis: current_name(axis, getattr(row, axis)) for axis in AXES}, row.placed, row.contents)
    if row.cell != this.id:
        yield f"cell is {row.cell}, its configuration hashes to {this.id}: the configuration was edited"
    labels = this.labels
    for axis in AXES:
        (said, _, further), name = row.labels[axis].partition(":"), getattr(row, axis)
        if not FURTHER.fullmatch(further):
            yield f"{axis} is labeled {row.labels[axis]!r}: after a colon a label has letters, digits, dots, underscores and hyphens, at most 40"
        if current_name(axis, name) + said.removeprefix(name) != labels[axis]:
            yield f"{axis} is labeled {row.labels[axis]!r}, its configuration is {labels[axis]!r}"


def _code(row: Row) -> Iterator[str]:
    if is_stale(row):
        yield "source_digest is not that of this code: update the suite and run again (on_existing=stale)"


def _privilege(row: Row) -> Iterator[str]:
    """What the method really reads must be what its name declares."""
    if row.method not in names("method") or "method" not in row.config:
        return
    try:
        needs, declared = _method(json.dumps(row.placed["method"])).needs, _method(json.dumps(option("method", row.method))).needs
    except (UserError, TypeError, KeyError) as error:
        yield f"the method cannot be built from its configuration: {error}"
        return
    hidden = needs - declared
    shown = row.labels.get("method", "")
    if hidden and "(" not in shown:
        yield f"it needs {', '.join(sorted(hidden))}, which {shown!r} does not declare"
    if any(layer.get("setting") == "paper" for layer in layers(row.placed["method"])) and "paper" not in shown:
        yield f"its settings were chosen by somebody who knew the noise (setting=paper), which {shown!r} does not say"


@functools.cache
def _method(config: str) -> Method:
    made: Method = build(json.loads(config), "method")
    return made


def _budget(row: Row) -> Iterator[str]:
    """Passes are what the counters say, and no more than the method declares for the trainer's epochs."""
    if row.status != "ok":
        return
    cost = row.cost
    if not all(name in cost for name in ("passes", "forward", "backward", "examples", "epochs", "seconds")):
        yield "cost lacks passes, forward, backward, examples, epochs or seconds"
        return
    forward, backward = sum(cost["forward"]), sum(cost["backward"])
    if cost["passes"] != forward + 2 * backward:
        yield f"passes are {cost['passes']}, forward and twice backward add up to {forward + 2 * backward}"
    epochs = row.config.get("trainer", {}).get("epochs", 0)
    try:
        method = _method(json.dumps(row.placed["method"]))
    except (UserError, TypeError, KeyError):
        return  # said by another rule
    price, size = method.passes(epochs), cost["examples"] * epochs
    allowed = SLACK * (price.forward + 2 * price.backward) * size + 3 * cost["examples"] * method.networks
    if cost["passes"] > allowed:
        yield f"{cost['passes']} passes, its trainer's {epochs} epochs allow {allowed:.0f}"
    if cost["epochs"] > max(1, round(epochs * method.epoch_factor)):
        yield f"trained {cost['epochs']} epochs, its trainer has {epochs}"


def _metrics(row: Row) -> Iterator[str]:
    """Metrics agree with each other, and with what they can be."""
    if row.status != "ok":
        if row.metrics:
            yield "a failed row has metrics"
        return
    metric, _ = scoring(row.config["task"]["problem"]) if row.config.get("task", {}).get("problem") else ("", 1)
    if f"test/last/{metric}" not in row.metrics:
        yield f"test/last/{metric} is missing"
    for name, value in row.metrics.items():
        if name.startswith("test") and name.rpartition("/")[2] in BOUNDED and not 0 <= value <= 1:
            yield f"{name} is {value}, outside [0, 1]"
    yield from _selection(row)


def _selection(row: Row) -> Iterator[str]:
    """What a track selected is one of the checkpoints, and the one that it must be."""
    of = {k: row.metrics[name] for k in range(CHECKPOINTS) if (name := f"val/checkpoint_{k}/noisy_val") in row.metrics}
    _, sign = scoring(row.config["task"]["problem"])
    if not of:
        return
    best = max(of, key=lambda k: (sign * of[k], -k))
    for track, k in zip(PRIMARY, (max(of), best), strict=True):
        for name in ("noisy_val", "epoch"):
            said, was = row.metrics.get(f"val/{track}/{name}"), row.metrics.get(f"val/checkpoint_{k}/{name}")
            if said != was:
                yield f"val/{track}/{name} is {said}, its checkpoint {k} has {was}"


RULES: dict[str, Rule] = {"protocol": _protocol, "identity": _identity, "code": _code, "privilege": _privilege, "budget": _budget, "metrics": _metrics}


def _seeds(rows: Sequence[Row]) -> Iterator[Finding]:
    """Seeds are 0, 1, ... without gaps and at least three: nobody chooses the good ones. A failed run counts as run."""
    by_cell: dict[str, list[Row]] = defaultdict(list)
    for row in rows:
        by_cell[row.cell].append(row)
    for own in by_cell.values():
        seeds = sorted(row.seed for row in own)
        wanted = [(s, s, s) for s in range(max(LEAST_SEEDS, len(seeds)))]
        if seeds != wanted:
            yield row_name(own[0]), "seeds", f"seeds are {', '.join(map(seed_name, seeds))}: they must be 0 to n - 1, at least {LEAST_SEEDS}, each once"


def _shared(rows: Sequence[Row], known: Iterable[Row]) -> Iterator[Finding]:
    """All methods of a task, noise and seed were tested on the same examples and trained on the same labels: as published rows were, else as most of these."""
    said: dict[tuple[Any, ...], list[tuple[bool, str, str]]] = defaultdict(list)
    for own, row in [*((False, row) for row in known), *((True, row) for row in rows)]:
        if row.status != "ok" or "task" not in row.config or "noise" not in row.config:
            continue
        task, noise = (json.dumps(row.config[axis], sort_keys=True) for axis in ("task", "noise"))
        places = {"test_digest": (task,), "train_digest": (task, row.seed[0], row.seed[1], noise), "noise_digest": (task, noise, row.seed[1])}
        for name, place in places.items():
            said[name, *place].append((own, row.provenance.get(name, ""), row_name(row)))
    for (name, *_), found in said.items():
        judges = [value for own, value, _ in found if not own] or [value for _, value, _ in found]
        usual = Counter(judges).most_common(1)[0][0]
        where = next(other for _, value, other in found if value == usual)
        yield from ((other, "digests", f"{name} is {value}, {where} has {usual}") for own, value, other in found if own and value != usual)


def read_rows(path: Path) -> tuple[list[Row], list[Finding]]:
    """The rows of a file or folder, and what of it is no row.

    Raises:
        DataError: there is no such file.
    """
    wrong = list[Finding]()
    if path.is_dir():
        pieces, wrong = _pieces(Store(path))
    elif not path.is_file():
        raise DataError(f"{path} does not exist: give a .json, .jsonl or .parquet file of rows, or a results folder")
    elif path.suffix == ".parquet":
        pieces = list(Archive(path).contents())
    elif path.suffix == ".jsonl":
        pieces = [(f"{path.name} line {at}", line) for at, line in enumerate(path.read_bytes().splitlines(), 1) if line.strip()]
    else:
        pieces = [(path.name, path.read_bytes())]
    rows = []
    for name, content in pieces:
        try:
            row = parse(content, Path(name))
        except (RowError, DataError) as error:
            wrong.append((name, "schema", str(error).partition(": it counts")[0].removeprefix(f"{name} ")))
            continue
        strange = [key for key, value in row.metrics.items() if not math.isfinite(value)]
        wrong += [(name, "schema", f"{key} is no number") for key in strange]
        rows.append(row)
    return rows, wrong


def _pieces(store: Store) -> tuple[list[tuple[str, bytes]], list[Finding]]:
    """Return the rows of a store as (name, text), and what of its files cannot be read."""
    pieces, wrong, read = list[tuple[str, bytes]](), list[Finding](), set[str]()
    for name, file in store.files().items():
        try:
            pieces.append((file.name, content_of(file, LARGEST)))
        except FileNotFoundError:  # a compaction has just moved it
            continue
        except (DataError, OSError) as error:
            wrong.append((file.name, "schema", f"cannot be read ({shown(str(error))})"))
        read.add(name)
    if archive := store.archive:
        pieces += [(name, content) for name, content in archive.contents() if name not in read]
    return pieces, wrong
