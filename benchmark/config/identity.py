"""Identify a cell by names, never by places.

The id of a cell is the hash of its five plugins and the protocol version. A plugin is its registered name, its
version and those of its parameters that differ from the constructor's defaults; a nested plugin counts the same
way. A trainer is its fields alone, each left out at one neutral value, the default of ``TrainerSettings``. A file
of the user's own is its content, not its path. Paths, logger, launcher and seeds are not identity.
"""

from __future__ import annotations

import functools
import importlib
from collections.abc import Iterator, Mapping
from pathlib import Path
from typing import Any

from benchmark.config.declarations import Parameter, constructor, function_exists
from benchmark.config.paper import SETTING, is_plugin
from benchmark.config.registry import chosen_options, names, plugin, raw
from benchmark.core.digests import canonical_json, digest
from benchmark.core.files import NamedFile, sha256_of
from benchmark.core.protocol import AXES, PROTOCOL_VERSION

TRAINER = "benchmark.training.trainer.TrainerSettings"  # its defaults are the neutral values
ENGINE_KEYS = {"subset": None, "rows": None, "features": None, "noise_features": None}  # of a task, with their neutral values
NOT_IDENTITY = ("problem", "inputs")  # of a task, unless its load() asks for them: they describe it


def cell_id(configs: Mapping[str, Any], contents: Mapping[str, str] | None = None) -> str:
    """Return the id of a cell, 16 hex digits.

    Args and errors are those of ``cell_identity``.
    """
    return digest(cell_identity(configs, contents))


def cell_identity(configs: Mapping[str, Any], contents: Mapping[str, str] | None = None) -> dict[str, Any]:
    """Return what identifies a cell: the identity of each axis and the protocol version.

    Args:
        configs: resolved configuration of each axis; other keys do not count.
        contents: sha256 of the user's own files by the key that names them, such as ``task.path``.

    Raises:
        ConfigError: a configuration names no registered plugin.
    """
    of_files = contents or {}
    parts: dict[str, Any] = {axis: plugin_identity(axis, configs[axis], of_files) for axis in AXES[:4]}
    parts["trainer"] = _differing(configs["trainer"], constructor(TRAINER), "trainer", of_files)
    return parts | {"protocol": PROTOCOL_VERSION}


def plugin_identity(axis: str, config: Mapping[str, Any], contents: Mapping[str, str], where: str = "") -> dict[str, Any]:
    """Return what identifies a configured plugin: name, version, and the parameters that differ from the defaults.

    Args:
        axis: task, noise, method, model or encoder.
        config: resolved configuration with its ``_target_``.
        contents: see ``cell_id``.
        where: dotted key of the configuration; the axis itself by default.

    Raises:
        ConfigError: the configuration names no registered plugin of the axis.
    """
    known = plugin(axis, config.get("_target_"))
    parameters = known.parameters
    if axis == "task":
        parameters = dict(parameters) | {key: Parameter(neutral) for key, neutral in ENGINE_KEYS.items()}
        config = {key: value for key, value in config.items() if key in parameters or key not in NOT_IDENTITY}
    given = _differing(config, parameters, where or axis, contents, axis)
    for key, (other, option) in chosen_options(known.target, config).items():
        named = plugin_identity(other, raw(other, option), contents)
        if key in given or named["version"] > 1:
            given[key] = named
    return {"name": known.first_name, "version": known.version} | ({"with": given} if given else {})


def _differing(config: Mapping[str, Any], parameters: Mapping[str, Parameter], where: str, contents: Mapping[str, str], axis: str = "") -> dict[str, Any]:
    """Return the keys of a configuration whose values differ from the defaults, as identity has them."""
    out = {}
    for key, value in config.items():
        if key == "_target_":
            continue
        place = f"{where}.{key}"
        if is_plugin(value):
            out[key] = plugin_identity(axis, value, contents, place)
        elif key in ("features", "noise_features") and axis == "task" and value is not None:
            out[key] = _encoder_identity(str(value), contents, place)
        elif place in contents:
            out[key] = {"sha256": contents[place]}
        elif key == SETTING or _differs(value, parameters.get(key)):
            out[key] = _numbers(value)
    return out


def _differs(value: Any, parameter: Parameter | None) -> bool:
    if parameter is None or parameter.required:
        return True
    return canonical_json(_numbers(value)) != canonical_json(_numbers(parameter.default))


def _encoder_identity(name: str, contents: Mapping[str, str], where: str) -> dict[str, Any]:
    if name in names("encoder"):
        return plugin_identity("encoder", raw("encoder", name), contents, where)
    config = dict(raw("encoder", "transformer")) | {"backbone": name}
    return plugin_identity("encoder", config, {f"{where}.backbone": contents[where]} if where in contents else {}, where)


def contents_of(configs: Mapping[str, Any], data: Path) -> dict[str, str]:
    """Return the sha256 of every file or folder of the user's own that a configuration names, by its key.

    A value that names nothing that is there, such as an entry of a hub, is left out: it identifies itself.

    Args:
        configs: configuration by axis.
        data: folder in which relative paths are looked up after the working directory.
    """
    found = {}
    for axis, config in configs.items():
        if axis in AXES[:4]:
            for place, files in _named_files(axis, config, axis, data):
                if files:
                    found[place] = _content(files) if len(files) > 1 else sha256_at(files[0])
    return found


def foreign_files(axis: str, config: Mapping[str, Any], where: str = "") -> Iterator[str]:
    """Return the keys by which a configuration names a file, folder, address or hub entry that neither the default nor a yaml of the plugin names.

    Args:
        axis: task, noise, method or model.
        config: resolved configuration with its ``_target_``.
        where: dotted key of the configuration; the axis itself by default.

    Raises:
        ConfigError: the configuration names no registered plugin of the axis.
    """
    known = plugin(axis, config.get("_target_"))
    parameters, presets = known.parameters, [raw(axis, name) for name in names(axis) if raw(axis, name).get("_target_") == known.target]
    for key, value in config.items():
        place, parameter = f"{where or axis}.{key}", parameters.get(key)
        if is_plugin(value):
            yield from foreign_files(axis, value, place)
        elif key in ("features", "noise_features") and axis == "task":
            if value is not None and value not in names("encoder"):
                yield place
        elif isinstance(value, str) and parameter is not None and parameter.names_file:
            known_names = (parameter.default, *(preset.get(key) for preset in presets))
            yield from [place] * (value not in known_names)


def _named_files(axis: str, config: Mapping[str, Any], where: str, data: Path) -> Iterator[tuple[str, list[Path]]]:
    known = plugin(axis, config.get("_target_"))
    for key, value in config.items():
        place = f"{where}.{key}"
        parameter = known.parameters.get(key)
        if is_plugin(value):
            yield from _named_files(axis, value, place, data)
        elif isinstance(value, str) and "/" in value and key in ("features", "noise_features"):
            yield place, _there(value, data)
        elif isinstance(value, str) and parameter is not None and parameter.names_file:
            found = _there(value, data)
            module = known.target.rpartition(".")[0]
            if function_exists(module, "contents"):  # a task knows better what its data consist of
                named = NamedFile(key, value, found[0] if found else None, config, data)
                found = importlib.import_module(module).contents(named)
            yield place, found


def _there(name: str, data: Path) -> list[Path]:
    """Return the file or folder of this name, looked up in the working directory and then in ``data``, if it is there."""
    if not name:
        return []
    try:
        places = [base / Path(name).expanduser() for base in (Path.cwd(), data)]
        return [path for path in places if path.exists()][:1]
    except (OSError, ValueError, RuntimeError):  # a name that no file can have
        return []


def _content(files: list[Path]) -> str:
    """Return one digest of the contents of several files, in their order: a table says itself how its other files are called."""
    return digest([sha256_at(file) for file in files], length=64)


def sha256_at(path: Path) -> str:
    """Return the sha256 of a file or folder; a file that has not changed since is not read again in this process."""
    if path.is_dir():
        inside = [file for file in sorted(path.rglob("*")) if file.is_file()]
        return digest([(file.relative_to(path).as_posix(), sha256_at(file)) for file in inside], length=64)
    state = path.stat()
    return _hashed(path, state.st_size, state.st_mtime_ns)


@functools.lru_cache(maxsize=100_000)
def _hashed(path: Path, size: int, modified: int) -> str:
    del size, modified  # they are the key of the cache
    return sha256_of(path)


def _numbers(value: Any) -> Any:
    if type(value) in (str, int, bool, type(None)):  # most of them
        return value
    if isinstance(value, Mapping):
        return {str(key): _numbers(item) for key, item in value.items()}
    if isinstance(value, list | tuple):
        return [_numbers(item) for item in value]
    if isinstance(value, float) and value.is_integer():
        return int(value)
    return value
