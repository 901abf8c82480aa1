"""A yaml repeats its constructor's defaults: identity counts what differs from them."""

from __future__ import annotations

from typing import Any

import pytest

from benchmark.config.build import TASK_KEYS, default_of
from benchmark.config.declarations import constructor
from benchmark.config.identity import TRAINER
from benchmark.config.paper import SETTING, is_plugin
from benchmark.config.registry import PLUGIN_AXES, names, raw
from benchmark.core.paths import CONF


def lists(value: Any) -> Any:
    return [lists(item) for item in value] if isinstance(value, list | tuple) else value


@pytest.mark.parametrize(("axis", "name"), [(axis, name) for axis in PLUGIN_AXES for name in names(axis)])
def test_a_yaml_has_its_constructor_s_defaults_or_says_why_not(axis: str, name: str) -> None:
    config = default_of(axis, name)
    parameters = constructor(config["_target_"])
    lines = (CONF / axis / f"{name}.yaml").read_text(encoding="utf8").splitlines()
    for key, value in config.items():
        if key in ("_target_", SETTING) or is_plugin(value) or (axis == "task" and key in TASK_KEYS):
            continue
        assert not parameters[key].required, f"{axis} {name}: {key} has no default in the constructor"
        if lists(parameters[key].default) != value:
            (line,) = (line for line in lines if line.startswith(f"{key}:"))
            assert " # " in line, f"conf/{axis}/{name}.yaml: {key} is {value}, its constructor has {parameters[key].default}: say why behind a #"


def test_the_base_of_trainers_has_the_neutral_values() -> None:
    assert raw("trainer", "_base") == {key: parameter.default for key, parameter in constructor(TRAINER).items()}
