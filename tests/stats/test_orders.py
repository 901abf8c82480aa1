"""Orders of methods: what other tasks and other labels make of them, critical differences, fronts."""

from __future__ import annotations

import numpy as np
import pandas as pd
import pytest
from scipy.stats import spearmanr, studentized_range

from benchmark.stats.orders import cliques, critical_difference, label_sensitivity, nemenyi, pareto_front, rank_transfer, spearman


def test_spearman_and_transfer() -> None:
    rng = np.random.default_rng(0)
    x, y = rng.integers(0, 5, 12), rng.integers(0, 5, 12)
    assert spearman(x, y) == pytest.approx(spearmanr(x, y).statistic)
    assert np.isnan(spearman(np.ones(4), np.arange(4)))
    z = pd.DataFrame([[1, 2, 3, 4], [4, 3, 2, 1], [1, 2, 3, 4.5]], index=["cheap", "dear", "cheapest"], columns=list("abcd"))
    found = rank_transfer(z, pd.Series({"cheap": 2.0, "dear": 9.0, "cheapest": 1.0}))
    assert found is not None
    assert found.tasks == ["cheapest", "cheap", "dear"]
    assert found.correlation[0].tolist() == [1, 1, -1]
    assert found.halves.value == -1
    assert rank_transfer(z.iloc[:1], pd.Series({"cheap": 2.0})) is None
    assert rank_transfer(z[["a", "b"]], pd.Series({"cheap": 2.0, "dear": 9.0, "cheapest": 1.0})) is None


def test_other_test_labels_that_reverse_the_order_are_found() -> None:
    lines = [
        {
            "task": "t",
            "noise": "n",
            "model": "m",
            "trainer": "q",
            "labels": labels,
            "method": method,
            "seed": seed,
            "score": at + 0.01 * seed,
            "other": sign * at,
        }
        for labels, sign in (("corrected", 1), ("votes", -1))
        for at, method in enumerate("abc")
        for seed in range(3)
    ]
    found = label_sensitivity(pd.DataFrame(lines)).set_index("labels")
    assert found["tau"].to_dict() == {"corrected": 1, "votes": -1}
    assert found.loc["votes", ["first", "first_other", "shift"]].tolist() == ["c", "a", -2]
    assert found.loc["corrected", "shift"] == 0


@pytest.mark.parametrize("methods", [2, 3, 7, 30, 60])
def test_critical_differences_are_those_of_the_studentized_range(methods: int) -> None:
    assert nemenyi(methods) == pytest.approx(studentized_range.ppf(0.95, methods, np.inf) / np.sqrt(2), abs=1e-5)
    assert critical_difference(methods, 40) == pytest.approx(critical_difference(methods, 10) / 2)


def test_groups_hold_all_that_are_close_and_none_is_inside_another() -> None:
    ranks = np.array([1.0, 1.2, 2.0, 2.1, 4.0])
    found = cliques(ranks, 0.95)
    assert found == [(0, 1), (1, 3)]
    close = {(i, j) for i in range(5) for j in range(i + 1, 5) if ranks[j] - ranks[i] <= 0.95}
    assert close == {(i, j) for first, last in found for i in range(first, last + 1) for j in range(i + 1, last + 1)}
    assert cliques(ranks, 0.05) == []


def test_pareto_front() -> None:
    quality, cost = np.array([1.0, 2.0, 2.0, 0.5, 3.0]), np.array([1.0, 2.0, 3.0, 1.0, 4.0])
    assert pareto_front(quality, cost).tolist() == [True, True, False, False, True]
    assert pareto_front(np.array([1.0, 1.0]), np.array([1.0, 1.0])).all()
