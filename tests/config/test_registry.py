"""What a name and an axis mean, and nothing else that could be imported."""

from __future__ import annotations

from pathlib import Path

import pytest

from benchmark.config import registry
from benchmark.config.registry import PLUGIN_AXES, names, plugin, plugins, raw
from benchmark.core.errors import ConfigError
from benchmark.core.protocol import AXES


@pytest.mark.parametrize("axis", PLUGIN_AXES)
def test_every_yaml_is_registered_under_the_name_of_its_class(axis: str) -> None:
    known = plugins(axis)
    assert {raw(axis, name)["_target_"] for name in names(axis)} == set(known)
    assert len({one.name for one in known.values()}) == len(known)
    presets = [one.name for one in known.values() if one.name not in names(axis)]
    assert presets == (["resnet"] if axis == "model" else [])  # no yaml has the class's own name
    assert all(one.version >= 1 for one in known.values())


def test_a_class_with_several_yamls_states_its_name() -> None:
    assert {plugin("model", raw("model", name)["_target_"]).name for name in ("resnet8", "resnet34", "preact_resnet18")} == {"resnet"}
    assert plugin("method", raw("method", "erm_long")["_target_"]).name == "erm"
    assert plugin("method", raw("method", "lsan")["_target_"]).name == "assume_negative"


def test_a_version_is_the_class_s_own_or_that_of_a_task_s_card(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    card = tmp_path / "card.yaml"
    monkeypatch.setattr(registry, "module_path", lambda name: tmp_path / "__init__.py")
    card.write_text("title: x\nversion: 3\n")
    assert registry._version("task", "tasks.digits.load", ["digits"]) == 3
    card.write_text("title: x\n")
    assert registry._version("task", "tasks.digits.load", ["digits"]) == 1


@pytest.fixture
def conf(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> Path:
    """Return a folder of yamls of a test's own."""
    (tmp_path / "model").mkdir()
    monkeypatch.setattr(registry, "CONF", tmp_path)
    for cache in (registry.names, registry.raw, registry.plugins, registry.renamed, registry.current_name):
        cache.cache_clear()
    yield tmp_path
    monkeypatch.undo()
    for cache in (registry.names, registry.raw, registry.plugins, registry.renamed, registry.current_name):
        cache.cache_clear()


def test_two_yamls_of_a_class_without_a_name_are_refused(conf: Path) -> None:
    for name in ("one", "two"):
        (conf / "model" / f"{name}.yaml").write_text("_target_: benchmark.models.mlp.MLP\n")
    with pytest.raises(ConfigError, match=r"benchmark\.models\.mlp\.MLP has the yamls one, two and states no name"):
        plugins("model")


def test_two_classes_of_one_name_are_refused(conf: Path) -> None:
    for name, target in (("resnet", "benchmark.models.mlp.MLP"), ("resnet8", "benchmark.models.resnet.ResNet"), ("resnet34", "benchmark.models.resnet.ResNet")):
        (conf / "model" / f"{name}.yaml").write_text(f"_target_: {target}\n")
    with pytest.raises(ConfigError, match="model 'resnet' names benchmark"):
        plugins("model")


def test_a_yaml_that_names_foreign_code_is_refused(conf: Path) -> None:
    (conf / "model" / "evil.yaml").write_text("_target_: os.system\n")
    with pytest.raises(ConfigError, match=r"conf/model/evil\.yaml: _target_='os\.system' is refused"):
        plugins("model")


def test_a_yaml_that_begins_with_an_underscore_is_no_option(conf: Path) -> None:
    (conf / "model" / "_base.yaml").write_text("a: 1\n")
    assert names("model") == []


def test_a_plugin_from_outside_is_named_after_its_distribution_or_its_package(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(registry.metadata, "packages_distributions", lambda: {"mine": ["my-methods"]})
    registry._prefix.cache_clear()
    assert [registry._prefix(f"{package}.x.Y") for package in ("mine", "folder", "benchmark", "tasks")] == ["my-methods:", "folder:", "", ""]
    registry._prefix.cache_clear()


@pytest.mark.parametrize("axis", ["trainer", "launcher", "experiment", "hydra", ""])
def test_other_groups_register_no_plugins(axis: str) -> None:
    with pytest.raises(ConfigError, match="is refused"):
        plugin(axis, "benchmark.methods.baseline.erm.ERM")


@pytest.mark.parametrize("group", [*AXES, "experiment", "launcher"])
def test_a_plugin_exists_when_its_yaml_does(group: str) -> None:
    assert names(group) == sorted(names(group))
    assert all(raw(group, name) for name in names(group))
