"""Strict building of plugins from their yamls, and names that lead back to the same configuration."""

from __future__ import annotations

import functools
import importlib
from collections.abc import Mapping
from typing import Any

import pytest
import torch

from benchmark.config.build import build, construct, load, option, resolve_target
from benchmark.config.registry import names
from benchmark.core.errors import ConfigError
from benchmark.core.protocol import AXES
from benchmark.methods.regularization.elr import ELR
from benchmark.methods.regularization.sam import SAM
from benchmark.models.base import InputShape
from benchmark.noise.class_conditional import Asymmetric, Symmetric
from benchmark.training.trainer import TrainerSettings

SETTINGS = {"epochs": 3, "batch_size": 8, "optimizer": "adam", "lr": 0.1}


def refused(config: Mapping[str, Any], where: str, **extra: Any) -> str:
    """Return the one line that refuses a configuration."""
    make = functools.partial(construct, TrainerSettings) if where == "trainer" else build
    with pytest.raises(ConfigError) as caught:
        make(config, where, **extra)
    assert "\n" not in str(caught.value)
    return str(caught.value)


@pytest.mark.parametrize("axis", AXES[:4])
def test_every_target_can_be_imported(axis: str) -> None:
    for name in names(axis):
        assert callable(resolve_target(option(axis, name), axis))


def test_an_option_that_does_not_exist_is_refused_with_the_nearest() -> None:
    with pytest.raises(ConfigError, match=r"method='samm' does not exist: did you mean 'sam'\? choices: .*elr"):
        option("method", "samm")
    with pytest.raises(ConfigError, match="noise gaussian has no key 'rate': choices: per_sample, scale, unit"):
        load("noise", "gaussian", rate=0.2)


def test_options_are_copies() -> None:
    before = option("model", "mlp")
    option("model", "mlp")["hidden"].append(1)
    option("method", "sam")["base"]["lam"] = 9
    assert option("model", "mlp") == before
    assert "lam" not in option("method", "sam")["base"]
    assert load("model", "mlp", hidden=[8])["hidden"] == [8]
    assert option("model", "mlp") == before


def test_defaults_of_an_option_come_in_their_package() -> None:
    assert option("method", "sam")["base"] == option("method", "erm")
    assert "defaults" not in option("method", "sam")
    assert "model" not in option("task", "digits")  # an override of another group is no key


def test_values_reach_the_constructor() -> None:
    noise = build(load("noise", "symmetric", rate=0.35), "noise")
    assert isinstance(noise, Symmetric)
    assert noise.rate == 0.35
    settings = construct(TrainerSettings, SETTINGS | {"clip": None}, "trainer")
    assert settings == TrainerSettings(3, 8, "adam", 0.1)


def test_integers_become_floats_where_floats_are_expected() -> None:
    lr = construct(TrainerSettings, SETTINGS | {"lr": 1}, "trainer").lr
    assert (lr, type(lr)) == (1.0, float)


@pytest.mark.parametrize(
    ("key", "hint"),
    [
        ("raet", r"noise has no key 'raet': did you mean 'rate'? choices: rate"),
        ("xyz", "noise has no key 'xyz': choices: rate"),
        ("self", "noise has no key 'self'"),
    ],
)
def test_an_unknown_key_is_refused_with_the_nearest(key: str, hint: str) -> None:
    assert refused(option("noise", "pairflip") | {key: 0.2}, "noise").startswith(hint)


@pytest.mark.parametrize(
    ("key", "value", "hint"),
    [
        ("lr", "high", "trainer.lr='high' has the wrong type: expected float, got str"),
        ("lr", True, "trainer.lr=True has the wrong type: expected float, got bool"),
        ("lr", None, "trainer.lr=None has the wrong type: expected float, got NoneType"),
        ("lr", [0.1], "trainer.lr=[0.1] has the wrong type: expected float, got list"),
        ("epochs", 3.0, "trainer.epochs=3.0 has the wrong type: expected int, got float"),
        ("epochs", False, "trainer.epochs=False has the wrong type: expected int, got bool"),
        ("epochs", "3", "trainer.epochs='3' has the wrong type: expected int, got str"),
        ("optimizer", "adamm", "trainer.optimizer='adamm' is unknown: did you mean 'adam'? choices: adam, adamw, sgd"),
        ("schedule", 1, "trainer.schedule=1 is unknown: choices: constant, cosine, linear"),
        ("clip", "1", "trainer.clip='1' has the wrong type: expected float | None, got str"),
        ("clip", True, "trainer.clip=True has the wrong type: expected float | None, got bool"),
    ],
)
def test_a_value_of_the_wrong_type_is_refused(key: str, value: Any, hint: str) -> None:
    assert refused(SETTINGS | {key: value}, "trainer") == hint


@pytest.mark.parametrize("value", [None, 1, 1.5])
def test_unions_accept_each_of_their_types(value: Any) -> None:
    assert construct(TrainerSettings, SETTINGS | {"clip": value}, "trainer").clip == value


@pytest.mark.parametrize("value", ["64", 64, [64, "32"], [64, True], [64.0], {"a": 1}, None])
def test_lists_are_checked_inside(value: Any) -> None:
    extra = {"inputs": InputShape((4,), torch.float32), "outputs": 2}
    assert build(load("model", "mlp", hidden=[8, 4]), "model", **extra).head.in_features == 4
    assert refused(load("model", "mlp") | {"hidden": value}, "model", **extra).startswith("model.hidden=")


@pytest.mark.parametrize("value", ["444", 4, [4, "4"], [4, True], None])
def test_sequences_are_lists_of_their_type(value: Any) -> None:
    assert build(load("method", "late_stopping", rounds=[1, 2]), "method").rounds == [1, 2]
    config = option("method", "late_stopping") | {"rounds": value}
    assert refused(config, "method").startswith(f"method.rounds={value!r} has the wrong type: expected Sequence[int]")


def test_mappings_without_a_target_are_values() -> None:
    noise = build(load("noise", "asymmetric", mapping={"cat": "dog"}), "noise")
    assert isinstance(noise, Asymmetric)
    assert noise.mapping == {"cat": "dog"}
    assert refused(load("noise", "asymmetric") | {"mapping": 3}, "noise").startswith("noise.mapping=3 has the wrong type: expected str | dict[str, str]")


def test_missing_values_are_named() -> None:
    assert refused({"_target_": "benchmark.methods.regularization.sam.SAM"}, "method") == "method.base is missing: give method.base="
    assert refused({"_target_": "benchmark.methods.regularization.sam.SAM", "rho": 0.1}, "method").startswith("method.base is missing")


UNREGISTERED = [
    *("os.system", "builtins.eval", "torch.nn.Linear", "benchmarks.x.Y", "tasksx.y", "", None, 3),
    *("benchmark.methods.none.Thing", "benchmark.methods.regularization.elr.Thing", "benchmark.", "benchmark.core.files.os.system", "tasks.none"),
    *("benchmark.methods.regularization.elr", "benchmark.core.files.os", "benchmark.config.grid.expand", "tasks.digits.load", "benchmark.models.mlp.MLP"),
]


@pytest.mark.parametrize("target", UNREGISTERED)
def test_what_no_yaml_of_the_axis_registers_is_refused_and_not_imported(target: Any, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(importlib, "import_module", lambda name: pytest.fail(f"{name} was imported"))
    assert refused({"_target_": target}, "method") == f"method._target_={target!r} is refused: no yaml of conf/method registers it"


def test_a_configuration_without_target_is_refused() -> None:
    assert "is refused" in refused({"rate": 0.2}, "noise")


def test_nested_plugins_are_built_first_and_checked() -> None:
    config = option("method", "sam") | {"base": load("method", "elr", lam=5)}
    method = build(config, "method")
    assert isinstance(method, SAM)
    assert isinstance(method.base, ELR)
    assert method.base.lam == 5.0
    assert refused(config | {"base": config["base"] | {"lan": 5}}, "method").startswith("method.base has no key 'lan': did you mean 'lam'")
    assert refused(config | {"base": config["base"] | {"lam": "5"}}, "method") == "method.base.lam='5' has the wrong type: expected float, got str"
    assert "is refused" in refused(config | {"base": {"_target_": "os.system"}}, "method")
    assert refused(config | {"base": "elr"}, "method").startswith("method.base='elr' has the wrong type: expected Method")


def test_values_that_are_not_from_yaml_cannot_be_given_there() -> None:
    extra = {"inputs": InputShape((4,), torch.float32), "outputs": 2}
    assert refused(load("model", "linear") | {"outputs": 7}, "model", **extra).startswith("model has no key 'outputs'")


class Untyped:
    """A plugin whose author writes no types."""

    def __init__(self, q=0.7, *rest, name: Any = "x", **more):  # type: ignore[no-untyped-def]
        self.q, self.name = q, name


def test_parameters_without_a_type_take_any_value() -> None:
    made = construct(Untyped, {"q": [1], "name": True}, "method")
    assert (made.q, made.name) == ([1], True)
    with pytest.raises(ConfigError, match="method has no key 'more'"):
        construct(Untyped, {"more": 1}, "method")
