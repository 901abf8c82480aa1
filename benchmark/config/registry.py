"""Know which plugin a name and an axis mean.

A plugin exists when its yaml does. This is the only place that leads from a name to code: whatever is built
is a registered plugin of its axis, and no dotted path from anywhere else is imported.

The *name* of a plugin belongs to its class. A class with one yaml has that yaml's name; a class with several
states its own as ``plugin_name``, and its yamls are presets. Name, version and the parameters that differ from
the constructor's defaults identify a plugin, so it can move, be renamed in the code or gain a parameter
without a published row losing its cell.
"""

from __future__ import annotations

import functools
from collections.abc import Callable, Mapping
from dataclasses import dataclass
from importlib import metadata
from typing import Any

from benchmark.config.code import SUITE, module_path
from benchmark.config.declarations import NotDeclaredError, Parameter, constructor, declared, own_constant
from benchmark.core.errors import ConfigError, choices
from benchmark.core.paths import CONF
from benchmark.core.yamls import read_yaml

PLUGIN_AXES = ("task", "noise", "method", "model", "encoder")


@dataclass(frozen=True)
class Plugin:
    """A class or function of the suite that a yaml registers for an axis."""

    axis: str
    name: str  # identity: of the class, in the suite; with a prefix from outside
    target: str  # dotted name of the class, or of a task's function
    version: int  # raised when the plugin's numbers change on purpose

    @property
    def first_name(self) -> str:
        """Return the name under which the plugin's first rows were made: ``conf/renamed.yaml`` knows it."""
        return renamed(self.axis).get(self.name, self.name)

    @property
    def parameters(self) -> Mapping[str, Parameter]:
        """Return the parameters of its constructor."""
        return constructor(self.target)


@functools.cache
def names(group: str) -> list[str]:
    """Return the options of a configuration group: the yaml files that exist, without those that begin with an underscore."""
    return sorted(path.stem for path in (CONF / group).glob("*.yaml") if not path.stem.startswith("_"))


@functools.cache
def raw(group: str, name: str) -> Mapping[str, Any]:
    """Return a yaml as it stands in ``conf``.

    Args:
        group: configuration group, such as method.
        name: option, or the first name of one that was renamed.

    Raises:
        ConfigError: it does not exist.
    """
    path = CONF / group / f"{name}.yaml"
    if not path.is_file():
        raise ConfigError(f"{group}={name!r} does not exist: {choices(name, names(group))}")
    content = read_yaml(path)
    if not isinstance(content, dict):
        raise ConfigError(f"{path} holds no mapping of keys to values: correct it")
    return {str(key): value for key, value in content.items()}


@functools.cache
def renamed(axis: str) -> Mapping[str, str]:
    """Return the plugins of an axis that were renamed: today's name -> the one that identifies them."""
    path = CONF / "renamed.yaml"
    content = read_yaml(path) if path.is_file() else {}
    assert isinstance(content, dict)
    return content.get(axis) or {}


@functools.cache
def current_name(axis: str, name: str) -> str:
    """Return the name that an option has today: ``name`` itself, or what it was renamed to."""
    today = {first: now for now, first in renamed(axis).items()}
    return name if name in names(axis) else today.get(name, name)


@functools.cache
def plugins(axis: str) -> Mapping[str, Plugin]:
    """Return the registered plugins of an axis by their target.

    Raises:
        ConfigError: a class with several yamls states no name, or two classes have one name.
    """
    yamls: dict[str, list[str]] = {}
    for option in names(axis):
        target = raw(axis, option).get("_target_")
        if not isinstance(target, str) or not _is_ours(target):
            raise ConfigError(f"conf/{axis}/{option}.yaml: _target_={target!r} is refused: plugins live under benchmark. or tasks.")
        yamls.setdefault(target, []).append(option)
    found = {target: Plugin(axis, _name(axis, target, options), target, _version(axis, target, options)) for target, options in yamls.items()}
    owners: dict[str, str] = {}
    for plugin in found.values():
        other = owners.setdefault(plugin.name, plugin.target)
        if other != plugin.target:
            raise ConfigError(f"{axis} {plugin.name!r} names {other} and {plugin.target}: give one of them another name")
    return found


def plugin(axis: str, target: Any) -> Plugin:
    """Return the registered plugin that a configuration's ``_target_`` means.

    Raises:
        ConfigError: no yaml of the axis registers it.
    """
    known = plugins(axis) if axis in PLUGIN_AXES else {}
    if not isinstance(target, str) or target not in known:
        raise ConfigError(f"{axis}._target_={target!r} is refused: no yaml of conf/{axis} registers it")
    return known[target]


def named(axis: str, config: Mapping[str, Any]) -> dict[str, Any]:
    """Return a configuration as rows keep it: with names of plugins in place of the code that they are today."""
    return _with_targets(axis, config, lambda target: plugins(axis)[target].first_name if target in plugins(axis) else target)


def placed(axis: str, config: Mapping[str, Any]) -> dict[str, Any]:
    """Return a row's configuration with the code that its plugins' names mean today.

    A name that no yaml registers stays as it is, and is refused by whoever asks for the plugin.
    """
    if axis not in PLUGIN_AXES:
        return dict(config)
    return _with_targets(axis, config, lambda name: _targets(axis).get(name, name))


def _with_targets(axis: str, config: Mapping[str, Any], change: Callable[[Any], Any]) -> dict[str, Any]:
    out = {}
    for key, value in config.items():
        if key == "_target_":
            out[key] = change(value) if isinstance(value, str) else value
        else:
            out[key] = _with_targets(axis, value, change) if isinstance(value, Mapping) and "_target_" in value else value
    return out


@functools.cache
def _targets(axis: str) -> Mapping[str, str]:
    """Return what the names of an axis mean: those of today, and those that identify renamed plugins."""
    return {name: one.target for one in plugins(axis).values() for name in (one.first_name, one.name)}


def _is_ours(target: str) -> bool:
    return target.split(".", maxsplit=1)[0] in SUITE


def _name(axis: str, target: str, options: list[str]) -> str:
    stated = None if axis == "task" else own_constant(target, "plugin_name", None)
    if len(options) > 1 and stated is None:
        raise ConfigError(f"{target} has the yamls {', '.join(options)} and states no name: give the class plugin_name = NAME")
    return _prefix(target) + (stated or options[0])


@functools.cache
def _prefix(target: str) -> str:
    """Return what begins the name of a plugin from outside: its distribution, or its package where none is installed."""
    package = target.split(".", maxsplit=1)[0]
    if package in SUITE:
        return ""
    return f"{metadata.packages_distributions().get(package, [package])[0]}:"


def _version(axis: str, target: str, options: list[str]) -> int:
    if axis == "task":
        card = module_path(target.rpartition(".")[0]).with_name("card.yaml")
        content: Any = read_yaml(card) if card.is_file() else {}
        return int(content.get("version", 1))
    try:
        return int(declared(target, "version"))
    except NotDeclaredError:
        return 1
