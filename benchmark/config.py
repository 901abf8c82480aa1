"""From yaml to plugins: composing, checking and naming configurations.

A plugin exists when its yaml does. ``build`` is strict: an unknown key or a value of the wrong type is one
line that names the choices, and a ``_target_`` outside ``benchmark.`` and ``tasks.`` is refused.
"""

from __future__ import annotations

import copy
import functools
import importlib
import inspect
import re
import types
import typing
from collections.abc import Mapping
from dataclasses import dataclass
from typing import Any

from omegaconf import DictConfig, OmegaConf

from benchmark.declarations import NotDeclaredError, declared
from benchmark.errors import ConfigError, choices
from benchmark.identity import AXES, ROOT, cell_id
from benchmark.published import SETTINGS, published

CONF = ROOT / "conf"
PLAIN = re.compile(r"[\w./:@ -]*", re.ASCII)  # words that Hydra's command line reads without quotes
SETTING = "setting"  # of a method with a ``paper`` block: where its hyper-parameters come from; it leads, it is no parameter
NOT_PARAMETERS = ("space", "paper")  # of a method's yaml: what tuning may choose and what the paper chose; they are no part of a cell
TASK_KEYS = ("problem", "inputs", "subset", "rows", "features", "noise_features")  # what the engine reads of a task's yaml; the rest goes to its load()


@functools.cache
def names(group: str) -> list[str]:
    """Options of a config group: the yaml files that exist."""
    return sorted(path.stem for path in (CONF / group).glob("*.yaml"))


@functools.cache
def raw(group: str, name: str) -> Mapping[str, Any]:
    """A yaml as it stands in ``conf``.

    Raises:
        ConfigError: it does not exist.
    """
    path = CONF / group / f"{name}.yaml"
    if not path.is_file():
        raise ConfigError(f"{group}={name!r} does not exist: {choices(name, names(group))}")
    content = OmegaConf.to_container(OmegaConf.load(path))
    assert isinstance(content, dict)
    return {str(key): value for key, value in content.items()}


def option(group: str, name: str) -> dict[str, Any]:
    """A group's option without Hydra: its keys, with the options that its defaults list brings to packages of its own (``/method@base: erm``)."""
    return copy.deepcopy(dict(default_of(group, name)))


@functools.cache
def default_of(group: str, name: str) -> Mapping[str, Any]:
    """``option`` to read only: everybody gets the same object."""
    content = dict(raw(group, name))
    nested: dict[str, Any] = {}
    for default in content.pop("defaults", []):
        for key, value in default.items() if isinstance(default, Mapping) else ():
            if not key.startswith("override") and "@" in key:
                source, package = key.lstrip("/").split("@")
                nested[package] = dict(default_of(source, value)) | content.pop(package, {})
    return parameters(nested | content)  # in Hydra's order


def parameters(config: Mapping[str, Any]) -> dict[str, Any]:
    """A plugin's config without the blocks that are no parameters, those of nested plugins included."""
    return {
        str(key): parameters(value) if isinstance(value, Mapping) and "_target_" in value else value
        for key, value in config.items()
        if key not in NOT_PARAMETERS
    }


def target_of(config: Mapping[str, Any], where: str) -> str:
    """``_target_`` of a plugin.

    Raises:
        ConfigError: no target, or one outside the suite.
    """
    target = config.get("_target_")
    if not isinstance(target, str) or not target.startswith(("benchmark.", "tasks.")):
        raise ConfigError(f"{where}._target_={target!r} is refused: plugins live under benchmark. or tasks.")
    return target


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
    """The class or function that ``_target_`` names.

    Raises:
        ConfigError: no target, a target outside the suite, or one that does not exist.
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
    """Call ``_target_`` with the other keys; nested mappings with a ``_target_`` are built first. ``extra`` are not from yaml."""
    target = resolve_target(config, where)
    leading = ("_target_", SETTING) if where.partition(".")[0] == "method" else ("_target_",)
    given = {key: value for key, value in config.items() if key not in leading}
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
        if isinstance(value, Mapping) and "_target_" in value:
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
        name = getattr(hint, "__name__", None) if not typing.get_args(hint) else str(hint).replace("typing.", "")
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
    if origin is list:
        return isinstance(value, list) and all(_fits(item, inner[0]) for item in value)
    if isinstance(value, bool) and hint in (int, float):
        return False
    accepted = {float: (int, float), dict: Mapping, None: type(None)}
    kind = accepted.get(origin or hint, origin or hint)
    return isinstance(value, kind) if isinstance(kind, type | tuple) else True


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
    own = {key: _settled(_name_of(value, "method"), value, facts, f"{where}.{key}") if _is_plugin(value) else value for key, value in config.items()}
    if own.get(SETTING, "blind") not in SETTINGS:
        raise ConfigError(f"{where}.{SETTING}={own[SETTING]!r} is unknown: {choices(own[SETTING], SETTINGS)}")
    default = default_of("method", name)
    chosen = _expected("method", name, own, default, facts)
    return bare({key: chosen[key] if key != SETTING and value == default.get(key) else value for key, value in own.items()})


def bare(config: Mapping[str, Any]) -> dict[str, Any]:
    """A method's config as cells have it: without ``setting: blind``."""
    return {key: bare(value) if _is_plugin(value) else value for key, value in config.items() if (key, value) != (SETTING, "blind")}


def knows_noise(config: Mapping[str, Any]) -> bool:
    """Whether the hyper-parameters of a method, or of one inside it, were chosen by somebody who knew the noise."""
    return config.get(SETTING) == "paper" or any(knows_noise(value) for value in config.values() if _is_plugin(value))


def _expected(axis: str, name: str, config: Mapping[str, Any], default: Mapping[str, Any], facts: Mapping[str, Any] | None) -> Mapping[str, Any]:
    """The values that an option stands for in a cell with these facts: its defaults, or what its paper chose there."""
    if axis != "method" or facts is None or config.get(SETTING) != "paper":
        return default
    return {**default, **published(raw("method", name).get("paper"), default, facts, f"conf/method/{name}.yaml")}


def _is_plugin(value: Any) -> bool:
    return isinstance(value, Mapping) and "_target_" in value


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
        if _is_plugin(value):
            if not _is_plugin(plain) or bare(value) != bare(plain):  # type: ignore[arg-type]
                out.append(f"{key}={label(axis, _name_of(value, axis), value, facts)}")
        elif value != plain:
            out.append(f"{key}={_text(value, ' ')}")
    return out


def _overrides(config: Mapping[str, Any], default: Mapping[str, Any], axis: str, where: str, facts: Mapping[str, Any]) -> list[str]:
    out = []
    for key, value in config.items():
        plain = default.get(key)
        if _is_plugin(value):
            name = _name_of(value, axis)
            same = isinstance(plain, Mapping) and plain.get("_target_") == value["_target_"]
            out += [] if same else [f"{axis}@{where}.{key}={name}"]
            inner: Mapping[str, Any] = plain if same else default_of(axis, name)  # type: ignore[assignment]
            out += _overrides(value, _expected(axis, name, value, inner, facts), axis, f"{where}.{key}", facts)
        elif value != plain:
            out.append(f"{where}.{key}={_text(value)}")
    return out


def _name_of(config: Mapping[str, Any], axis: str) -> str:
    """The option whose yaml has this target; the first whose other keys agree best."""
    same = [n for n in names(axis) if raw(axis, n).get("_target_") == config["_target_"]]
    return min(same, key=lambda n: sum(config.get(k) != v for k, v in default_of(axis, n).items()))


def _text(value: Any, gap: str = "") -> str:
    """A value as Hydra's command line reads it."""
    if isinstance(value, Mapping):
        return "{" + f",{gap}".join(f"{key}:{gap}{_text(item, gap)}" for key, item in value.items()) + "}"
    if isinstance(value, list):
        return "[" + f",{gap}".join(_text(item, gap) for item in value) + "]"
    if isinstance(value, float):
        return repr(value).removesuffix(".0")
    if isinstance(value, str) and not PLAIN.fullmatch(value):
        return "'" + value.replace("'", "\\'") + "'"
    return "null" if value is None else str(value)


def load(group: str, name: str, **overrides: Any) -> Mapping[str, Any]:
    """An option's config with keys replaced, checked for existence. A nested plugin is replaced by name: ``base="elr"``."""
    config = option(group, name)
    for key, value in overrides.items():
        if key not in config:
            raise ConfigError(f"{group} {name} has no key {key!r}: {choices(key, [k for k in config if k != '_target_'])}")
        config[key] = option(group, value) if isinstance(config[key], Mapping) and isinstance(value, str) else value
    if group == "method" and knows_noise(config):
        raise ConfigError(f"method {name}: setting=paper depends on a cell's noise: run the cell with method.setting=paper, or give the keys themselves")
    return config
