"""Multi-label losses against formulas in numpy that share nothing with them."""

from __future__ import annotations

from collections.abc import Callable

import numpy as np
import pytest
import torch
from scipy.optimize import minimize
from support.binary import Y, Z, same, sigmoid
from torch import Tensor

from benchmark import functional as f
from benchmark.core.paths import ROOT

RNG = np.random.default_rng(0)


def negative_log(u: np.ndarray) -> np.ndarray:
    return np.asarray(-np.log(u + 1e-5))


def test_binary_losses() -> None:
    p, y = sigmoid(Z), Y.numpy()
    same(f.negative_log(Z.sigmoid()), negative_log(p))
    same(f.soft_binary(Z.sigmoid(), Y * 0.9 + 0.05), (y * 0.9 + 0.05) * negative_log(p) + (0.95 - y * 0.9) * negative_log(1 - p))
    same(f.binary_entropy(Z.sigmoid()), p * negative_log(p) + (1 - p) * negative_log(1 - p))
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


CASES: dict[str, Callable[[Tensor], Tensor]] = {
    "soft_binary": lambda z: f.soft_binary(z.sigmoid(), Y),
    "entropy": lambda z: f.binary_entropy(z.sigmoid()),
    "hill": lambda z: f.hill_loss(z, Y, 1.5, 1.0, 2.0),
    "focal": lambda z: f.focal_binary(z, Y, 2.0),
    "sparsemax": lambda z: f.sparsemax_loss(z, Y / Y.sum(1, keepdim=True).clamp(min=1)),
}


@pytest.mark.parametrize("name", CASES)
def test_gradients(name: str) -> None:
    assert torch.autograd.gradcheck(CASES[name], (Z.clone().requires_grad_(True),))


def test_every_public_function_is_covered() -> None:
    names = ("functional/test_multilabel.py", "functional/test_label_structure.py", "methods/test_multilabel.py", "test_traps.py")
    here = "".join((ROOT / "tests" / name).read_text(encoding="utf8") for name in names)
    own = {name for name in f.__all__ if getattr(f, name).__module__.rpartition(".")[2] in ("multilabel", "label_structure")}
    assert {name for name in own if f".{name}(" not in here} == {"known_share_weight"}  # through partial_bce
