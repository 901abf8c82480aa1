"""From yaml to plugins: reading, checking and building configurations.

A plugin exists when its yaml does. ``build`` is strict: an unknown key or a value of the wrong type is one
line that names the choices, and a ``_target_`` that no yaml registers is refused.
"""

from __future__ import annotations

import collections.abc
import copy
import functools
import importlib
import inspect
import types
import typing
from collections.abc import Mapping
from typing import Any

from benchmark.config.declarations import NotDeclaredError, declared
from benchmark.config.paper import SETTING, is_plugin, knows_noise
from benchmark.config.registry import plugin, raw
from benchmark.core.errors import ConfigError, choices

NOT_PARAMETERS = ("space", "paper", "by_kind")  # of a method's yaml: what tuning may choose, what the paper chose, and defaults for a task type
TASK_KEYS = ("problem", "inputs", "subset", "rows", "features", "noise_features")  # what the engine reads of a task's yaml; the rest goes to its load()


def option(group: str, name: str) -> dict[str, Any]:
    """A group's option without Hydra: its keys, with the options that its defaults list brings to packages of its own (``/method@base: erm``)."""
    return copy.deepcopy(dict(default_of(group, name)))


@functools.cache
def default_of(group: str, name: str) -> Mapping[str, Any]:
    """``option`` to read only: everybody gets the same object."""
    content = dict(raw(group, name))
    nested: dict[str, Any] = {}
    for default in content.pop("defaults", []):
        if isinstance(default, str) and default != "_self_":  # another yaml of the group, of which this one changes some keys
            nested |= default_of(group, default)
        for key, value in default.items() if isinstance(default, Mapping) else ():
            if not key.startswith("override") and "@" in key:
                source, package = key.lstrip("/").split("@")
                nested[package] = dict(default_of(source, value)) | content.pop(package, {})
    return parameters(nested | content)  # in Hydra's order


def parameters(config: Mapping[str, Any]) -> dict[str, Any]:
    """A plugin's config without the blocks that are no parameters, those of nested plugins included."""
    return {str(key): parameters(value) if is_plugin(value) else value for key, value in config.items() if key not in NOT_PARAMETERS}


def target_of(config: Mapping[str, Any], where: str) -> str:
    """Return ``_target_`` of a registered plugin.

    Args:
        config: configuration of the plugin.
        where: dotted key at which it stands; its first part is the axis.

    Raises:
        ConfigError: no yaml of the axis registers it.
    """
    return plugin(where.partition(".")[0].partition("@")[0], config.get("_target_")).target


def declaration(config: Mapping[str, Any], where: str, attribute: str) -> Any:
    """A class attribute of a plugin: read from its source, or from the class itself where it is no literal.

    Raises:
        ConfigError: the plugin is refused or does not exist.
    """
    try:
        return declared(target_of(config, where), attribute)
    except NotDeclaredError:
        return getattr(resolve_target(config, where), attribute)


def resolve_target(config: Mapping[str, Any], where: str) -> Any:
    """The class or function of a registered plugin.

    Raises:
        ConfigError: it is not registered, or cannot be imported.
    """
    target = target_of(config, where)
    module, _, attribute = target.rpartition(".")
    try:
        found = getattr(importlib.import_module(module), attribute)
    except (ImportError, AttributeError, SyntaxError) as error:
        raise ConfigError(f"{where}._target_={target} cannot be imported: {error}") from error
    if not callable(found):
        raise ConfigError(f"{where}._target_={target} is neither a class nor a function")
    return found


def build(config: Mapping[str, Any], where: str, **extra: Any) -> Any:
    """Build a registered plugin from its configuration; nested plugins are built first.

    Args:
        config: ``_target_`` and the arguments of the constructor.
        where: dotted key of the configuration, such as ``method`` or ``method.base``.
        extra: arguments that do not come from a yaml.

    Raises:
        ConfigError: see ``resolve_target`` and ``construct``.
    """
    leading = ("_target_", SETTING) if where.partition(".")[0] == "method" else ("_target_",)
    given = {key: value for key, value in config.items() if key not in leading}
    return construct(resolve_target(config, where), given, where, **extra)


def construct(target: Any, given: Mapping[str, Any], where: str, **extra: Any) -> Any:
    """Call a class or function with arguments from a yaml, each checked against its annotation.

    Args:
        target: what is called.
        given: arguments; a nested plugin is a mapping with a ``_target_``.
        where: dotted key at which they stand, for error lines.
        extra: arguments that do not come from a yaml.

    Raises:
        ConfigError: an unknown or missing key, or a value of the wrong type.
    """
    function = target.__init__ if inspect.isclass(target) else target
    parameters = {
        name: p
        for name, p in inspect.signature(function).parameters.items()
        if name != "self" and name not in extra and p.kind not in (p.VAR_POSITIONAL, p.VAR_KEYWORD)
    }
    unknown = [key for key in given if key not in parameters]
    if unknown:
        raise ConfigError(f"{where} has no key {unknown[0]!r}: {choices(unknown[0], parameters)}")
    hints = typing.get_type_hints(function)
    arguments = {}
    for key, value in given.items():
        if is_plugin(value):
            arguments[key] = build(value, f"{where}.{key}")
        else:
            arguments[key] = _checked(value, hints.get(key, Any), f"{where}.{key}")
    missing = [name for name, p in parameters.items() if p.default is p.empty and name not in arguments]
    if missing:
        raise ConfigError(f"{where}.{missing[0]} is missing: give {where}.{missing[0]}=")
    return target(**arguments, **extra)


def load_task_arguments(config: Mapping[str, Any]) -> dict[str, Any]:
    """What a task's ``load`` gets of its yaml: its own keys, and of the engine's those that it asks for (``problem`` where it serves several)."""
    asked = inspect.signature(resolve_target(config, "task")).parameters
    return {key: value for key, value in config.items() if key not in TASK_KEYS or key in asked}


def _checked(value: Any, hint: Any, where: str) -> Any:
    if typing.get_origin(hint) is typing.Literal and value not in typing.get_args(hint):
        raise ConfigError(f"{where}={value!r} is unknown: {choices(value, map(str, typing.get_args(hint)))}")
    if not _fits(value, hint):
        name = getattr(hint, "__name__", None) if not typing.get_args(hint) else str(hint).replace("typing.", "").replace("collections.abc.", "")
        raise ConfigError(f"{where}={value!r} has the wrong type: expected {name}, got {type(value).__name__}")
    return float(value) if hint is float else value


def _fits(value: Any, hint: Any) -> bool:
    if hint is Any:  # a class of its own, which isinstance refuses
        return True
    origin, inner = typing.get_origin(hint), typing.get_args(hint)
    if origin in (typing.Union, types.UnionType):
        return any(_fits(value, part) for part in inner)
    if origin is typing.Literal:
        return value in inner
    if origin in (list, collections.abc.Sequence):
        return isinstance(value, list) and all(_fits(item, inner[0]) for item in value)
    if isinstance(value, bool) and hint in (int, float):
        return False
    accepted = {float: (int, float), dict: Mapping, None: type(None)}
    kind = accepted.get(origin or hint, origin or hint)
    return isinstance(value, kind) if isinstance(kind, type | tuple) else True


def load(group: str, name: str, /, **overrides: Any) -> Mapping[str, Any]:
    """An option's config with keys replaced, checked for existence. A nested plugin is replaced by name: ``base="elr"``."""
    config = option(group, name)
    for key, value in overrides.items():
        if key not in config:
            raise ConfigError(f"{group} {name} has no key {key!r}: {choices(key, [k for k in config if k != '_target_'])}")
        config[key] = option(group, value) if isinstance(config[key], Mapping) and isinstance(value, str) else value
    if group == "method" and knows_noise(config):
        raise ConfigError(f"method {name}: setting=paper depends on a cell's noise: run the cell with method.setting=paper, or give the keys themselves")
    return config
