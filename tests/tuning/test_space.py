"""What is tried: defaults and points of the space."""

from __future__ import annotations

from collections.abc import Mapping
from typing import Any

import numpy as np
import pytest
import torch
from support.tuned import POINT, PRODUCT, grid

from benchmark.config.build import NOT_PARAMETERS, build, load, option
from benchmark.config.grid import expand
from benchmark.config.registry import names, raw
from benchmark.core.errors import ConfigError
from benchmark.core.protocol import TRIALS
from benchmark.tuning import space
from benchmark.tuning.space import SHARED, Point, rescaled, trials, varied


@pytest.mark.parametrize("method", names("method"))
def test_trials_are_the_defaults_and_points_of_the_space(method: str) -> None:
    tried = trials(method)
    assert len(tried) == TRIALS
    assert tried[0] == Point()
    own = raw("method", method).get("space", {})
    for point in tried[1:]:
        assert set(point.keys) == set(own)
        for ranges, values in ((own, point.keys), (SHARED, point.trainer)):
            for key, value in values.items():
                allowed = ranges[key]
                assert value in allowed if isinstance(allowed, list) else allowed["low"] <= value <= allowed["high"]
                assert isinstance(value, str) or float(f"{value:.3g}") == value
    assert len({str(point) for point in tried}) == TRIALS


def test_trials_fill_the_space_and_depend_on_the_method_alone() -> None:
    lr = np.log10([point.trainer["lr"] for point in trials("elr")[1:]])
    assert [np.sum((lr >= low) & (lr < low + 0.5)) for low in (-1, -0.5, 0, 0.5)] in ([[3, 4, 4, 4], [4, 3, 4, 4], [4, 4, 3, 4], [4, 4, 4, 3]])
    before = trials("elr")
    trials.cache_clear()
    assert trials("elr") == before
    assert trials("elr", 3) == before[:3]
    assert trials("erm")[1].trainer != trials("mae")[1].trainer


def test_erm_is_searched_over_what_the_protocol_names() -> None:
    points = trials("erm")[1:]
    assert {(*point.trainer, *point.keys) for point in points} == {("lr", "weight_decay", "epochs", "label_smoothing")}
    smoothing = sorted(point.keys["label_smoothing"] for point in points)
    assert smoothing[0] < 0.03
    assert smoothing[-1] > 0.2
    cells = grid("trials", "erm").cells
    assert [cell.config["method"]["label_smoothing"] for cell in cells] == [0, *(point.keys["label_smoothing"] for point in points)]
    assert cells[0].id == grid("default", "erm").cells[0].id
    output, target = torch.tensor([[2.0, 0.0, -1.0], [0.5, 0.1, 3.0]]), torch.tensor([0, 1])
    smoothed, same = (build(load("method", name), "method") for name in ("erm", "label_smoothing"))
    smoothed.label_smoothing = same.eps = 0.3
    assert torch.equal(smoothed.loss(output, target), same.loss(output, target))
    assert torch.equal(smoothed.loss(output[:, :1], target), (output[:, 0] - target) ** 2)
    smoothed.label_smoothing = 0.0
    assert torch.equal(smoothed.loss(output, target), torch.nn.functional.cross_entropy(output, target, reduction="none"))


@pytest.mark.parametrize(
    ("block", "words"),
    [
        ({"p": [1, 2]}, "'?q"),
        ({"q": {"low": 1, "high": 0.5, "log": False}}, "no range"),
        ({"q": {"low": 0, "high": 1, "log": True}}, "no range"),
        ({"q": [0.7]}, "no range"),
        ({"q": [1, 2], "a": [1], "b": [1], "c": [1]}, "4 keys"),
    ],
)
def test_a_space_that_is_none_is_refused(block: Mapping[str, Any], words: str, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(space, "raw", lambda group, name: {"space": block})
    with pytest.raises(ConfigError, match=words) as caught:
        space.space("gce")
    assert "\n" not in str(caught.value)


def test_a_space_is_no_part_of_a_cell() -> None:
    assert not any(block in option("method", name) for name in names("method") for block in NOT_PARAMETERS)
    assert "paper" in raw("method", "elr")
    assert "space" in raw("method", "elr")
    assert "space" not in option("method", "sam")["base"]
    (plain,) = expand([PRODUCT | {"method": "elr", "trainer": "quick"}], {}, {}, []).cells
    assert plain.config["method"] == {"_target_": "benchmark.methods.regularization.elr.ELR", "lam": 3.0, "beta": 0.7}
    assert plain.labels["method"] == "elr"


def test_a_point_enters_the_entries_and_what_is_said_explicitly_stays() -> None:
    entries = varied({"task": "digits", "method": "gce", "trainer": "quick(epochs=10)"}, POINT)
    assert entries == {"task": "digits", "method": "gce(q=0.25)", "trainer": "quick(epochs=5, lr=0.006, weight_decay=1e-06)"}
    _, explicit = grid("blind", method="gce(q=0.9)").cells
    assert explicit.config["method"]["q"] == 0.9
    assert rescaled({"epochs": 1, "lr": 0.1, "weight_decay": 0.5}, {}) == {"epochs": 1, "lr": 0.1, "weight_decay": 0.5}
    assert rescaled({"epochs": 1, "lr": 0.1, "weight_decay": 0.5}, POINT.trainer)["epochs"] == 1
