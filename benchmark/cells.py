"""Cells: a resolved task x noise x method x model x trainer, and how it is named and written on a command line."""

from __future__ import annotations

import functools
import re
from collections.abc import Mapping
from dataclasses import dataclass
from typing import Any

from omegaconf import DictConfig, OmegaConf

from benchmark.config import default_of, names, parameters, raw
from benchmark.errors import ConfigError, choices
from benchmark.identity import AXES, cell_id
from benchmark.published import SETTING, SETTINGS, bare, is_plugin, published

PLAIN = re.compile(r"[\w./:@ -]*", re.ASCII)  # words that Hydra's command line reads without quotes


@dataclass(frozen=True)
class Cell:
    """A resolved task x noise x method x model x trainer: names, configs, and what identifies them."""

    choice: Mapping[str, str]
    config: Mapping[str, Any]

    @functools.cached_property
    def id(self) -> str:
        """16 hex digits."""
        return cell_id(self.config)

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


def cell(config: DictConfig, chosen: Mapping[str, Any]) -> Cell:
    """The cell of a composed configuration; ``chosen`` are Hydra's runtime choices."""
    resolved = OmegaConf.to_container(OmegaConf.masked_copy(config, list(AXES)), resolve=True, throw_on_missing=True)
    assert isinstance(resolved, dict)
    return settled({axis: str(chosen[axis]) for axis in AXES}, {str(axis): parameters(value) for axis, value in resolved.items()})


def facts_of(choice: Mapping[str, str], config: Mapping[str, Any]) -> dict[str, Any]:
    """What the rules of a ``paper`` block may ask about a cell."""
    return {"noise": choice["noise"], "task": choice["task"], "rate": config["noise"].get("rate")}


def settled(choice: Mapping[str, str], config: Mapping[str, Any]) -> Cell:
    """The cell of resolved axes, its method's hyper-parameters as ``method.setting`` says.

    Raises:
        ConfigError: an unknown setting.
    """
    return Cell(choice, {**config, "method": _settled(choice["method"], config["method"], facts_of(choice, config), "method")})


def _settled(name: str, config: Mapping[str, Any], facts: Mapping[str, Any], where: str) -> dict[str, Any]:
    """Keys that still have the yaml's value take the paper's under ``setting=paper``, which stays; ``blind`` is no part of a cell."""
    own = {key: _settled(_name_of(value, "method"), value, facts, f"{where}.{key}") if is_plugin(value) else value for key, value in config.items()}
    if own.get(SETTING, "blind") not in SETTINGS:
        raise ConfigError(f"{where}.{SETTING}={own[SETTING]!r} is unknown: {choices(own[SETTING], SETTINGS)}")
    default = default_of("method", name)
    chosen = _expected("method", name, own, default, facts)
    return bare({key: chosen[key] if key != SETTING and value == default.get(key) else value for key, value in own.items()})


def _expected(axis: str, name: str, config: Mapping[str, Any], default: Mapping[str, Any], facts: Mapping[str, Any] | None) -> Mapping[str, Any]:
    """The values that an option stands for in a cell with these facts: its defaults, or what its paper chose there."""
    if axis != "method" or facts is None or config.get(SETTING) != "paper":
        return default
    return {**default, **published(raw("method", name).get("paper"), default, facts, f"conf/method/{name}.yaml")}


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
    if isinstance(value, str) and not PLAIN.fullmatch(value):
        return "'" + value.replace("'", "\\'") + "'"
    return "null" if value is None else str(value)
