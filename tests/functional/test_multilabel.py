"""Multi-label losses against formulas in numpy that share nothing with them."""

from __future__ import annotations

from collections.abc import Callable

import numpy as np
import pytest
import torch
from cleanlab.internal.multilabel_scorer import exponential_moving_average
from scipy.optimize import minimize
from torch import Tensor

from benchmark import functional as f
from benchmark.core.paths import ROOT

RNG = np.random.default_rng(0)
Z = torch.from_numpy(RNG.normal(0, 2, (6, 4)))
Y = torch.from_numpy((RNG.random((6, 4)) < 0.4).astype(float))


def sigmoid(z: Tensor) -> np.ndarray:
    return np.asarray(1 / (1 + np.exp(-z.numpy())))


def nl(u: np.ndarray) -> np.ndarray:
    return np.asarray(-np.log(u + 1e-5))


def same(found: Tensor, expected: np.ndarray | float, atol: float = 1e-7) -> None:
    np.testing.assert_allclose(found.detach().numpy(), expected, atol=atol)


def test_binary_losses() -> None:
    p, y = sigmoid(Z), Y.numpy()
    same(f.negative_log(Z.sigmoid()), nl(p))
    same(f.soft_binary(Z.sigmoid(), Y * 0.9 + 0.05), (y * 0.9 + 0.05) * nl(p) + (0.95 - y * 0.9) * nl(1 - p))
    same(f.binary_entropy(Z.sigmoid()), p * nl(p) + (1 - p) * nl(1 - p))
    same(f.expected_positives(Z.sigmoid(), 1.5), (p.sum(1).mean() - 1.5) ** 2 / 16)
    chance = np.where(y == 1, p, 1 - p)
    same(f.focal_binary(Z, Y, 2.0), -((1 - chance) ** 2) * np.log(chance))
    output = torch.stack((torch.zeros(24, dtype=torch.double), Z.flatten()), 1)
    same(f.focal_loss(output, Y.flatten().long(), 2.0), (-((1 - chance) ** 2) * np.log(chance)).flatten())
    same(f.focal_loss(output, Y.flatten().long(), 0.0), -np.log(chance).flatten())


def test_hill_and_splc() -> None:
    p, y = sigmoid(Z), Y.numpy()
    shifted = sigmoid(Z - 1)
    same(f.hill_loss(Z, Y, 1.5, 1.0, 2.0), np.where(y == 1, -((1 - shifted) ** 2) * np.log(shifted), (1.5 - p) * p**2))
    found = f.splc_loss(Z, Y, 0.6, 1.0, 0.0)
    same(found, np.where(y == 1, -np.log(shifted), np.where(p > 0.6, -np.log(p), -np.log(1 - p))))
    same(f.splc_loss(Z, Y, 1.0, 1.0, 0.0), np.where(y == 1, -np.log(shifted), -np.log(1 - p)))


def test_sparsemax_is_the_projection_and_its_gradient_is_p_minus_q() -> None:
    p, tau = f.sparsemax(Z)
    for row, found in zip(Z.numpy(), p.numpy(), strict=True):
        best = minimize(
            lambda u, row=row: ((u - row) ** 2).sum(), np.full(4, 0.25), bounds=[(0, 1)] * 4, constraints={"type": "eq", "fun": lambda u: u.sum() - 1}
        )
        np.testing.assert_allclose(found, best.x, atol=1e-4)
    same(p, np.maximum(Z.numpy() - tau.numpy(), 0))
    q = torch.tensor([[0.5, 0.5, 0.0, 0.0]] * 6, dtype=torch.double)
    z = Z.clone().requires_grad_(True)
    f.sparsemax_loss(z, q).sum().backward()
    assert z.grad is not None
    same(z.grad, (p - q).numpy())
    a = torch.tensor([[0.3, 0.0], [2.0, 0.0], [-2.0, 0.0]], dtype=torch.double)
    huber = [(0.3 - 1) ** 2 / 4, 0.0, 2.0]  # two classes: 0 for t >= 1, -t for t <= -1, (t - 1)^2 / 4 between
    same(f.sparsemax_loss(a, torch.tensor([[1.0, 0.0]], dtype=torch.double).expand(3, 2)), np.array(huber))


def test_positive_unlabelled_sees_the_whole_batch_and_weighs_the_mean() -> None:
    """Trap: the unlabelled set is the batch, positives included; w is the mean to the power gamma; tau is at most 1 and has no gradient."""
    positive = Y == 1
    positive[:, 3] = False
    z = Z.numpy() * [0.1, 1, 1, 1]
    expected = 0.0
    for k in range(4):
        tau = min(1.0, 1.5 * z[:, k].std())
        phi = 1 / (1 + np.exp(-z[:, k] / tau))
        expected += phi.mean() ** 0.6 * np.log(phi.mean())
        if positive[:, k].any():
            expected -= np.log(phi[positive[:, k].numpy()]).mean()
    same(f.positive_unlabelled(torch.from_numpy(z), positive, 1.5, 0.6), expected)
    free = torch.from_numpy(z).requires_grad_(True)
    f.positive_unlabelled(free, positive, 1.5, 0.6).backward()
    held = torch.from_numpy(z).requires_grad_(True)
    tau_ = (1.5 * torch.from_numpy(z).std(0, correction=0)).clamp(max=1)
    phi_ = (held / tau_).sigmoid()
    w = phi_.mean(0).detach() ** 0.6
    count = positive.sum(0)
    (w * phi_.mean(0).log() - (phi_.log() * positive).sum(0) / count.clamp(min=1)).sum().backward()
    assert free.grad is not None
    assert held.grad is not None
    same(free.grad, held.grad.numpy())


def test_comic_weights_multiply_and_enter_the_exponent() -> None:
    p, y = sigmoid(Z), Y.numpy()
    weight = np.array([1.0, 1.2, 1.5, 2.0])
    q = np.minimum(1 - p + 0.05, 1)
    chance = np.where(y == 1, p, q)
    focus = (1 - chance) ** np.where(y == 1, 0.5, 4 + weight)
    same(f.multi_focal(Z, Y, torch.from_numpy(weight), 4.0, 0.5), -weight * focus * np.log(np.maximum(chance, 1e-8)))
    near = np.where(RNG.random((6, 4)) < 0.5, 0.3, 0.0)
    chance = np.where(y == 1, p * (1 - near), np.where(near > 0, np.minimum(1.2 * q, 1), q))
    focus = np.where(y == 1, 1.0, (1 - chance) ** (3 + weight))
    same(f.cooccurrence_focal(Z, Y, torch.from_numpy(weight), torch.from_numpy(near), 3.0), -weight * focus * np.log(chance))
    found = f.recover_positives(Z, Y, 0.7)
    assert np.array_equal(found.numpy(), (p > 0.7) & (p > p.mean(0)) & (y == 0))


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
    "soft_binary": lambda z: f.soft_binary(z.sigmoid(), Y),
    "entropy": lambda z: f.binary_entropy(z.sigmoid()),
    "hill": lambda z: f.hill_loss(z, Y, 1.5, 1.0, 2.0),
    "focal": lambda z: f.focal_binary(z, Y, 2.0),
    "sparsemax": lambda z: f.sparsemax_loss(z, Y / Y.sum(1, keepdim=True).clamp(min=1)),
    "propensity": lambda z: f.propensity_loss(z, Y, torch.tensor(0.5)),
    "bags": lambda z: f.bag_ranking_loss(z.reshape(3, 2, 4), torch.eye(4, dtype=torch.double), Y[:3], 0.3),
    "divergence": lambda z: f.bernoulli_divergence(Z, z),
}


@pytest.mark.parametrize("name", CASES)
def test_gradients(name: str) -> None:
    assert torch.autograd.gradcheck(CASES[name], (Z.clone().requires_grad_(True),))


def test_every_public_function_is_covered() -> None:
    here = "".join(
        (ROOT / "tests" / name).read_text(encoding="utf8") for name in ("functional/test_multilabel.py", "methods/test_multilabel.py", "test_traps.py")
    )
    own = {name for name in f.__all__ if getattr(f, name).__module__.rpartition(".")[2] in ("multilabel", "label_structure")}
    assert {name for name in own if f".{name}(" not in here} == {"known_share_weight"}  # through partial_bce
