"""Which units are selected, and the rates and priors that selection is told."""

from __future__ import annotations

import math
from fractions import Fraction

import numpy as np
import pytest
import torch
from support.formulas import tensor

from benchmark import functional
from benchmark.core.types import Observed

RNG = np.random.default_rng(8)


def selected(loss: np.ndarray, forget: np.ndarray, group: np.ndarray) -> list[bool]:
    mask = functional.small_loss(torch.from_numpy(loss), torch.from_numpy(forget), torch.from_numpy(group))
    found: list[bool] = mask.tolist()
    return found


def test_small_loss_keeps_the_smallest_of_every_group() -> None:
    rng = np.random.default_rng(5)
    loss, group = rng.normal(size=60), rng.integers(0, 4, 60)
    share = np.array([0.0, 0.25, 0.5, 1.0])
    found = np.array(selected(loss, share[group], group))
    for g in range(4):
        own = loss[group == g]
        keep = math.ceil((1 - share[g]) * len(own))
        assert sorted(own[found[group == g]]) == sorted(own)[:keep]


def test_small_loss_keeps_the_first_of_equal_losses() -> None:
    assert selected(np.ones(6), np.full(6, 0.5), np.zeros(6, dtype=np.int64)) == [True] * 3 + [False] * 3
    assert selected(np.ones(6), np.full(6, 0.5), np.array([1, 0, 1, 0, 1, 0])) == [True, True, True, True, False, False]


def test_small_loss_at_the_ends() -> None:
    loss, group = np.array([2.0, 1.0, 3.0]), np.array([0, 2, 2])  # no unit in group 1
    assert selected(loss, np.zeros(3), group) == [True] * 3
    assert selected(loss, np.ones(3), group) == [False] * 3
    assert selected(np.array([5.0]), np.array([0.9]), np.array([0])) == [True]
    assert selected(np.empty(0), np.empty(0), np.empty(0, dtype=np.int64)) == []


def test_small_loss_leaves_the_gradient_of_the_loss_alone() -> None:
    loss = torch.tensor([3.0, 1.0, 2.0]).requires_grad_()
    mask = functional.small_loss(loss, torch.full((3,), 0.5), torch.zeros(3, dtype=torch.long))
    loss[mask].sum().backward()
    assert loss.grad is not None
    assert loss.grad.tolist() == [0.0, 1.0, 1.0]


def count_kept(n: int, percent: int, dtype: torch.dtype) -> int:
    share = torch.full((n,), percent / 100, dtype=dtype)
    return int(functional.small_loss(torch.arange(n, dtype=torch.float32), share, torch.zeros(n, dtype=torch.long)).sum())


@pytest.mark.parametrize("dtype", [torch.float32, torch.float64])
@pytest.mark.parametrize("n", [1, 5, 10, 32, 100, 640, 2000])
def test_small_loss_counts_exactly_with_float_rates(n: int, dtype: torch.dtype) -> None:
    for percent in (0, 1, 10, 20, 28, 30, 45, 50, 71, 90, 99, 100):
        assert count_kept(n, percent, dtype) == math.ceil((1 - Fraction(percent, 100)) * n), f"{percent} % of {n}"


@pytest.mark.parametrize("percent", [28, 65, 90])
def test_small_loss_counts_exactly_in_large_groups(percent: int) -> None:
    assert count_kept(10_000, percent, torch.float32) == 10_000 - 100 * percent


def test_group_rates_are_one_mean_or_a_table() -> None:
    rate = torch.tensor([[0.1, 0.5], [0.2, 0.6], [0.3, 0.7]])
    target, column = torch.tensor([0, 1, 1, 0]), torch.tensor([0, 2, 1, 2])
    share, group = functional.group_rates(rate, target, column, per_class=False)
    torch.testing.assert_close(share, torch.full((4,), 0.4))
    assert group.tolist() == [0] * 4
    share, group = functional.group_rates(rate, target, column, per_class=True)
    torch.testing.assert_close(share, torch.tensor([0.1, 0.7, 0.6, 0.3]))
    assert group.tolist() == [0, 5, 3, 4]


def test_the_overall_rate_is_that_of_the_units_not_of_the_classes() -> None:
    rng = np.random.default_rng(0)
    given, live = rng.choice(3, 500, p=[0.7, 0.2, 0.1]), rng.random(500) < 0.9
    wrong = rng.random(500) < np.array([0.1, 0.5, 0.9])[given]
    rate = torch.tensor([[wrong[live & (given == k)].mean() for k in range(3)]])
    seen = Observed(torch.from_numpy(given), torch.arange(500), torch.zeros(500, dtype=torch.long), torch.from_numpy(live))
    assert float(functional.overall_rate(rate, seen)) == pytest.approx(wrong[live].mean())
    numbers = torch.tensor([[0.3]])  # of continuous targets
    assert functional.overall_rate(numbers, seen) is numbers


def test_group_rates_of_tokens_ignore_the_position() -> None:
    rate = torch.tensor([[0.1, 0.5, 0.9]])
    share, group = functional.group_rates(rate, torch.tensor([2, 0, 2]), torch.tensor([7, 3, 0]), per_class=True)
    torch.testing.assert_close(share, torch.tensor([0.9, 0.1, 0.9]))
    assert group.tolist() == [2, 0, 2]


def test_forget_schedule_rises_to_one_and_stays() -> None:
    values = [functional.forget_schedule(t, 200, 0.05) for t in range(200)]
    assert values[:11] == pytest.approx(np.arange(11) / 10)
    assert set(values[10:]) == {1.0}
    assert functional.forget_schedule(5, 200, 0.05, exponent=2.0) == 0.25
    assert functional.forget_schedule(0, 200, 0.0) == 1.0


def test_class_balanced_keeps_as_many_of_every_class() -> None:
    loss, target = RNG.random(60), np.r_[np.zeros(40), np.ones(15), np.full(5, 2)].astype(int)
    found = functional.class_balanced(tensor(loss), tensor(target), 0.5, 3).numpy()
    assert np.bincount(target[found]).tolist() == [10, 10, 5]
    for c in range(2):
        assert sorted(loss[(target == c) & found]) == sorted(loss[target == c])[:10]
    assert functional.class_balanced(torch.ones(4), torch.zeros(4, dtype=torch.long), 0.0, 2).sum() == 0
