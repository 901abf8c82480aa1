"""The shared mathematics against formulas written once more in numpy, at their limits and at extreme inputs."""

from __future__ import annotations

import itertools
import math
from collections.abc import Callable
from fractions import Fraction
from functools import partial
from typing import Any

import numpy as np
import pytest
import torch
from torch import Tensor
from torch.nn import functional as F  # noqa: N812

from benchmark import functional
from benchmark.core.types import Observed
from benchmark.data.problems import MultiLabel
from benchmark.functional.losses import log_likelihood
from benchmark.methods.robust_loss.asl import ASL
from benchmark.methods.step import Batch, Passes, Step
from benchmark.models.base import InputShape
from benchmark.models.linear import Linear

UNITS, CLASSES = 7, 5
RNG = np.random.default_rng(3)
LOGITS = 3 * RNG.normal(size=(UNITS, CLASSES))
TARGET = np.array([0, 1, 2, 3, 4, 0, 2])
SOFT = RNG.dirichlet(np.ones(CLASSES), UNITS)
TRANSITION = RNG.dirichlet(np.ones(CLASSES), CLASSES)
INVERSE = np.linalg.inv(TRANSITION)
SCALED = np.arange(1.0, 6.0)[:, None] * TRANSITION
PER_UNIT = RNG.dirichlet(np.ones(CLASSES), (UNITS, CLASSES))
PREDICTION, NUMBER = 2 * RNG.normal(size=(UNITS, 1)), RNG.normal(size=UNITS)
BINARY_LOGIT, BINARY = 2 * RNG.normal(size=(UNITS, 3)), RNG.integers(0, 2, (UNITS, 3))
AT = np.arange(UNITS)


def tensor(array: np.ndarray) -> Tensor:
    return torch.from_numpy(np.array(array))


def softmax(z: np.ndarray) -> np.ndarray:
    e = np.exp(z - z.max(1, keepdims=True))
    return e / e.sum(1, keepdims=True)


def sigmoid(z: np.ndarray) -> np.ndarray:
    return 1 / (1 + np.exp(-z))


P = softmax(LOGITS)
CE = -np.log(P[AT, TARGET])


def asl_by_hand(z: np.ndarray, y: np.ndarray, negative: float, positive: float, margin: float) -> np.ndarray:
    p = sigmoid(z)
    q = np.minimum(1 - p + margin, 1)
    return np.where(y == 1, -((1 - p) ** positive) * np.log(p), -((1 - q) ** negative) * np.log(q))


def huber_by_hand(error: np.ndarray, delta: float) -> np.ndarray:
    return np.where(np.abs(error) <= delta, error**2 / 2, delta * (np.abs(error) - delta / 2))


CASES: dict[str, tuple[Callable[..., Tensor], tuple[Any, ...], np.ndarray]] = {
    "log_likelihood": (log_likelihood, (LOGITS, TARGET), -CE),
    "soft_cross_entropy": (functional.soft_cross_entropy, (LOGITS, SOFT), -(SOFT * np.log(P)).sum(1)),
    "gce": (partial(functional.gce, q=0.7), (LOGITS, TARGET), (1 - P[AT, TARGET] ** 0.7) / 0.7),
    "gce at 0": (partial(functional.gce, q=0.0), (LOGITS, TARGET), CE),
    "gce near 0": (partial(functional.gce, q=1e-9), (LOGITS, TARGET), CE),
    "gce at 1": (partial(functional.gce, q=1.0), (LOGITS, TARGET), 1 - P[AT, TARGET]),
    "mae of classes": (functional.mean_absolute_error, (LOGITS, TARGET), np.abs(P - np.eye(CLASSES)[TARGET]).sum(1)),
    "mae of numbers": (functional.mean_absolute_error, (PREDICTION, NUMBER), np.abs(PREDICTION[:, 0] - NUMBER)),
    "label_smoothing": (
        partial(functional.label_smoothing, eps=0.3),
        (LOGITS, TARGET),
        -((0.7 * np.eye(CLASSES)[TARGET] + 0.3 / CLASSES) * np.log(P)).sum(1),
    ),
    "label_smoothing at 0": (partial(functional.label_smoothing, eps=0.0), (LOGITS, TARGET), CE),
    "negative label_smoothing": (partial(functional.label_smoothing, eps=-0.4), (LOGITS, TARGET), 1.4 * CE + 0.4 * np.log(P).mean(1)),
    "forward_correction": (functional.forward_correction, (LOGITS, TARGET, TRANSITION), -np.log((P @ TRANSITION)[AT, TARGET])),
    "forward_correction per unit": (
        functional.forward_correction,
        (LOGITS, TARGET, PER_UNIT),
        -np.log(np.einsum("ui,uij->uj", P, PER_UNIT)[AT, TARGET]),
    ),
    "backward_correction": (functional.backward_correction, (LOGITS, TARGET, INVERSE), (INVERSE[TARGET] * -np.log(P)).sum(1)),
    "backward_correction per unit": (functional.backward_correction, (LOGITS, TARGET, PER_UNIT), (PER_UNIT[AT, TARGET] * -np.log(P)).sum(1)),
    "reverse_cross_entropy": (
        partial(functional.reverse_cross_entropy, log_zero=-4.0),
        (LOGITS, TARGET),
        -(P * np.where(np.eye(CLASSES)[TARGET] == 1, 0.0, -4.0)).sum(1),
    ),
    "normalized_cross_entropy": (functional.normalized_cross_entropy, (LOGITS, TARGET), CE / -np.log(P).sum(1)),
    "normalized_focal": (
        partial(functional.normalized_focal, gamma=0.5),
        (LOGITS, TARGET),
        ((1 - P) ** 0.5 * np.log(P))[AT, TARGET] / ((1 - P) ** 0.5 * np.log(P)).sum(1),
    ),
    "normalized_focal at 0": (partial(functional.normalized_focal, gamma=0.0), (LOGITS, TARGET), CE / -np.log(P).sum(1)),
    "bootstrapped soft": (
        partial(functional.bootstrapped, beta=0.95, hard=False),
        (LOGITS, TARGET),
        -((0.95 * np.eye(CLASSES)[TARGET] + 0.05 * P) * np.log(P)).sum(1),
    ),
    "bootstrapped hard": (
        partial(functional.bootstrapped, beta=0.8, hard=True),
        (LOGITS, TARGET),
        -((0.8 * np.eye(CLASSES)[TARGET] + 0.2 * np.eye(CLASSES)[P.argmax(1)]) * np.log(P)).sum(1),
    ),
    "bootstrapped at 1": (partial(functional.bootstrapped, beta=1.0, hard=False), (LOGITS, TARGET), CE),
    "bounded_cross_entropy": (functional.bounded_cross_entropy, (LOGITS,), -np.log(P + 1e-8)),
    "importance_weight": (functional.importance_weight, (P, TARGET, TRANSITION), P[AT, TARGET] / (P @ TRANSITION)[AT, TARGET]),
    "importance_weight per unit": (
        functional.importance_weight,
        (P, TARGET, PER_UNIT),
        P[AT, TARGET] / np.einsum("ui,uij->uj", P, PER_UNIT)[AT, TARGET],
    ),
    "row_normalized": (functional.row_normalized, (SCALED,), SCALED / SCALED.sum(1)[:, None]),
    "elr_regularizer": (functional.elr_regularizer, (P, 0.9 * SOFT), np.log(1 - (P * 0.9 * SOFT).sum(1))),
    "huber": (partial(functional.huber, delta=0.8), (PREDICTION, NUMBER), huber_by_hand(PREDICTION[:, 0] - NUMBER, 0.8)),
    "asymmetric_loss": (
        partial(functional.asymmetric_loss, gamma_negative=4.0, gamma_positive=1.0, margin=0.05),
        (BINARY_LOGIT, BINARY),
        asl_by_hand(BINARY_LOGIT, BINARY, 4.0, 1.0, 0.05),
    ),
}


@pytest.mark.parametrize("name", CASES)
def test_equals_the_formula(name: str) -> None:
    function, inputs, expected = CASES[name]
    found = function(*map(tensor, inputs))
    assert found.dtype == torch.float64
    np.testing.assert_allclose(found.numpy(), expected, rtol=1e-8)


@pytest.mark.parametrize("name", [name for name in CASES if name != "asymmetric_loss"])  # its weight carries no gradient
def test_gradient_equals_differences(name: str) -> None:
    function, inputs, _ = CASES[name]
    given = [tensor(x).requires_grad_(np.asarray(x).dtype == np.float64) for x in inputs]
    assert torch.autograd.gradcheck(function, given, fast_mode=True)


def test_every_public_function_is_covered() -> None:
    beside = {"forget_schedule", "gaussian_posterior", "group_folds", "group_rates", "overall_rate", "small_loss"}  # tested below
    beside |= {"anchor_transition", "consensus", "consensus_transition", "dual_transition", "nearest_two", "neighbor_consensus"}  # test_functional_transition
    beside |= {"label_prior", "linear_ramp"}  # by their examples, and in the methods that use them
    beside |= {
        name for name in functional.__all__ if getattr(functional, name).__module__.rpartition(".")[2] in ("multilabel", "label_structure")
    }  # test_functional_multilabel
    beside |= {"BetaMixture", "beta_mixture", "fit_beta_components", "look_up", "class_balanced", "rank_in_group"}  # test_functional_mixtures
    beside |= {"co_guess", "contrast", "mix_targets", "negative_entropy", "refine", "sharpen", "uniform_penalty"}
    beside |= {"jensen_shannon", "kl_divergence", "symmetric_kl", "prediction_loss", "soft_loss"}
    beside |= {"progressive_confidence", "purify", "uniform_confidence"}
    beside |= {"dawid_skene", "majority_vote"}  # test_tasks_corpora
    beside |= {"bag_marginals"}  # test_traps
    beside |= {"confident_rate"}  # test_methods_known_rate
    text = {"benchmark.functional.denoising", "benchmark.functional.estimation"}  # test_methods_text
    beside |= {name for name in functional.__all__ if getattr(functional, name).__module__ in text}
    functions = [case[0].func if isinstance(case[0], partial) else case[0] for case in CASES.values()]
    assert {function.__name__ for function in functions} | beside == {*functional.__all__, "log_likelihood"}


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


def test_rows_are_divided_by_their_own_sums() -> None:
    """Not, as released for T-Revision, column j by the sum of row j."""
    matrix = tensor(SCALED)
    wrong = matrix / matrix.sum(1)
    torch.testing.assert_close(functional.row_normalized(matrix).sum(1), torch.ones(CLASSES, dtype=torch.float64))
    assert not torch.allclose(wrong.sum(1), torch.ones(CLASSES, dtype=torch.float64), atol=0.1)


def test_elr_regularizer_is_zero_without_memory_and_falls_with_agreement() -> None:
    p, memory = tensor(P), torch.zeros(UNITS, CLASSES, dtype=torch.float64)
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


def test_asl_method_sums_over_the_live_entries() -> None:
    problem, shape = MultiLabel(["a", "b", "c"]), InputShape((4,), torch.float32)
    network = Linear(shape, 3)
    x, y = torch.randn(6, 4, generator=torch.Generator().manual_seed(0)), torch.tensor([[1, 0, 1], [0, 0, 1], [1, 1, 0]] * 2)
    live = torch.ones(6, 3, dtype=torch.bool)
    live[1, 2] = live[4, 0] = False
    with torch.no_grad():
        each = F.binary_cross_entropy_with_logits(network(x), y.float(), reduction="none")
    for mask in (None, live):
        step = Step([network], problem, Batch([x], torch.arange(6), y, mask), Passes.zeros(1))
        found = ASL(gamma_negative=0.0, gamma_positive=0.0, margin=0.0).objective(step)
        torch.testing.assert_close(found.detach(), (each if mask is None else each[mask]).sum())


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


def test_gaussian_posterior_tells_two_groups_of_losses_apart() -> None:
    rng = np.random.default_rng(0)
    low, high = rng.normal(0.2, 0.05, 300), rng.normal(3.0, 0.3, 100)
    posterior = functional.gaussian_posterior(np.concatenate([high, low]))
    assert posterior[:100].max() < 0.01
    assert posterior[100:].min() > 0.99
    turned = functional.gaussian_posterior(np.concatenate([low, high]) * 100 - 7)  # losses are normalised
    np.testing.assert_allclose(turned, np.concatenate([posterior[100:], posterior[:100]]), atol=1e-6)


@pytest.mark.parametrize("loss", [np.full(20, 0.7), np.zeros(3), np.array([4.2])])
def test_gaussian_posterior_of_equal_losses_is_one(loss: np.ndarray) -> None:
    assert functional.gaussian_posterior(loss).tolist() == [1.0] * len(loss)


def test_gaussian_posterior_is_a_probability_and_touches_no_global_generator() -> None:
    before = np.random.get_state()[1].copy()  # type: ignore[index]
    posterior = functional.gaussian_posterior(np.random.default_rng(1).gamma(2, size=200))
    assert posterior.min() >= 0
    assert posterior.max() <= 1
    assert np.array_equal(before, np.random.get_state()[1])  # type: ignore[index]


@pytest.mark.parametrize("sizes", [[1] * 23, [5, 1, 1, 9, 2, 2, 3], [20, 1, 1]])
def test_folds_are_parts_of_about_one_size_that_no_group_is_in_twice(sizes: list[int]) -> None:
    groups = np.random.default_rng(5).permutation(np.repeat(np.arange(len(sizes)), sizes))
    folds = functional.group_folds(groups, 4, np.random.default_rng(6))
    assert np.array_equal(np.sort(np.concatenate(folds)), np.arange(len(groups)))
    assert sum(len(np.unique(groups[fold])) for fold in folds) == len(sizes)
    assert all(0 < len(fold) < math.ceil(len(groups) / 4) + max(sizes) for fold in folds)
    if max(sizes) == 1:
        plain = np.array_split(np.random.default_rng(6).permutation(len(groups)), 4)
        assert all(np.array_equal(*pair) for pair in zip(folds, plain, strict=True))
