"""Losses against formulas written once more in numpy, at their limits and at extreme inputs."""

from __future__ import annotations

import itertools
from collections.abc import Callable
from functools import partial

import numpy as np
import pytest
import torch
from support.formulas import (
    AT,
    BINARY,
    BINARY_LOGIT,
    CE,
    CLASSES,
    INVERSE,
    LOGITS,
    NUMBER,
    PER_UNIT,
    PREDICTION,
    PROBABILITY,
    SOFT,
    TARGET,
    TRANSITION,
    UNITS,
    Case,
    check_formula,
    check_gradient,
    sigmoid,
    softmax,
    tensor,
)
from torch import Tensor
from torch.nn import functional as F  # noqa: N812

from benchmark import functional
from benchmark.functional.losses import log_likelihood

RNG = np.random.default_rng(8)
A, B = 2 * RNG.normal(size=(6, 4)), 2 * RNG.normal(size=(6, 4))
P, Q = RNG.dirichlet(np.ones(4), 6), RNG.dirichlet(np.ones(4), 6)


def asl_by_hand(z: np.ndarray, y: np.ndarray, negative: float, positive: float, margin: float) -> np.ndarray:
    p = sigmoid(z)
    q = np.minimum(1 - p + margin, 1)
    return np.where(y == 1, -((1 - p) ** positive) * np.log(p), -((1 - q) ** negative) * np.log(q))


def huber_by_hand(error: np.ndarray, delta: float) -> np.ndarray:
    return np.where(np.abs(error) <= delta, error**2 / 2, delta * (np.abs(error) - delta / 2))


CASES: dict[str, Case] = {
    "log_likelihood": (log_likelihood, (LOGITS, TARGET), -CE),
    "soft_cross_entropy": (functional.soft_cross_entropy, (LOGITS, SOFT), -(SOFT * np.log(PROBABILITY)).sum(1)),
    "gce": (partial(functional.gce, q=0.7), (LOGITS, TARGET), (1 - PROBABILITY[AT, TARGET] ** 0.7) / 0.7),
    "gce at 0": (partial(functional.gce, q=0.0), (LOGITS, TARGET), CE),
    "gce near 0": (partial(functional.gce, q=1e-9), (LOGITS, TARGET), CE),
    "gce at 1": (partial(functional.gce, q=1.0), (LOGITS, TARGET), 1 - PROBABILITY[AT, TARGET]),
    "mae of classes": (functional.mean_absolute_error, (LOGITS, TARGET), np.abs(PROBABILITY - np.eye(CLASSES)[TARGET]).sum(1)),
    "mae of numbers": (functional.mean_absolute_error, (PREDICTION, NUMBER), np.abs(PREDICTION[:, 0] - NUMBER)),
    "label_smoothing": (
        partial(functional.label_smoothing, eps=0.3),
        (LOGITS, TARGET),
        -((0.7 * np.eye(CLASSES)[TARGET] + 0.3 / CLASSES) * np.log(PROBABILITY)).sum(1),
    ),
    "label_smoothing at 0": (partial(functional.label_smoothing, eps=0.0), (LOGITS, TARGET), CE),
    "negative label_smoothing": (partial(functional.label_smoothing, eps=-0.4), (LOGITS, TARGET), 1.4 * CE + 0.4 * np.log(PROBABILITY).mean(1)),
    "forward_correction": (functional.forward_correction, (LOGITS, TARGET, TRANSITION), -np.log((PROBABILITY @ TRANSITION)[AT, TARGET])),
    "forward_correction per unit": (
        functional.forward_correction,
        (LOGITS, TARGET, PER_UNIT),
        -np.log(np.einsum("ui,uij->uj", PROBABILITY, PER_UNIT)[AT, TARGET]),
    ),
    "backward_correction": (functional.backward_correction, (LOGITS, TARGET, INVERSE), (INVERSE[TARGET] * -np.log(PROBABILITY)).sum(1)),
    "backward_correction per unit": (functional.backward_correction, (LOGITS, TARGET, PER_UNIT), (PER_UNIT[AT, TARGET] * -np.log(PROBABILITY)).sum(1)),
    "elr_regularizer": (functional.elr_regularizer, (PROBABILITY, 0.9 * SOFT), np.log(1 - (PROBABILITY * 0.9 * SOFT).sum(1))),
    "huber": (partial(functional.huber, delta=0.8), (PREDICTION, NUMBER), huber_by_hand(PREDICTION[:, 0] - NUMBER, 0.8)),
    "asymmetric_loss": (
        partial(functional.asymmetric_loss, gamma_negative=4.0, gamma_positive=1.0, margin=0.05),
        (BINARY_LOGIT, BINARY),
        asl_by_hand(BINARY_LOGIT, BINARY, 4.0, 1.0, 0.05),
    ),
}


@pytest.mark.parametrize("name", CASES)
def test_equals_the_formula(name: str) -> None:
    check_formula(CASES[name])


@pytest.mark.parametrize("name", [name for name in CASES if name != "asymmetric_loss"])  # its weight carries no gradient
def test_gradient_equals_differences(name: str) -> None:
    check_gradient(CASES[name])


@pytest.mark.parametrize("large", [1e2, 1e4])
def test_extreme_logits_give_finite_values_and_gradients(large: float) -> None:
    rows = torch.tensor([[large, -large, 0.0], [-large, large, large], [-large, -large, -large], [large, 0.0, large]])
    soft = torch.tensor([0.2, 0.3, 0.5]).expand(4, 3)
    transition = torch.tensor([[1.0, 0.0, 0.0], [0.5, 0.5, 0.0], [0.0, 1.0, 0.0]])  # zeros, and a class that nobody observes
    losses: list[Callable[[Tensor, Tensor], Tensor]] = [
        *(partial(functional.gce, q=q) for q in (0.0, 0.3, 0.7, 1.0)),
        functional.mean_absolute_error,
        partial(functional.label_smoothing, eps=0.1),
        partial(functional.forward_correction, transition=transition),
        partial(functional.forward_correction, transition=transition.expand(4, 3, 3)),
        partial(functional.backward_correction, inverse=torch.linalg.pinv(transition)),
        partial(functional.reverse_cross_entropy, log_zero=-4.0),
        functional.normalized_cross_entropy,
        *(partial(functional.normalized_focal, gamma=0.5, detach=detach) for detach in (False, True)),
        *(partial(functional.bootstrapped, beta=0.8, hard=hard) for hard in (False, True)),
        lambda output, target: functional.bounded_cross_entropy(output).sum(1),
        lambda output, target: functional.soft_cross_entropy(output, soft),
        lambda output, target: functional.elr_regularizer(output.softmax(1), soft),
    ]
    for loss in losses:
        for k in range(3):
            output = rows.clone().requires_grad_()
            value = loss(output, torch.full((4,), k))
            value.sum().backward()
            assert bool(value.isfinite().all())
            assert output.grad is not None
            assert bool(output.grad.isfinite().all())


@pytest.mark.parametrize("large", [1e2, 1e4])
def test_extreme_binary_logits_and_numbers_are_finite(large: float) -> None:
    for gammas in ((0.0, 0.0), (4.0, 1.0)):
        for margin in (0.0, 0.05):
            logit = torch.tensor([large, -large, large, -large]).requires_grad_()
            value = functional.asymmetric_loss(logit, torch.tensor([1, 1, 0, 0]), *gammas, margin)
            value.sum().backward()
            assert bool(value.isfinite().all())
            assert logit.grad is not None
            assert bool(logit.grad.isfinite().all())
    for loss in (functional.mean_absolute_error, partial(functional.huber, delta=1.0)):
        output = torch.tensor([[large], [-large], [0.0]]).requires_grad_()
        loss(output, torch.tensor([-large, -large, large])).sum().backward()
        assert output.grad is not None
        assert output.grad[:, 0].tolist() == [1.0, 0.0, -1.0]


def test_gce_is_bounded_by_one_over_q_and_decreases_in_q() -> None:
    values = [functional.gce(tensor(LOGITS), tensor(TARGET), q) for q in (0.0, 0.2, 0.5, 1.0)]
    assert all(bool((a > b).all()) for a, b in itertools.pairwise(values))
    assert float(functional.gce(torch.tensor([[-1e4, 1e4]]), torch.tensor([0]), 0.5)) == 2.0


def test_sum_of_mae_over_the_classes_is_constant() -> None:
    """The symmetry that makes it robust: sum_k loss(f, k) = 2 (K - 1) for any f."""
    total = sum(functional.mean_absolute_error(tensor(LOGITS), torch.full((UNITS,), k)) for k in range(CLASSES))
    np.testing.assert_allclose(total, 2 * (CLASSES - 1))


def test_label_smoothing_is_the_expected_loss_under_inclusive_noise() -> None:
    rate, logits = 0.35, tensor(LOGITS)
    of_class = torch.stack([F.cross_entropy(logits, torch.full((UNITS,), k), reduction="none") for k in range(CLASSES)], dim=1)
    chance = (1 - rate) * np.eye(CLASSES)[TARGET] + rate / CLASSES
    torch.testing.assert_close(functional.label_smoothing(logits, tensor(TARGET), rate), (tensor(chance) * of_class).sum(1))


def test_forward_correction_with_the_identity_is_cross_entropy() -> None:
    found = functional.forward_correction(tensor(LOGITS), tensor(TARGET), torch.eye(CLASSES, dtype=torch.float64))
    np.testing.assert_allclose(found, CE, rtol=1e-6)


def test_forward_correction_takes_one_matrix_or_one_per_unit() -> None:
    shared = functional.forward_correction(tensor(LOGITS), tensor(TARGET), tensor(TRANSITION))
    repeated = functional.forward_correction(tensor(LOGITS), tensor(TARGET), tensor(TRANSITION).expand(UNITS, -1, -1))
    torch.testing.assert_close(shared, repeated)
    mixed = functional.forward_correction(tensor(LOGITS), tensor(TARGET), tensor(PER_UNIT))
    for u in range(UNITS):
        alone = functional.forward_correction(tensor(LOGITS[u : u + 1]), tensor(TARGET[u : u + 1]), tensor(PER_UNIT[u]))
        torch.testing.assert_close(alone[0], mixed[u])


def test_backward_correction_is_unbiased() -> None:
    """Its expectation over the labels that T draws is the cross entropy of the right one."""
    of_label = torch.stack([functional.backward_correction(tensor(LOGITS), torch.full((UNITS,), j), tensor(INVERSE)) for j in range(CLASSES)], dim=1)
    expected = (tensor(TRANSITION)[tensor(TARGET)] * of_label).sum(1)
    np.testing.assert_allclose(expected, CE, rtol=1e-6)
    assert bool((of_label < 0).any())
    identity = functional.backward_correction(tensor(LOGITS), tensor(TARGET), torch.eye(CLASSES, dtype=torch.float64))
    np.testing.assert_allclose(identity, CE, rtol=1e-12)


def test_elr_regularizer_is_zero_without_memory_and_falls_with_agreement() -> None:
    p, memory = tensor(PROBABILITY), torch.zeros(UNITS, CLASSES, dtype=torch.float64)
    assert float(functional.elr_regularizer(p, memory).abs().max()) == 0.0
    agreeing, opposed = (functional.elr_regularizer(p, 0.9 * F.one_hot(k, CLASSES).double()) for k in (p.argmax(1), p.argmin(1)))
    assert bool((agreeing < opposed).all())


def test_huber_is_half_the_square_for_large_delta_and_absolute_for_small() -> None:
    error = PREDICTION[:, 0] - NUMBER
    np.testing.assert_allclose(functional.huber(tensor(PREDICTION), tensor(NUMBER), 1e3), error**2 / 2)
    np.testing.assert_allclose(functional.huber(tensor(PREDICTION), tensor(NUMBER), 1e-7) / 1e-7, np.abs(error), atol=1e-6)


def test_asymmetric_loss_without_focus_and_margin_is_binary_cross_entropy() -> None:
    logit = tensor(BINARY_LOGIT).requires_grad_()
    twin = tensor(BINARY_LOGIT).requires_grad_()
    found = functional.asymmetric_loss(logit, tensor(BINARY), 0.0, 0.0, 0.0)
    expected = F.binary_cross_entropy_with_logits(twin, tensor(BINARY).double(), reduction="none")
    found.sum().backward()
    expected.sum().backward()
    torch.testing.assert_close(found, expected)
    torch.testing.assert_close(logit.grad, twin.grad)


def test_weight_of_the_asymmetric_loss_carries_no_gradient() -> None:
    negative, positive, margin = 4.0, 1.0, 0.05
    logit = tensor(BINARY_LOGIT).requires_grad_()
    functional.asymmetric_loss(logit, tensor(BINARY), negative, positive, margin).sum().backward()
    p = sigmoid(BINARY_LOGIT)
    q = np.minimum(1 - p + margin, 1)
    of_negative = np.where(p > margin, (1 - q) ** negative * p * (1 - p) / q, 0)
    np.testing.assert_allclose(logit.grad, np.where(BINARY == 1, -((1 - p) ** (positive + 1)), of_negative), rtol=1e-8)


def test_soft_and_evaluated_losses() -> None:
    p, y = softmax(A), np.array([0, 1, 2, 3, 0, 1])
    np.testing.assert_allclose(functional.soft_loss(tensor(A), tensor(Q)), -(Q * np.log(p)).sum(1))
    np.testing.assert_allclose(functional.soft_loss(tensor(A[:, :1]), tensor(B[:, :1])), (A[:, 0] - B[:, 0]) ** 2)
    np.testing.assert_allclose(functional.prediction_loss(tensor(p), tensor(y)), -np.log(p[np.arange(6), y]))
    np.testing.assert_allclose(functional.prediction_loss(tensor(A[:, :1]), tensor(B[:, 0])), (A[:, 0] - B[:, 0]) ** 2)
    assert functional.prediction_loss(torch.zeros(1, 4), torch.tensor([-1])).isfinite().all()
