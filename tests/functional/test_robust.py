"""Robust losses against formulas written once more in numpy, and what is constant about them."""

from __future__ import annotations

from functools import partial

import numpy as np
import pytest
import torch
from support.formulas import AT, CE, CLASSES, LOGITS, PROBABILITY, TARGET, UNITS, Case, check_formula, check_gradient, tensor
from torch.nn import functional as F  # noqa: N812

from benchmark import functional

CASES: dict[str, Case] = {
    "reverse_cross_entropy": (
        partial(functional.reverse_cross_entropy, log_zero=-4.0),
        (LOGITS, TARGET),
        -(PROBABILITY * np.where(np.eye(CLASSES)[TARGET] == 1, 0.0, -4.0)).sum(1),
    ),
    "normalized_cross_entropy": (functional.normalized_cross_entropy, (LOGITS, TARGET), CE / -np.log(PROBABILITY).sum(1)),
    "normalized_focal": (
        partial(functional.normalized_focal, gamma=0.5),
        (LOGITS, TARGET),
        ((1 - PROBABILITY) ** 0.5 * np.log(PROBABILITY))[AT, TARGET] / ((1 - PROBABILITY) ** 0.5 * np.log(PROBABILITY)).sum(1),
    ),
    "normalized_focal at 0": (partial(functional.normalized_focal, gamma=0.0), (LOGITS, TARGET), CE / -np.log(PROBABILITY).sum(1)),
    "bootstrapped soft": (
        partial(functional.bootstrapped, beta=0.95, hard=False),
        (LOGITS, TARGET),
        -((0.95 * np.eye(CLASSES)[TARGET] + 0.05 * PROBABILITY) * np.log(PROBABILITY)).sum(1),
    ),
    "bootstrapped hard": (
        partial(functional.bootstrapped, beta=0.8, hard=True),
        (LOGITS, TARGET),
        -((0.8 * np.eye(CLASSES)[TARGET] + 0.2 * np.eye(CLASSES)[PROBABILITY.argmax(1)]) * np.log(PROBABILITY)).sum(1),
    ),
    "bootstrapped at 1": (partial(functional.bootstrapped, beta=1.0, hard=False), (LOGITS, TARGET), CE),
    "bounded_cross_entropy": (functional.bounded_cross_entropy, (LOGITS,), -np.log(PROBABILITY + 1e-8)),
}


@pytest.mark.parametrize("name", CASES)
def test_equals_the_formula(name: str) -> None:
    check_formula(CASES[name])


@pytest.mark.parametrize("name", CASES)
def test_gradient_equals_differences(name: str) -> None:
    check_gradient(CASES[name])


def test_normalized_losses_sum_to_one_and_reverse_cross_entropy_to_a_constant() -> None:
    """The symmetry that makes active and passive losses robust."""
    logits = tensor(LOGITS)
    for loss, total in (
        (functional.normalized_cross_entropy, 1.0),
        (partial(functional.normalized_focal, gamma=0.5), 1.0),
        (partial(functional.reverse_cross_entropy, log_zero=-4.0), 4.0 * (CLASSES - 1)),
    ):
        found = sum(loss(logits, torch.full((UNITS,), k)) for k in range(CLASSES))
        np.testing.assert_allclose(found, total, rtol=1e-10)


def test_soft_bootstrap_is_cross_entropy_plus_entropy_with_its_gradient() -> None:
    logits, twin = tensor(LOGITS).requires_grad_(), tensor(LOGITS).requires_grad_()
    functional.bootstrapped(logits, tensor(TARGET), 0.9, hard=False).sum().backward()
    entropy = torch.distributions.Categorical(logits=twin).entropy()
    (0.9 * F.cross_entropy(twin, tensor(TARGET), reduction="none") + 0.1 * entropy).sum().backward()
    torch.testing.assert_close(logits.grad, twin.grad)


def test_detached_focal_weight_changes_the_gradient_alone() -> None:
    first, second = tensor(LOGITS).requires_grad_(), tensor(LOGITS).requires_grad_()
    values = [functional.normalized_focal(z, tensor(TARGET), 0.5, detach) for z, detach in ((first, False), (second, True))]
    torch.testing.assert_close(values[0], values[1])
    for value in values:
        value.sum().backward()
    assert first.grad is not None
    assert not torch.allclose(first.grad, second.grad)  # type: ignore[arg-type]
