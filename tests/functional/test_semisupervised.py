"""Guessed, sharpened and mixed targets, and the terms that go with them, against numpy."""

from __future__ import annotations

import math

import numpy as np
import pytest
import torch
from support.formulas import softmax, tensor

from benchmark import functional

RNG = np.random.default_rng(8)
A, B = 2 * RNG.normal(size=(6, 4)), 2 * RNG.normal(size=(6, 4))
P, Q = RNG.dirichlet(np.ones(4), 6), RNG.dirichlet(np.ones(4), 6)


def test_sharpening_ends_at_the_arg_max_and_at_itself() -> None:
    np.testing.assert_allclose(functional.sharpen(tensor(P), 0.5), P**2 / (P**2).sum(1, keepdims=True))
    np.testing.assert_allclose(functional.sharpen(tensor(P), 1.0), P)
    assert functional.sharpen(tensor(P), 0.01).round().equal(torch.nn.functional.one_hot(tensor(P).argmax(1), 4).double())


def test_refine_believes_labels_with_their_weight() -> None:
    w = RNG.random(6)
    np.testing.assert_allclose(functional.refine(tensor(P), tensor(Q), tensor(w)), w[:, None] * P + (1 - w)[:, None] * Q)
    torch.testing.assert_close(functional.refine(tensor(P), tensor(Q), torch.ones(6)), tensor(P))
    torch.testing.assert_close(functional.refine(tensor(P), tensor(Q), torch.zeros(6)), tensor(Q))


def test_mixed_targets_follow_their_partners() -> None:
    partner, lam = np.array([3, 3, 0, 1, 5, 4]), RNG.random(6)
    np.testing.assert_allclose(functional.mix_targets(tensor(P), tensor(partner), 0.7), 0.7 * P + 0.3 * P[partner])
    np.testing.assert_allclose(functional.mix_targets(tensor(P), tensor(partner), tensor(lam)), lam[:, None] * P + (1 - lam)[:, None] * P[partner])
    np.testing.assert_allclose(functional.co_guess([tensor(P), tensor(Q)]), (P + Q) / 2)


def test_uniform_penalty_is_kl_from_uniform_to_the_mean() -> None:
    mean = P.mean(0)
    assert float(functional.uniform_penalty(tensor(P))) == pytest.approx(sum(0.25 * math.log(0.25 / m) for m in mean))
    assert float(functional.uniform_penalty(torch.full((3, 4), 0.25))) == pytest.approx(0)


def test_negative_entropy_is_lowest_for_a_uniform_prediction() -> None:
    p = softmax(A)
    np.testing.assert_allclose(functional.negative_entropy(tensor(A)), (p * np.log(p)).sum(1))
    assert float(functional.negative_entropy(torch.zeros(1, 4))) == pytest.approx(-math.log(4))


def test_contrast_is_nt_xent() -> None:
    z = np.concatenate([A, B])
    z /= np.linalg.norm(z, axis=1, keepdims=True)
    s = np.exp(z @ z.T / 0.2)
    np.fill_diagonal(s, 0)
    other = np.r_[6:12, 0:6]
    assert float(functional.contrast(tensor(A), tensor(B), 0.2)) == pytest.approx(-np.log(s[np.arange(12), other] / s.sum(1)).mean())
