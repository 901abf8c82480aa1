"""The rules of a headline: tasks before settings, every setting, an interval that leaves 0 out, one half-width."""

from __future__ import annotations

from collections.abc import Mapping

import numpy as np
import pandas as pd
import pytest

from benchmark.stats.standing import EARLY, bounded, common_half_width, standing

PLACE = {"model": "mlp", "trainer": "quick"}
Gains = Mapping[tuple[str, str, str], list[float]]


def frame(gains: Gains, sign: int = 1, base: float = 0.5) -> pd.DataFrame:
    """Runs whose gains over erm are given by task, noise and method, one for each seed."""
    lines = []
    for (task, noise, method), values in gains.items():
        for seed, gain in enumerate(values):
            cell = {"task": task, "noise": noise, "seed": str(seed), "sign": sign, **PLACE}
            lines.append({**cell, "method": method, "score": sign * base + gain})
            lines.append({**cell, "method": "erm", "score": sign * base})
    return pd.DataFrame(lines).drop_duplicates(["task", "noise", "seed", "method"])


def test_settings_are_averaged_before_tasks() -> None:
    made = {("a", f"symmetric(rate=0.{k})", "gce"): [0.3, 0.3, 0.3] for k in (1, 2, 3)}
    found = standing(frame({**made, ("b", "recorded", "gce"): [0.1, 0.1, 0.1]}))
    assert found.means["gce"].value == pytest.approx(20)  # over settings it would be 25
    assert (found.tasks, found.settings) == (("a", "b"), 4)


def test_a_method_that_lacks_a_setting_has_no_mean_and_no_place() -> None:
    gains = {("a", noise, "gce"): [0.1, 0.1, 0.11] for noise in ("x", "y")}
    found = standing(frame({**gains, ("a", "x", "elr"): [0.3, 0.3, 0.31]}))
    assert list(found.means) == ["gce"]
    assert found.incomplete == {"elr": 1}
    assert found.best == "gce"
    assert found.cells[("a", "x", "mlp", "quick"), "elr"].value == pytest.approx(30.33, abs=0.01)


def test_a_larger_mean_whose_interval_holds_0_makes_no_headline() -> None:
    noisy, sure = [0.5, -0.1, 0.2], [0.05, 0.051, 0.052]
    found = standing(frame({("a", "x", "wild"): noisy, ("a", "x", "sure"): sure}))
    assert list(found.means) == ["wild", "sure"]
    assert found.best == "sure"


def test_a_control_never_leads() -> None:
    found = standing(frame({("a", "x", name): [0.1, 0.1, 0.11] for name in (EARLY, "erm_ensemble")}))
    assert found.best is None
    assert set(found.means) == {EARLY, "erm_ensemble"}


def test_right_labels_are_in_no_mean_and_among_the_cells() -> None:
    found = standing(frame({("a", "clean", "gce"): [-0.1, -0.1, -0.11], ("a", "x", "gce"): [0.1, 0.1, 0.11]}))
    assert found.means["gce"].value == pytest.approx(10.33, abs=0.01)
    assert found.cells[("a", "clean", "mlp", "quick"), "gce"].high < 0


def test_a_method_with_fewer_seeds_does_not_shorten_the_others() -> None:
    found = standing(frame({("a", "x", "gce"): [0.1, 0.1, 0.13], ("a", "x", "elr"): [0.2, 0.21]}))
    assert (found.means["gce"].n, found.means["elr"].n) == (3, 2)


def test_what_is_as_good_as_the_best_is_decided_at_one_half_width() -> None:
    gains = {"best": [0.20, 0.21, 0.22], "near": [0.19, 0.20, 0.22], "far": [0.05, 0.06, 0.05]}
    found = standing(frame({("a", "x", name): values for name, values in gains.items()}))
    assert (found.best, found.tied) == ("best", ("near",))


def test_errors_gain_per_cent_of_the_error_of_plain_training() -> None:
    found = standing(frame({("a", "x", "mae"): [50.0, 50.0, 51.0]}, sign=-1, base=200.0))
    assert found.means["mae"].value == pytest.approx(25.17, abs=0.01)


@pytest.mark.parametrize(("error", "values"), [(False, [99.0, 80.0, 20.0]), (True, [99.0, 90.0, 60.0]), (True, [-300.0, 90.0, 0.0])])
def test_intervals_hold_the_mean_and_stay_possible(error: bool, values: list[float]) -> None:
    found = bounded(np.array(values), error)
    assert found.low < np.mean(values) < found.high <= 100
    assert error or found.low >= -100


def test_small_gains_have_the_usual_interval() -> None:
    found = bounded(np.array([1.0, 1.1, 1.2]), error=False)
    assert (found.low, found.high) == (pytest.approx(1.1 - 0.2484, abs=2e-3), pytest.approx(1.1 + 0.2484, abs=2e-3))


def test_the_half_width_is_that_of_two_way_residuals() -> None:
    scores = np.array([[1.0, 2.0], [2.0, 5.0]])  # residuals are +-.5, one degree of freedom: variance 1
    assert common_half_width(scores) == pytest.approx(12.706, abs=1e-3)
    assert np.isnan(common_half_width(scores[:1]))
