"""Mathematics of regression methods against formulas written once more, brute force and scikit-learn."""

from __future__ import annotations

import math

import numpy as np
import pytest
import torch
from scipy.stats import norm
from torch import Tensor

from benchmark.functional.residuals import barron, gaussian_nll, log_cosh, median_deviation, superloss_weight, truncated, tukey

RNG = np.random.default_rng(5)
R = 3 * RNG.normal(size=50)
ONE = torch.tensor(1.0, dtype=torch.float64)


def pair(residual: np.ndarray) -> tuple[Tensor, Tensor]:
    return torch.from_numpy(residual)[:, None].requires_grad_(), torch.zeros(len(residual), dtype=torch.float64)


def gradient(loss: Tensor, output: Tensor) -> np.ndarray:
    return torch.autograd.grad(loss.sum(), output)[0][:, 0].numpy()


def test_tukey_and_its_gradient() -> None:
    c, s = 2.0, 1.5
    output, target = pair(R)
    u = R / (c * s)
    inside = np.abs(u) <= 1
    loss = tukey(output, target, c, s * ONE)
    assert np.allclose(loss.detach(), s**2 * c**2 / 6 * np.where(inside, 1 - (1 - u**2) ** 3, 1))
    assert np.allclose(gradient(loss, output), np.where(inside, R * (1 - u**2) ** 2, 0))
    assert np.allclose(tukey(output, target, 1e4, ONE).detach(), R**2 / 2, rtol=1e-4)


def test_median_deviation_of_a_normal_is_its_sd_whatever_the_outliers() -> None:
    x = torch.from_numpy(np.concatenate([2.0 * norm.ppf((np.arange(9999) + 0.5) / 9999) + 7, np.full(300, 1e6)]))
    assert float(median_deviation(x)) == pytest.approx(2.0, rel=0.04)


def test_log_cosh_and_its_gradient() -> None:
    output, target = pair(R)
    loss = log_cosh(output, target, 0.7)
    assert np.allclose(loss.detach(), 0.49 * np.log(np.cosh(R / 0.7)))
    assert np.allclose(gradient(loss, output), 0.7 * np.tanh(R / 0.7))
    far = torch.tensor([[1e6]])
    assert float(log_cosh(far, torch.zeros(1), 1.0)) == pytest.approx(1e6 - math.log(2), rel=1e-6)


CLOSED = {
    2.0: lambda q: q / 2,
    1.0: lambda q: np.sqrt(q + 1) - 1,
    0.0: lambda q: np.log(q / 2 + 1),
    -2.0: lambda q: 2 * q / (q + 4),
    -math.inf: lambda q: 1 - np.exp(-q / 2),
}


@pytest.mark.parametrize("alpha", CLOSED)
def test_the_general_robust_loss_has_its_named_members(alpha: float) -> None:
    output, target = pair(R)
    expected = CLOSED[alpha]((R / 0.8) ** 2)
    assert np.allclose(barron(output, target, alpha, 0.8).detach(), expected)
    if math.isfinite(alpha):
        for near in (alpha - 1e-4, alpha + 1e-4):
            assert np.allclose(barron(output, target, near, 0.8).detach(), expected, rtol=5e-3)


def test_superloss_weight_minimizes_its_loss() -> None:
    loss = torch.from_numpy(np.abs(R))
    lam, tau = 0.5, 1.0
    sigma = superloss_weight(loss, tau, lam).numpy()
    beta = (np.abs(R) - tau) / lam
    free = beta > -2 / math.e
    slope = (np.abs(R) - tau) + 2 * lam * np.log(sigma) / sigma
    assert np.allclose(slope[free], 0, atol=1e-7)
    assert np.allclose(sigma[~free], math.e, rtol=1e-5)
    edge = superloss_weight(torch.tensor([tau - 2 * lam / math.e, -1e9, 1e9], dtype=torch.float64), tau, lam)
    assert bool(edge.isfinite().all())
    assert float(edge[0]) == pytest.approx(math.e, rel=1e-4)


def test_gaussian_nll_is_the_density() -> None:
    mean, log_variance, y = (torch.from_numpy(RNG.normal(size=9)) for _ in range(3))
    expected = -norm.logpdf(y, mean, np.exp(log_variance / 2)) - math.log(2 * math.pi) / 2
    assert np.allclose(gaussian_nll(mean, log_variance, y), expected)
    assert np.allclose(truncated(y.abs()), np.log(1 + y.abs() + y.abs() ** 2 / 2))


def test_the_sums_of_losses_have_finite_gradients_at_zero_residual() -> None:
    output, target = torch.zeros(3, 1, requires_grad=True), torch.zeros(3)
    losses = [tukey(output, target, 4.0, torch.tensor(1.0)), log_cosh(output, target, 1.0), *(barron(output, target, a, 1.0) for a in CLOSED)]
    for loss in losses:
        assert torch.equal(torch.autograd.grad(loss.sum(), output)[0], torch.zeros(3, 1))
