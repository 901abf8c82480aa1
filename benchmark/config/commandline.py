"""Arguments of ``python -m benchmark``: made readable for Hydra, and checked before it reads them.

Hydra's own messages for a wrong name or key take many lines; these take one.
"""

from __future__ import annotations

import math
import re
import sys
from collections.abc import Mapping, Sequence
from typing import Any

from benchmark.config.cells import quoted
from benchmark.config.grid import default_model, parse, resolve, split, value_of
from benchmark.config.installed import check_installed
from benchmark.config.registry import PLUGIN_AXES, names, plugin, raw
from benchmark.core.errors import ConfigError, choices
from benchmark.core.protocol import AXES

GROUPS = (*AXES, "launcher", "experiment")
COMMANDS = {
    "data": "benchmark.commands.data:report",
    "status": "benchmark.commands.status:status",
    "plan": "benchmark.commands.status:plan",
    "verify": "benchmark.commands.verify:verify",
    "audit": "benchmark.commands.audit:audit",
    "leaderboard": "benchmark.commands.leaderboard:rebuild",
    "compact": "benchmark.commands.rows:compact",
    "gc": "benchmark.commands.gc:collect",
    "rows": "benchmark.commands.rows:show",
    "list": "benchmark.commands.catalog:list_plugins",
    "describe": "benchmark.commands.catalog:describe",
    "new-method": "benchmark.commands.catalog:new_method",
    "check": "benchmark.commands.catalog:check_method",
    "docs": "benchmark.commands.documents:documents",
    "claims": "benchmark.commands.claims:claims",
    "study": "benchmark.commands.study:study",
    "doctor": "benchmark.commands.doctor:check",
    "export": "benchmark.commands.export:export",
    "publish": "benchmark.commands.publish:publish",
    "wandb-sync": "benchmark.commands.wandb:sync",
    "wandb-report": "benchmark.commands.wandb:report",
    "noise-card": "benchmark.commands.noise_card:noise_card",
    "bench": "benchmark.bench:bench",
    "faults": "benchmark.bench.faults:faults",
    "tune": "benchmark.commands.tune:tune",
    "features": "benchmark.commands.features:compute",
}
MULTIRUN = ("-m", "--multirun")
LISTED = re.compile(r"^(seeds(?:\.\w+)?=)(\d+(?:,\d+)+)$", re.ASCII)
POSITIVE: dict[str, type] = {"jobs": int, "limits.seconds": float, "limits.memory_gb": float}
VALUES = {"on_existing": ("skip", "stale", "rerun"), "logger": ("none", "csv", "wandb"), "setting": ("default", "blind", "trials")}


def prepared(arguments: Sequence[str]) -> list[str]:
    """The arguments as Hydra reads them.

    ``seeds=0,1`` is the list of both, and ``seeds.noise=[7]`` sets an axis of the seeds. An entry with brackets, ``noise=symmetric(rate=0.4)``, goes to
    the sweeper in a sweep, because Hydra has no option of that name, and is spelt out for a single cell. A key of an axis,
    ``noise.rate=0.6``, goes to the sweeper in a sweep: the configuration that Hydra composes for the sweep itself may have another
    noise.

    Raises:
        ConfigError: an unknown group, option, key or value.
    """
    arguments = _literal([LISTED.sub(r"\1[\2]", argument) for argument in arguments])
    chosen = [value for key, _, value in (argument.lstrip("+").partition("=") for argument in arguments) if key == "experiment"]
    if "null" in chosen and len(chosen) > 1:
        raise ConfigError(f"experiment={' experiment='.join(chosen)} asks for two things: name one experiment, or none")
    sweep = is_sweep(arguments)
    out: list[str] = []
    extra: list[str] = []
    for argument in arguments:
        key, equals, value = argument.partition("=")
        if key.startswith("seeds."):
            out.append(f"seed_axes.{argument.removeprefix('seeds.')}")
        elif key in AXES and "(" in value and not value.startswith("'"):
            entries = ",".join(map(quoted, split(value)))
            out += [f"++hydra.sweeper.narrow.{key}=[{entries}]"] if sweep else parse(key, value)
        elif sweep and re.split(r"[.@]", key)[0] in AXES and key not in AXES:
            extra.append(argument)
        else:
            out.append(argument)
        if equals and not argument.startswith("-"):
            check(key, value)
    if extra:
        extra = [*_extra_of(arguments), *extra]
        out.append("hydra.sweeper.extra=[" + ",".join(map(quoted, extra)) + "]")
    if not sweep:
        _check_cell(out)
    elif not any(a in MULTIRUN or a.startswith("experiment=") for a in arguments):
        out.append("hydra.mode=MULTIRUN")
    words = [a for a in arguments if "=" not in a and not a.startswith("-")]
    if words:
        raise ConfigError(f"{words[0]!r} is no command: {choices(words[0], COMMANDS)}; a setting is written key=value")
    return out


def _literal(arguments: Sequence[str]) -> list[str]:
    """Put names of files and folders in quotes: they may hold whatever Hydra's grammar gives a meaning to.

    Raises:
        ConfigError: an argument that is no text.
    """
    words = [argument.partition("=") for argument in arguments]
    chosen = {key: value.partition("(")[0] for key, _, value in words if key in AXES}
    out = []
    for key, equals, value in words:
        if not f"{key}{value}".isprintable() and any("\ud800" <= letter <= "\udfff" for letter in key + value):
            raise ConfigError(f"{key}{equals}{value} is no text in the encoding of this terminal ({sys.getfilesystemencoding()}): rename the file")
        out.append(f"{key}{equals}{quoted(value) if _names_file(key, value, chosen) else value}")
    return out


def _names_file(key: str, value: str, chosen: Mapping[str, str]) -> bool:
    """Whether ``key=value`` says a name of a file or folder that is not yet in quotes, and reads nothing from elsewhere."""
    top, _, own = key.lstrip("+").partition(".")
    if value in ("", "null") or "${" in value or (value[0] in "'\"" and value[-1] == value[0]):
        return False
    if top == "paths":
        return True
    if top not in PLUGIN_AXES or value[0] in "[{" or value.partition(" ")[0] in ("true", "false"):
        return False
    options = [name for name in chosen.get(top, "").split(",") if name in names(top)]
    parameters = [plugin(top, raw(top, name).get("_target_")).parameters.get(own) for name in options]
    return any(parameter is not None and parameter.names_file for parameter in parameters)


def _extra_of(arguments: Sequence[str]) -> list[str]:
    """Keys that the experiment itself sets in every cell: what the command line adds comes after them."""
    name = dict(argument.partition("=")[::2] for argument in arguments).get("experiment", "null")
    return [] if name == "null" else list(raw("experiment", name).get("hydra", {}).get("sweeper", {}).get("extra", []))


def is_sweep(arguments: Sequence[str]) -> bool:
    """Whether the arguments ask for more than one cell, or for one whose keys a setting chooses."""
    return any(a in (*MULTIRUN, "setting=blind", "setting=trials") or a.startswith("experiment=") for a in arguments)


def check(key: str, value: str) -> None:
    """What can be told of ``key=value`` before anything is composed.

    Raises:
        ConfigError: an unknown group, option, key or value.
    """
    top, *below = re.split(r"[.@]", key.lstrip("+~"))
    known = {*raw_keys(), *GROUPS, "hydra"}
    if top not in known:
        raise ConfigError(f"{key} is unknown: {choices(top, known - {'hydra', 'seed_axes'})}")
    inner = raw("", "config").get("seed_axes" if top == "seeds" else top)
    if below and top not in (*GROUPS, "hydra") and (not isinstance(inner, Mapping) or below[0] not in inner):
        raise ConfigError(f"{top} has no key {below[0]!r}: {choices(below[0], inner if isinstance(inner, Mapping) else ())}")
    if not below and isinstance(inner, Mapping) and top not in (*GROUPS, "hydra", "seeds"):
        raise ConfigError(f"{key}={value} replaces {', '.join(inner)}: set one of them, such as {key}.{next(iter(inner))}=")
    if "_target_" in f"{key}={value}":
        _refuse_foreign(value_of(f"{key}={value}") if "{" in value else {"_target_": value}, top)
    if key in GROUPS:
        _check_names(key, value)
    elif key in VALUES and value not in VALUES[key]:
        raise ConfigError(f"{key}={value!r} is unknown: {choices(value, VALUES[key])}")
    elif key in POSITIVE and not _is_positive(value, POSITIVE[key]) and (value != "null" or key == "jobs"):
        raise ConfigError(f"{key}={value!r} is no positive {'integer' if POSITIVE[key] is int else 'number'}: give such as {key}=2")
    elif top == "paths" and value in ("", "null"):
        raise ConfigError(f"{key}={value} names no folder: give {key}=DIR")
    elif value == "":
        raise ConfigError(f"{key}= is empty: give a value, or {key}=null")


def _check_names(group: str, value: str) -> None:
    """Options of a group: they exist, and what they need is there."""
    if re.search(r"^,.|,\s*,|,$", value):
        raise ConfigError(f"{group}={value} has an empty entry: write {group}=NAME,NAME")
    for entry in split(value) or [""]:
        name = entry.strip("'\"").partition("(")[0]
        if name == "null":
            continue
        if name not in names(group):
            raise ConfigError(f"{group}={name!r} does not exist: {choices(name, names(group))}")
        if group == "launcher":
            check_installed(name)
        _refuse_foreign(raw(group, name), group)


def _refuse_foreign(value: Any, group: str) -> None:
    """Refuse a ``_target_`` that is no registered plugin of its group, wherever it stands: those of its own keys Hydra would call by itself."""
    if isinstance(value, Mapping):
        if "_target_" in value:
            plugin(group, value["_target_"])
        for item in value.values():
            _refuse_foreign(item, group)
    elif isinstance(value, list):
        for item in value:
            _refuse_foreign(item, group)


def _is_positive(value: str, kind: type) -> bool:
    try:
        return 0 < kind(value) < math.inf
    except ValueError:
        return False


def _check_cell(arguments: Sequence[str]) -> None:
    """Resolve every axis of a single cell, which names unknown keys."""
    given = {axis: [a for a in arguments if re.split(r"[.@=]", a)[0] == axis] for axis in AXES}
    defaults = {key: value for default in raw_defaults() for key, value in default.items()}
    task = next((a.partition("=")[2] for a in given["task"] if a.startswith("task=")), defaults["task"])
    defaults["model"] = default_model(task)
    for axis, own in given.items():
        named = [a for a in own if a.startswith(f"{axis}=")]
        resolve(axis, (*(named or [f"{axis}={defaults[axis]}"]), *(a for a in own if a not in named)))


def raw_keys() -> list[str]:
    """Top-level keys of ``conf/config.yaml``."""
    return [key for key in raw("", "config") if key != "defaults"]


def raw_defaults() -> list[dict[str, str]]:
    """The defaults list of ``conf/config.yaml``."""
    return [default for default in raw("", "config")["defaults"] if isinstance(default, dict)]
