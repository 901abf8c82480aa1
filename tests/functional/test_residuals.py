"""Mathematics of regression methods against formulas written once more, brute force and scikit-learn."""

from __future__ import annotations

import itertools
import math

import numpy as np
import pytest
import torch
from scipy.stats import norm, rankdata
from sklearn.linear_model import Lasso
from sklearn.neighbors import LocalOutlierFactor
from torch import Tensor

from benchmark.functional.fragments import contrasting_pairs, fragment_edges, fragment_of
from benchmark.functional.mean_shift import huber_fit, shift_order
from benchmark.functional.neighbours import intrinsic_dimension, medoids, outlier_factor
from benchmark.functional.ordering import BlackboxRanks, descending_ranks, ordinal_entropy, rank_similarity
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


def test_ranks_and_their_gradient() -> None:
    value = torch.from_numpy(RNG.normal(size=(4, 7)))
    expected = np.stack([rankdata(-row) / 7 for row in value])
    assert np.allclose(descending_ranks(value), expected)
    weight = torch.from_numpy(RNG.normal(size=(4, 7)))
    free = value.clone().requires_grad_()
    (BlackboxRanks.apply(free, 2.0) * weight).sum().backward()
    moved = np.stack([rankdata(-row) / 7 for row in (value + 2.0 * weight).numpy()])
    assert free.grad is not None
    assert np.allclose(free.grad, -(expected - moved) / 2.0)


def test_rank_similarity_is_zero_where_features_follow_the_targets() -> None:
    y = torch.from_numpy(RNG.uniform(0, 1, 12))
    angle = y * math.pi / 2
    at = torch.arange(12)
    assert float(rank_similarity(torch.stack([angle.cos(), angle.sin()], 1), y, 2.0, at)) == pytest.approx(0)
    shuffled = torch.stack([angle.cos(), angle.sin()], 1)[torch.randperm(12, generator=torch.Generator().manual_seed(0))].requires_grad_()
    loss = rank_similarity(shuffled, y, 2.0, at)
    assert float(loss.detach()) > 0.01
    loss.backward()
    assert shuffled.grad is not None
    assert float(shuffled.grad.abs().sum()) > 0


def test_ordinal_entropy_by_loops() -> None:
    z, y = RNG.normal(size=(8, 3)), np.array([0.0, 1.0, 1.0, 2.5, 2.5, 2.5, 4.0, 9.0])
    unit = z / np.linalg.norm(z, axis=1, keepdims=True)
    mean = {v: z[y == v].mean(0) for v in np.unique(y)}
    center = {v: m / np.linalg.norm(m) for v, m in mean.items()}
    pairs = list(itertools.combinations(np.unique(y), 2))
    apart = np.array([b - a for a, b in pairs])
    weight = (apart - apart.min()) / apart.max()
    spread = np.mean([w * np.linalg.norm(center[a] - center[b]) for w, (a, b) in zip(weight, pairs, strict=True)])
    tight = np.mean([np.linalg.norm(u - center[v]) for u, v in zip(unit, y, strict=True) if (y == v).sum() > 1])
    feature = torch.from_numpy(z).requires_grad_()
    found = ordinal_entropy(feature, torch.from_numpy(y))
    assert [float(f) for f in found] == pytest.approx([spread, tight])
    sum(found).backward()  # type: ignore[union-attr]
    assert feature.grad is not None
    assert bool(feature.grad.isfinite().all())
    assert bool(torch.autograd.grad(sum(ordinal_entropy(feature, torch.ones(8))), feature)[0].isfinite().all())  # type: ignore[arg-type]


@pytest.mark.parametrize("dimension", [1, 3])
def test_intrinsic_dimension_of_a_flat_set(dimension: int) -> None:
    rng = np.random.default_rng(0)
    x = rng.random((400, dimension)) @ rng.normal(size=(dimension, 10))
    found = float(intrinsic_dimension(torch.from_numpy(x), 20))
    by_hand = []
    for i in range(400):
        d = np.sort(np.delete(np.linalg.norm(x - x[i], axis=1), i))[:20]
        by_hand.append(-1 / np.mean(np.log(d / d[-1])))
    assert found == pytest.approx(np.mean(by_hand), rel=1e-3)
    assert found == pytest.approx(dimension, rel=0.25)
    assert math.isnan(float(intrinsic_dimension(torch.zeros(2, 3), 20)))


def test_outlier_factor_is_scikit_learns() -> None:
    series = np.abs(np.random.default_rng(1).normal(size=(30, 8)))
    series[:, 3] += 20
    found = outlier_factor(torch.from_numpy(series), 2).numpy()
    expected = np.stack([-LocalOutlierFactor(n_neighbors=2).fit(row[:, None]).negative_outlier_factor_ for row in series])
    assert np.allclose(found, expected)
    assert (found[:, 3] > 1.5).all()


def test_medoids_are_the_greedy_choice() -> None:
    x = np.random.default_rng(2).normal(size=(14, 3))
    distance = np.linalg.norm(x[:, None] - x, axis=2)
    similarity, chosen = distance.max() - distance, list[int]()
    for _ in range(5):
        rest = [j for j in range(14) if j not in chosen]
        chosen.append(max(rest, key=lambda j: similarity[:, [*chosen, j]].max(1).sum()))
    found, size = medoids(x, 5)
    assert found.tolist() == chosen
    assert size.tolist() == np.bincount(distance[:, chosen].argmin(1), minlength=5).tolist()


def test_the_mean_shift_path_is_the_lasso_of_the_whole_matrix() -> None:
    """She and Owen: gamma of the lasso on (I - H) y = (I - H) gamma is not zero exactly where the Huber residual exceeds the penalty."""
    rng = np.random.default_rng(3)
    x = np.column_stack([rng.normal(size=(40, 3)), np.ones(40)])
    y = x @ [1.0, -2.0, 0.5, 3.0] + 0.3 * rng.normal(size=40)
    y[:6] += rng.choice([-1, 1], 6) * rng.uniform(3, 8, 6)
    rest = np.eye(40) - x @ np.linalg.solve(x.T @ x, x.T)
    for penalty in (2.0, 1.0, 0.4):
        beta = huber_fit(x, y, penalty, np.zeros(4), 1e-9, rounds=500, tolerance=1e-12)
        r = y - x @ beta
        lasso = Lasso(alpha=penalty / 40, fit_intercept=False, tol=1e-12, max_iter=100_000).fit(rest, rest @ y)
        assert np.allclose(lasso.coef_, np.sign(r) * np.maximum(np.abs(r) - penalty, 0), atol=1e-5)
    entered = shift_order(x, y)
    assert set(np.argsort(-entered, kind="stable")[:6]) == set(range(6))
    assert shift_order(x, x @ np.ones(4)).max() < 1e-4  # nothing is shifted but by the ridge


def test_fragments_have_equally_many_distinct_targets() -> None:
    y = np.random.default_rng(4).integers(0, 41, 500).astype(float)
    values = np.unique(y)
    edges = fragment_edges(values, 4)
    which = fragment_of(y, edges)
    assert sorted(len(np.unique(y[which == f])) for f in range(4)) == [10, 10, 10, 11]
    assert (fragment_of(values, edges) >= 0).all()
    assert fragment_of(np.array([-0.1, 40.1]), edges).tolist() == [-1, -1]


@pytest.mark.parametrize("seed", range(6))
def test_pairs_are_as_far_apart_as_any_matching_makes_them(seed: int) -> None:
    values = np.sort(np.random.default_rng(seed).exponential(size=90))
    edges = fragment_edges(values, 6)

    def matchings(left: tuple[int, ...]) -> list[list[tuple[int, int]]]:
        if not left:
            return [[]]
        return [[(left[0], b), *rest] for b in left[1:] for rest in matchings(tuple(f for f in left[1:] if f != b))]

    def gaps(found: list[tuple[int, int]]) -> list[float]:
        return [edges[b, 0] - edges[a, 1] for a, b in found]

    best = max((min(gaps(m)), sum(gaps(m))) for m in matchings(tuple(range(6))))
    found = contrasting_pairs(edges)
    assert (min(gaps(found)), sum(gaps(found))) == pytest.approx(best)


def test_equally_long_fragments_pair_with_the_one_half_the_range_away() -> None:
    for f in (4, 6, 8):
        assert contrasting_pairs(fragment_edges(np.arange(10.0 * f), f)) == [(a, a + f // 2) for a in range(f // 2)]


def test_the_sums_of_losses_have_finite_gradients_at_zero_residual() -> None:
    output, target = torch.zeros(3, 1, requires_grad=True), torch.zeros(3)
    losses = [tukey(output, target, 4.0, torch.tensor(1.0)), log_cosh(output, target, 1.0), *(barron(output, target, a, 1.0) for a in CLOSED)]
    for loss in losses:
        assert torch.equal(torch.autograd.grad(loss.sum(), output)[0], torch.zeros(3, 1))
