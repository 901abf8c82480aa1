"""Cells: a resolved task x noise x method x model x trainer, and how it is named and written on a command line."""

from __future__ import annotations

import functools
import re
import shlex
from collections.abc import Mapping, Sequence
from dataclasses import dataclass, field
from pathlib import Path
from typing import Any

from hydra.core.override_parser.types import Quote, QuotedString
from omegaconf import DictConfig, OmegaConf

from benchmark.config.build import default_of, parameters
from benchmark.config.identity import cell_id, contents_of
from benchmark.config.paper import SETTING, SETTINGS, bare, for_kind, is_plugin, published
from benchmark.config.registry import names, raw
from benchmark.core.errors import ConfigError, choices
from benchmark.core.paths import Paths
from benchmark.core.protocol import AXES
from benchmark.core.seeds import Seed

PLAIN = re.compile(r"[\w./:@ -]*", re.ASCII)  # words that Hydra's command line reads without quotes


@dataclass(frozen=True)
class Cell:
    """A resolved task x noise x method x model x trainer: names, configs, and what identifies them."""

    choice: Mapping[str, str]
    config: Mapping[str, Any]
    contents: Mapping[str, str] = field(default_factory=dict)  # sha256 of the user's own files, by the key that names them

    @functools.cached_property
    def id(self) -> str:
        """16 hex digits."""
        return cell_id(self.config, self.contents)

    @functools.cached_property
    def labels(self) -> dict[str, str]:
        """Each axis' name with what differs from its yaml: ``symmetric(rate=0.4)``."""
        facts = facts_of(self.choice, self.config)
        return {axis: label(axis, self.choice[axis], self.config[axis], facts) for axis in AXES}

    @property
    def overrides(self) -> list[str]:
        """What to say on the command line, beside the names, to get this configuration."""
        facts, out = facts_of(self.choice, self.config), list[str]()
        for axis in AXES:
            expected = _expected(axis, self.choice[axis], self.config[axis], default_of(axis, self.choice[axis]), facts)
            out += _overrides(self.config[axis], expected, axis, axis, facts)
        return out

    def __str__(self) -> str:
        return " ".join(self.labels[axis] for axis in AXES[:3])


def cell(config: DictConfig, chosen: Mapping[str, Any], words: Sequence[str] = ()) -> Cell:
    """Return the cell of a composed configuration.

    Args:
        config: what Hydra composed.
        chosen: Hydra's runtime choices.
        words: the overrides of the command line: what they name is not replaced by a default of the task type.
    """
    resolved = OmegaConf.to_container(OmegaConf.masked_copy(config, list(AXES)), resolve=True, throw_on_missing=True)
    assert isinstance(resolved, dict)
    configs = {str(axis): parameters(value) for axis, value in resolved.items()}
    data = Paths.of({"data": config.paths.data, "results": "", "cache": ""}).data if "paths" in config else None
    return settled({axis: str(chosen[axis]) for axis in AXES}, configs, words, data)


def facts_of(choice: Mapping[str, str], config: Mapping[str, Any]) -> dict[str, Any]:
    """Return what the rules of a ``paper`` and a ``by_kind`` block may ask about a cell."""
    return {"noise": choice["noise"], "task": choice["task"], "rate": config["noise"].get("rate"), "problem": config["task"].get("problem")}


def settled(choice: Mapping[str, str], config: Mapping[str, Any], words: Sequence[str] = (), data: Path | None = None) -> Cell:
    """Return the cell of resolved axes, its method's hyper-parameters as task type and ``method.setting`` say.

    Args:
        choice: name of the option of each axis.
        config: configuration of each axis.
        words: overrides, of which those of single keys win over the defaults of a task type and over the paper.
        data: folder of the user's data, where files of their own may lie; ``LABELNOISE_DATA`` by default.

    Raises:
        ConfigError: an unknown setting.
    """
    named = frozenset(word.partition("=")[0].lstrip("+") for word in words)
    method = _settled(choice["method"], config["method"], facts_of(choice, config), "method", named)
    configs = {**config, "method": method}
    return Cell(choice, configs, contents_of(configs, data or Paths.default().data))


def _settled(name: str, config: Mapping[str, Any], facts: Mapping[str, Any], where: str, named: frozenset[str]) -> dict[str, Any]:
    """Let keys that still have the yaml's value and are not ``named`` take the task type's or the paper's. ``setting=paper`` stays, ``default`` goes."""
    own = {key: _settled(_name_of(value, "method"), value, facts, f"{where}.{key}", named) if is_plugin(value) else value for key, value in config.items()}
    if own.get(SETTING, SETTINGS[0]) not in SETTINGS:
        raise ConfigError(f"{where}.{SETTING}={own[SETTING]!r} is unknown: {choices(own[SETTING], SETTINGS)}")
    default = default_of("method", name)
    chosen = _expected("method", name, own, default, facts)
    kept = {key for key in own if key == SETTING or f"{where}.{key}" in named}
    return bare({key: chosen[key] if key not in kept and value == default.get(key) else value for key, value in own.items()})


def _expected(axis: str, name: str, config: Mapping[str, Any], default: Mapping[str, Any], facts: Mapping[str, Any] | None) -> Mapping[str, Any]:
    """Return the values that an option stands for in a cell with these facts: its defaults, those of the task type, or what its paper chose there."""
    if axis != "method" or facts is None:
        return default
    where = f"conf/method/{name}.yaml"
    if config.get(SETTING) == "paper":
        return {**default, **published(raw("method", name).get("paper"), default, facts, where)}
    return {**default, **for_kind(raw("method", name).get("by_kind", {}), default, facts["problem"], where)}


def label(axis: str, name: str, config: Mapping[str, Any], facts: Mapping[str, Any] | None = None) -> str:
    """``name`` with the keys whose values differ from its yaml, e.g. ``symmetric(rate=0.4)``.

    With the ``facts`` of a cell, what a paper chose there is no difference: ``elr(setting=paper)`` is one name in every cell.
    """
    differs = _differences(config, _expected(axis, name, config, default_of(axis, name), facts), axis, facts)
    return f"{name}({', '.join(differs)})" if differs else name


def _differences(config: Mapping[str, Any], default: Mapping[str, Any], axis: str, facts: Mapping[str, Any] | None) -> list[str]:
    out = []
    for key, value in config.items():
        plain = default.get(key)
        if is_plugin(value):
            if not is_plugin(plain) or bare(value) != bare(plain):  # type: ignore[arg-type]
                out.append(f"{key}={label(axis, _name_of(value, axis), value, facts)}")
        elif value != plain:
            out.append(f"{key}={spelled(value, ' ')}")
    return out


def _overrides(config: Mapping[str, Any], default: Mapping[str, Any], axis: str, where: str, facts: Mapping[str, Any]) -> list[str]:
    out = []
    for key, value in config.items():
        plain = default.get(key)
        if is_plugin(value):
            name = _name_of(value, axis)
            same = isinstance(plain, Mapping) and plain.get("_target_") == value["_target_"]
            out += [] if same else [f"{axis}@{where}.{key}={name}"]
            inner: Mapping[str, Any] = plain if same else default_of(axis, name)  # type: ignore[assignment]
            out += _overrides(value, _expected(axis, name, value, inner, facts), axis, f"{where}.{key}", facts)
        elif value != plain:
            out.append(f"{where}.{key}={spelled(value)}")
    return out


def _name_of(config: Mapping[str, Any], axis: str) -> str:
    """The option whose yaml has this target; the first whose other keys agree best."""
    same = [n for n in names(axis) if raw(axis, n).get("_target_") == config["_target_"]]
    return min(same, key=lambda n: sum(config.get(k) != v for k, v in default_of(axis, n).items()))


def spelled(value: Any, gap: str = "") -> str:
    """A value as Hydra's command line reads it."""
    if isinstance(value, bool):
        return str(value).lower()
    if isinstance(value, Mapping):
        return "{" + f",{gap}".join(f"{key}:{gap}{spelled(item, gap)}" for key, item in value.items()) + "}"
    if isinstance(value, list):
        return "[" + f",{gap}".join(spelled(item, gap) for item in value) + "]"
    if isinstance(value, float):
        return repr(value).removesuffix(".0")
    if isinstance(value, str) and (not PLAIN.fullmatch(value) or value != value.strip()):
        return quoted(value)
    return "null" if value is None else str(value)


def quoted(value: str) -> str:
    """Return a text as Hydra's command line reads it, whatever characters it holds."""
    return str(QuotedString(value, Quote.single).with_quotes())


def command(cell: Cell, *runs: Seed) -> str:
    """Return the command line that makes the rows of these seeds again, each word quoted where a shell needs it."""
    devices = int(cell.config["trainer"].get("devices", 1))
    start = ["python"] if devices == 1 else ["torchrun", "--standalone", f"--nproc-per-node={devices}"]
    words = [f"{axis}={name}" for axis, name in cell.choice.items()] + cell.overrides
    return " ".join([shlex.join([*start, "-m", "benchmark", *words]), *([seeds_of(*runs)] if runs else [])])


def seeds_of(*runs: Seed) -> str:
    """Return the words of a command line that choose these seeds: one list where split, noise and training share them."""
    axes = dict(zip(("seeds", "seeds.noise", "seeds.train"), map(list, zip(*runs, strict=True)), strict=True))
    return shlex.join(f"{name}=[{','.join(map(str, values))}]" for name, values in axes.items() if name == "seeds" or values != axes["seeds"])
