"""A method can be told a wrong noise rate, or one that was estimated."""

from __future__ import annotations

from typing import Any

import numpy as np
import pytest
import torch
from cleanlab.count import compute_confident_joint
from support.tiny import PROBLEMS, run

from benchmark.board.frames import _privileged
from benchmark.config.build import build, load
from benchmark.core.errors import ConfigError
from benchmark.core.types import Observed
from benchmark.functional import confident_rate
from benchmark.methods.base import Method, set_up
from benchmark.running.conditions import Conditions
from benchmark.training.recipe import run_info


def config(rate: Any, base: str = "small_loss") -> dict[str, Any]:
    return dict(load("method", "known_rate", base=base, rate=rate))


@pytest.mark.parametrize("columns", [1, 3])
def test_the_estimate_is_that_of_cleanlabs_confident_joint(columns: int) -> None:
    rng = np.random.default_rng(0)
    k, n = (4, 400) if columns == 1 else (2, 600)
    given, column, live = rng.integers(0, k, n), np.arange(n) % columns, rng.random(n) < 0.9
    p = rng.dirichlet(np.ones(k), n) + 1.5 * np.eye(k)[np.where(rng.random(n) < 0.3, rng.integers(0, k, n), given)]
    p /= p.sum(1, keepdims=True)
    seen = Observed(torch.from_numpy(given), torch.arange(n), torch.from_numpy(column), torch.from_numpy(live))
    found = confident_rate(torch.from_numpy(p), seen, columns)
    for c in range(columns):
        at = live & (column == c)
        joint = compute_confident_joint(given[at], p[at], calibrate=False)
        np.testing.assert_allclose(found[c].numpy(), 1 - np.diag(joint) / joint.sum(1), atol=0.02)  # cleanlab raises an empty diagonal to 1


def test_a_class_that_nobody_is_sure_of_has_rate_zero() -> None:
    seen = Observed(torch.zeros(3, dtype=torch.long), torch.arange(3), torch.zeros(3, dtype=torch.long), torch.ones(3, dtype=torch.bool))
    assert confident_rate(torch.full((3, 2), 0.5), seen, 1).tolist() == [[0.0, 0.0]]  # class 1 has no label, and ties are its own class


@pytest.mark.parametrize("problem", PROBLEMS)
@pytest.mark.parametrize(("rate", "factor"), [(True, 1.0), ("x0.5", 0.5), ("x1.5", 1.5)])
def test_the_base_is_told_a_multiple(rate: Any, factor: float, problem: str, settings: dict[str, Conditions]) -> None:
    conditions, rates = settings[problem], []
    for content in (load("method", "small_loss"), config(rate)):
        method: Method = build(content, "method")
        set_up(method, run_info(conditions.data, conditions.recipe.settings, 4, 0, {"noise_rate": conditions.declared["noise_rate"]}))
        rates.append(getattr(method, "base", method).rate)
    assert torch.allclose(rates[1], (factor * rates[0]).clamp(max=0.95))


def test_a_true_rate_changes_no_bit_and_a_wrong_one_does(settings: dict[str, Conditions]) -> None:
    conditions = settings["multiclass"]
    plain, true, wrong = (run(c, conditions).evaluation.records[-1].predictions for c in (load("method", "small_loss"), config(True), config("x0.5")))
    assert plain == true != wrong


@pytest.mark.parametrize("problem", ["multiclass", "multilabel", "tagging"])
def test_an_estimate_needs_nobody_to_know_the_rate(problem: str, settings: dict[str, Conditions]) -> None:
    conditions = settings[problem]
    outcome = run(config("estimated"), conditions)
    epochs = conditions.recipe.settings.epochs
    assert outcome.method.needs == frozenset()
    price, forward = outcome.method.passes(epochs), sum(outcome.cost["forward"]) / (len(conditions.data.train) * epochs)
    assert forward == pytest.approx(price.forward, abs=0.02)
    rate = outcome.method.base.rate  # type: ignore[union-attr]
    assert bool(((rate >= 0) & (rate <= 0.95)).all())
    assert float(rate.max()) > 0


def test_an_estimate_is_no_privilege_on_the_board() -> None:
    assert _privileged(config("x0.5"), "known_rate") == "noise_rate"
    assert _privileged(config("estimated"), "known_rate") == ""


def test_what_cannot_be_is_one_line(settings: dict[str, Conditions]) -> None:
    with pytest.raises(ConfigError, match="ERM asks for no noise rate: wrap a method that does"):
        build(config("x0.5", base="erm"), "method")
    with pytest.raises(ConfigError, match=r"method\.rate=false is unknown"):
        build(config(False), "method")
    with pytest.raises(ConfigError, match=r"method\.rate=estimated needs classes, and this task is regression"):
        run(config("estimated"), settings["regression"])
