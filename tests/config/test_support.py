"""Which pairs of plugins cannot run, and why."""

from __future__ import annotations

import pytest
from support.grids import grid, shown

from benchmark.config.build import load
from benchmark.config.cells import Cell
from benchmark.config.support import unsupported
from benchmark.core.errors import ConfigError


def test_unsupported_pairs_are_dropped_with_the_reason() -> None:
    product = {
        "task": ["digits", "diamonds", "newswire"],
        "noise": ["clean", "gaussian"],
        "method": ["erm", "gce", "huber", "asl", "sam(base=gce)"],
        "model": "mlp",
    }
    found = grid([product])
    assert shown(found) == [
        *(f"digits clean {method}" for method in ("erm", "gce", "sam(base=gce)")),
        *(f"diamonds {noise} {method}" for noise in ("clean", "gaussian") for method in ("erm", "huber")),
    ]
    assert set(found.skipped) == {
        "huber supports continuous, digits is categorical",
        "huber supports continuous, newswire is categorical",
        "asl supports multilabel, digits is multiclass",
        "asl supports multilabel, newswire is tagging",
        "asl supports categorical, diamonds is continuous",
        "gce supports categorical, diamonds is continuous",
        "sam supports categorical, diamonds is continuous",
        "gaussian serves regression, digits is multiclass",
        "gaussian serves regression, newswire is tagging",
        "mlp reads image and vector inputs, newswire has tokens inputs",
    }
    assert len(found.skipped) == len(set(found.skipped))


def test_yaml_overrides_decide_what_is_supported() -> None:
    def reason(method: str, problem: str) -> str | None:
        config = {axis: load(axis, name) for axis, name in (("noise", "clean"), ("model", "mlp"), ("trainer", "smoke"))}
        config |= {"task": load("task", "table", problem=problem), "method": load("method", method)}
        choice = {"task": "table", "noise": "clean", "method": method, "model": "mlp", "trainer": "smoke"}
        return unsupported(Cell(choice, config))

    assert reason("gce", "multiclass") is None
    assert reason("gce", "regression") == "gce supports categorical, table is continuous"
    assert reason("huber", "multiclass") == "huber supports continuous, table is categorical"
    with pytest.raises(ConfigError, match=r"task.problem='regresion' is unknown: did you mean 'regression'"):
        reason("gce", "regresion")
