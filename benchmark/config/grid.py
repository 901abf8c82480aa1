"""A sweep as a list of cells: the union of products, without Hydra's composition.

``conf/experiment/*.yaml`` hold ``hydra.sweeper.grid``, a list of products such as

    - {task: digits, noise: [clean, symmetric(rate=0.4)], method: [erm, sam(base=elr)]}

An entry is an option's name with what differs from its yaml, as rows are labelled. A plain product cannot say
which noises go with which task. Unsupported pairs are dropped before anything is composed or loaded, duplicates
are removed, and task and noise vary slowest, so that a process loads each of them once.
"""

from __future__ import annotations

import functools
import itertools
import math
import re
from collections.abc import Callable, Iterable, Mapping, Sequence
from dataclasses import dataclass, field
from pathlib import Path
from typing import Any

from hydra.core.override_parser.overrides_parser import OverridesParser
from hydra.errors import HydraException

from benchmark.config.build import default_of, option
from benchmark.config.cells import Cell, label, settled
from benchmark.config.registry import names, raw
from benchmark.config.support import unsupported
from benchmark.core.errors import ConfigError, choices
from benchmark.core.protocol import AXES

ORDER = ("task", "noise", "trainer", "model", "method")  # slowest first


@dataclass(frozen=True)
class Grid:
    """Expanded products: the cells to run with the Hydra overrides that compose each, and why pairs were left out."""

    cells: list[Cell]
    overrides: dict[str, list[str]]  # by cell id
    skipped: list[str] = field(default_factory=list)
    variants: list[list[Cell]] = field(default_factory=list)  # what ``vary`` made of each entry of the products


def parse(axis: str, text: str) -> list[str]:
    """``symmetric(rate=0.4)`` -> ``["noise=symmetric", "noise.rate=0.4"]``.

    A nested plugin: ``sam(base=elr)`` -> ``["method=sam", "method@method.base=elr"]``.
    """
    return _parse(axis, axis, f"{axis}=", text)


def _parse(axis: str, where: str, selector: str, text: str) -> list[str]:
    name, bracket, inner = str(text).strip().partition("(")
    if name not in names(axis):
        raise ConfigError(f"{axis}={name!r} does not exist: {choices(name, names(axis))}")
    if bracket and not inner.endswith(")"):
        raise ConfigError(f"{axis}={text!r} lacks a closing bracket: write name(key=value, ...)")
    out = [f"{selector}{name}"]
    default = default_of(axis, name)
    for argument in split(inner.removesuffix(")")):
        key, equals, value = argument.partition("=")
        if not equals or key not in default:
            raise ConfigError(f"{axis} {name} has no key {key!r}: {choices(key, [k for k in default if k != '_target_'])}")
        if isinstance(default[key], Mapping) and "_target_" in default[key]:
            out += _parse(axis, f"{where}.{key}", f"{axis}@{where}.{key}=", value)
        else:
            out.append(f"{where}.{key}={value}")
    return out


def split(text: str) -> list[str]:
    """Entries of a list: split at the commas outside brackets and quotes."""
    parts, depth, quote, before, escaped = [""], 0, "", "", False
    for character in text:
        if quote:
            quote = "" if character == quote and not escaped else quote
        elif character in "'\"" and (before in ("", "=") or before in "([{,: "):
            quote = character
        else:
            depth += (character in "([{") - (character in ")]}")
        escaped = character == "\\" and not escaped
        before = character
        if not quote and character == "," and depth == 0:
            parts.append("")
        else:
            parts[-1] += character
    return [part.strip() for part in parts if part.strip()]


@functools.cache
def resolve(axis: str, overrides: tuple[str, ...]) -> tuple[str, Mapping[str, Any]]:
    """Name and config of one axis from its overrides, the first of which names the option. Equal to what Hydra composes."""
    name, config = "", dict[str, Any]()
    for override in overrides:
        path, _, text = override.partition("=")
        if path == axis:
            name, config = text, option(axis, text)
            continue
        group, at, package = path.partition("@")
        keys = (package if at else path).split(".")[1:]
        if not keys:
            raise ConfigError(f"{override} replaces no key of {axis}: write {axis}={text}")
        node: Any = config
        for key in keys[:-1]:
            node = node.get(key) if isinstance(node, Mapping) else None
        if not isinstance(node, dict):
            raise ConfigError(f"{override}: {'.'.join([axis, *keys[:-1]])} has no keys: set it as a whole")
        if keys[-1] not in node:
            raise ConfigError(f"{axis} {name} has no key {keys[-1]!r}: {choices(keys[-1], [k for k in node if k != '_target_'])}")
        node[keys[-1]] = option(group, text) if at else value_of(override)
        if isinstance(node[keys[-1]], float) and not math.isfinite(node[keys[-1]]):
            raise ConfigError(f"{override} is no finite number: give one, or null")
    return name, config


DIGITS = 300  # of a number: larger ones are infinite
NUMBER = re.compile(r"-?(0|[1-9]\d*)(\.\d+([eE][+-]?\d+)?)?", re.ASCII)


def value_of(override: str) -> Any:
    """The value of ``key=value`` as Hydra reads it. Plain numbers, which large grids are made of, need no grammar: it takes milliseconds.

    Raises:
        ConfigError: several values, or none that can be read.
    """
    text = override.partition("=")[2]
    if NUMBER.fullmatch(text) and len(text) <= DIGITS:
        return float(text) if "." in text else int(text)
    try:
        read = OverridesParser.create().parse_override(override)
    except (HydraException, ValueError, RecursionError) as error:
        raise ConfigError(f"{override} cannot be read ({str(error).splitlines()[0]}): close brackets, and put words with spaces or signs in quotes") from error
    if read.is_sweep_override():
        raise ConfigError(f"{override} sweeps over a setting that is no axis: run one sweep for each value")
    return read.value()


def default_model(task: str) -> str:
    """The model that a task's yaml brings."""
    for default in raw("task", task).get("defaults", []):
        if isinstance(default, Mapping):
            for key, value in default.items():
                if key.startswith("override /model"):
                    return str(value)
    raise ConfigError(f"conf/task/{task}.yaml names no model: add 'override /model@_global_.model: NAME' to its defaults")


Vary = Callable[[dict[str, str]], Sequence[Mapping[str, str]]]


def expand(
    products: Sequence[Mapping[str, Any]],
    narrow: Mapping[str, Sequence[str]],
    given: Mapping[str, str],
    extra: Sequence[str],
    vary: Vary = lambda entries: [entries],
    data: Path | None = None,
) -> Grid:
    """The cells of a grid.

    Args:
        products: per product and axis one entry or a list.
        narrow: entries asked for on the command line, by axis. Entries that some product names filter; one that no
            product names takes the place of the axis in every product, so that a new method runs on a known grid.
        given: options of the axes that neither names.
        extra: overrides of single keys (``noise.rate=0.6``) that apply to every cell.
        vary: what one choice of entries, by axis, becomes: itself, or the trials of a tuning.
        data: folder of the user's data, where files of their own may lie; ``LABELNOISE_DATA`` by default.
    """
    listed = {axis: {str(entry) for product in products for entry in _entries(product, axis)} for axis in AXES}
    chosen: list[tuple[str, ...]] = []
    for product in products or [{}]:
        named = {axis: _entries(product, axis) or [given.get(axis, "")] for axis in ORDER}
        chosen += itertools.product(*(_narrowed(axis, named[axis], narrow.get(axis, ()), listed[axis]) for axis in ORDER))
    cells, overrides, skipped = dict[str, Cell](), dict[str, list[str]](), dict[str, None]()
    variants: list[list[Cell]] = []
    for choice in chosen:
        variants.append([])
        for entries in vary(dict(zip(ORDER, choice, strict=True))):
            made, words = _cell(entries, extra, data)
            reason = unsupported(made)
            if reason:
                skipped[reason] = None
            else:
                variants[-1].append(cells.setdefault(made.id, made))
                overrides.setdefault(made.id, words)
    position: dict[str, dict[str, int]] = {axis: {} for axis in ORDER[:2]}
    for made in cells.values():
        for axis in ORDER[:2]:
            position[axis].setdefault(made.labels[axis], len(position[axis]))
    ordered = sorted(cells.values(), key=lambda c: [position[axis][c.labels[axis]] for axis in ORDER[:2]])
    return Grid(ordered, overrides, list(skipped), [tried for tried in variants if tried])


def _entries(product: Mapping[str, Any], axis: str) -> list[str]:
    if not isinstance(product, Mapping):
        raise ConfigError(f"a grid product is {product!r}: give a mapping of axes to entries, such as task: digits")
    unknown = [key for key in product if key not in AXES]
    if unknown:
        raise ConfigError(f"a grid product names {unknown[0]!r}: {choices(unknown[0], AXES)}")
    value = product.get(axis)
    if value is None:
        return []
    return [str(entry) for entry in (value if isinstance(value, Iterable) and not isinstance(value, str) else [value])]


def _narrowed(axis: str, entries: Sequence[str], wanted: Sequence[str], listed: set[str]) -> list[str]:
    """Entries of a product's axis after narrowing; a bare name stands for all entries of that option."""

    def same(entry: str, other: str) -> bool:
        return entry.partition("(")[0] == other or (bool(entry) and _label(axis, entry) == _label(axis, other))

    if not wanted:
        return list(entries)
    kept = [e for e in entries if any(same(e, w) for w in wanted)]
    return kept + [w for w in wanted if not any(same(e, w) for e in listed)]


@functools.cache
def _label(axis: str, entry: str) -> str:
    return label(axis, *resolve(axis, tuple(parse(axis, entry))))


def _cell(entries: Mapping[str, str], extra: Sequence[str], data: Path | None) -> tuple[Cell, list[str]]:
    choice, config, words = dict[str, str](), dict[str, Any](), list[str]()
    for axis in ORDER:
        entry = entries[axis]
        own = [text for text in extra if text.partition("=")[0].partition("@")[0].startswith(axis) and text[len(axis)] in ".@"]
        if axis == "model" and not entry:
            parsed, implied = [f"model={default_model(choice['task'])}"], True
        else:
            parsed, implied = parse(axis, entry), False
        choice[axis], config[axis] = resolve(axis, (*parsed, *own))
        words += parsed[1:] if implied else parsed
    return settled(choice, config, [*words, *extra], data), words
