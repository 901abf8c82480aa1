"""What multi-label methods compute over labels and their structure, against numpy, cleanlab and released code."""

from __future__ import annotations

from collections.abc import Callable

import numpy as np
import pytest
import torch
from cleanlab.internal.multilabel_scorer import exponential_moving_average
from support.binary import Y, Z, same, sigmoid
from torch import Tensor

from benchmark import functional
from benchmark import functional as f

RNG = np.random.default_rng(0)


def test_propensity_loss_is_unbiased() -> None:
    """Its mean over missing positives is BCE on right labels."""
    rate = torch.tensor(0.4, dtype=torch.double)
    one, zero = (torch.full_like(Z, v) for v in (1.0, 0.0))
    mean = rate * f.propensity_loss(Z, one, rate) + (1 - rate) * f.propensity_loss(Z, zero, rate)
    same(mean, -np.log(sigmoid(Z)))
    same(f.propensity_loss(Z, zero, rate), -np.log(1 - sigmoid(Z)))


@pytest.mark.parametrize("alpha", [0.5, 0.8, 1.0])
def test_examples_are_scored_as_in_cleanlab(alpha: float) -> None:
    """Trap: descending order, the smallest last and heaviest."""
    quality = RNG.random((20, 5))
    same(f.exponential_quality(torch.from_numpy(quality), alpha), exponential_moving_average(quality, alpha=alpha))
    same(f.exponential_quality(torch.tensor([[0.5]]), alpha), 0.5)


def test_best_threshold_maximises_f1() -> None:
    score, label = torch.from_numpy(RNG.random(60).round(1)), torch.from_numpy(RNG.random(60) < 0.3)

    def f1(t: float) -> float:
        chosen = score > t
        return float(2 * (chosen & label).sum() / (chosen.sum() + label.sum()))

    assert f1(f.best_threshold(score, label)) == pytest.approx(max(f1(t) for t in np.arange(-0.05, 1, 0.1)))
    assert f.best_threshold(score, torch.zeros(60, dtype=torch.bool)) == 0.5


def bag_loss(v: np.ndarray, w: np.ndarray, y: np.ndarray, beta: float) -> float:
    """One example, in loops."""
    score = [max(float(v[m] @ w[k]) for m in range(len(v))) for k in range(len(w))]
    pos, neg = [k for k in range(len(w)) if y[k]], [k for k in range(len(w)) if not y[k]]
    rank = sum(np.log1p(np.exp((score[n] if n is not None else 0.0) - score[p])) for p in pos for n in (neg or [None]))
    rank = rank / max(len(pos), 1)
    if len(v) == 1:
        return float(rank)
    omega = w[pos].var(0, ddof=1).sum() if len(pos) > 1 else 0.0
    return float(2 * ((1 - beta) * (1 + omega) * rank + beta * v.var(0, ddof=1).sum()))


@pytest.mark.parametrize("bag", [1, 3])
def test_bags_are_ranked_by_their_best_descriptor(bag: int) -> None:
    """Trap: max over descriptors before ranking, the factor 2, and c_n = 0 when every label is positive."""
    v, w = RNG.normal(size=(6, bag, 5)), RNG.normal(size=(4, 5))
    y = np.array([[1, 0, 0, 0], [1, 1, 0, 1], [0, 0, 0, 0], [1, 1, 1, 1], [0, 1, 1, 0], [0, 0, 0, 1]], dtype=float)
    found = f.bag_ranking_loss(torch.from_numpy(v), torch.from_numpy(w), torch.from_numpy(y), 0.3)
    same(found, np.array([bag_loss(v[i], w, y[i], 0.3) for i in range(6)]))


def test_smoothing_reaches_only_labels_that_somebody_votes_for() -> None:
    found = f.smooth_relabel(torch.tensor([1.0, 1.0, 0.0, 0.0]), torch.tensor([0.0, 0.4, 0.4, 0.0]), 0.6, 0.25)
    same(found, np.array([0.4 + 0.6 * 0.25, 0.4 + 0.6 * (0.25 + 0.75 * 0.4), 0.6 * (0.25 + 0.75 * 0.4), 0.0]))


def test_distillation_terms() -> None:
    p, q = sigmoid(Z), sigmoid(Z.flip(0))
    same(f.bernoulli_divergence(Z, Z.flip(0)), p * np.log(p / q) + (1 - p) * np.log((1 - p) / (1 - q)))
    old, new, member = RNG.normal(size=(2, 5, 3)), RNG.normal(size=(2, 5, 4)), np.array([[1, 1, 1, 0, 1], [0, 0, 1, 0, 0]], dtype=bool)
    at = np.flatnonzero(member[0])
    relative = []
    for e in (old[0], new[0]):
        d = np.array([[np.linalg.norm(e[i] - e[j]) for j in at] for i in at])
        relative.append(d / (d.sum() / (len(at) * (len(at) - 1))))
    gap = np.abs(relative[0] - relative[1])
    smooth = np.where(gap < 1, gap**2 / 2, gap - 0.5)
    expected = smooth.sum() / len(at)
    same(f.structure_distance(torch.from_numpy(old), torch.from_numpy(new), torch.from_numpy(member)), expected, 1e-5)


CASES: dict[str, Callable[[Tensor], Tensor]] = {
    "propensity": lambda z: f.propensity_loss(z, Y, torch.tensor(0.5)),
    "bags": lambda z: f.bag_ranking_loss(z.reshape(3, 2, 4), torch.eye(4, dtype=torch.double), Y[:3], 0.3),
    "divergence": lambda z: f.bernoulli_divergence(Z, z),
}


@pytest.mark.parametrize("name", CASES)
def test_gradients(name: str) -> None:
    assert torch.autograd.gradcheck(CASES[name], (Z.clone().requires_grad_(True),))


@pytest.mark.parametrize(("positive", "expected"), [([1, 0, 0], 0.5146750212), ([1, 0, 1], 0.3377451599), ([1, 1, 1], 0.9204718471)])
def test_a_bag_of_one_is_not_weighed_by_beta(positive: list[float], expected: float) -> None:
    """cyh-0/BoMD @1688893, one descriptor an example, beta .3."""
    vectors = torch.tensor([[1.0, 0.0], [0.0, 1.0], [0.6, 0.8]])
    value = functional.bag_ranking_loss(torch.tensor([[[0.5, -1.0]]]), vectors, torch.tensor([positive], dtype=torch.float), 0.3)
    assert float(value) == pytest.approx(expected, rel=1e-5)


@pytest.mark.parametrize(("points", "expected"), [(2, 0.0), (3, 0.3646995120), (4, 0.3532684445)])
def test_distances_are_summed_over_pairs_and_divided_by_points(points: int, expected: float) -> None:
    """penghui-yang/L2D @e3c438a."""
    old = torch.tensor([[0.0, 0.0], [1.0, 0.0], [0.0, 3.0], [2.0, 2.0]])
    new = torch.tensor([[0.0, 1.0], [2.0, 0.0], [2.5, 1.0], [0.0, -2.0]])
    member = torch.arange(4)[None] < points
    assert float(functional.structure_distance(old[None], new[None], member)) == pytest.approx(expected, rel=1e-5, abs=1e-7)


def test_a_threshold_takes_everything_where_that_is_best() -> None:
    """Scores are above the threshold, so it lies below the lowest one even where that is 0, or negative."""
    for score in ([0.0, 0.5, 0.9], [0.0, 0.0, 0.0], [-3.0, -2.0, 0.1], [0.2, 0.3, 0.4], [-1e20, 0.0, 1.0]):
        for dtype in (torch.float32, torch.float64):
            values = torch.tensor(score, dtype=dtype)
            assert bool((values > functional.best_threshold(values, torch.tensor([True, False, True]))).all())
    assert functional.best_threshold(torch.tensor([0.2, 0.3]), torch.tensor([True, True])) == pytest.approx(0.1)
    close = torch.tensor([0.1, np.nextafter(0.1, 1)], dtype=torch.float64)  # between neighbouring floats there is none
    assert (close > functional.best_threshold(close, torch.tensor([False, True]))).tolist() == [False, True]


@pytest.mark.parametrize("one", [0.0, 1.0])
def test_the_update_of_nbpo_is_not_the_gradient_of_its_likelihood(one: float) -> None:
    z, a = (torch.linspace(-2, 2, 7, dtype=torch.float64).roll(shift).requires_grad_(True) for shift in (0, 3))
    r, g, observed = z.sigmoid(), a.sigmoid(), torch.full((7,), one, dtype=torch.float64)
    (r * (1 - g) if one else 1 - r + g * r).log().sum().backward()
    exact = f.missing_positive_slopes(r.detach(), g.detach(), observed, True)
    surrogate = f.missing_positive_slopes(r.detach(), g.detach(), observed, False)
    for slope, released, leaf in zip(exact, surrogate, (z, a), strict=True):
        assert torch.allclose(slope, leaf.grad)  # type: ignore[arg-type]
        assert float((slope - released).abs().max()) > 0.1
    r_, g_ = r.detach().numpy(), g.detach().numpy()
    expected = ((1 - g_) * (1 - r_), -g_ * r_) if one else (g_ * (1 - r_) - r_, (1 - g_) * r_)
    for released, by_hand in zip(surrogate, expected, strict=True):
        assert np.allclose(released, by_hand)
