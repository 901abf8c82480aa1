"""Divergences against their formulas, their bounds and their gradients."""

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


def kl(p: np.ndarray, q: np.ndarray) -> np.ndarray:
    return np.array([sum(a * math.log(a / b) for a, b in zip(x, y, strict=True) if a > 0) for x, y in zip(p, q, strict=True)])


def test_divergences_equal_their_formulas() -> None:
    p, q = softmax(A), softmax(B)
    np.testing.assert_allclose(functional.kl_divergence(tensor(A), tensor(B)), kl(p, q))
    np.testing.assert_allclose(functional.symmetric_kl(tensor(A), tensor(B)), kl(p, q) + kl(q, p))
    np.testing.assert_allclose(functional.jensen_shannon(tensor(P), tensor(Q)), (kl(P, (P + Q) / 2) + kl(Q, (P + Q) / 2)) / 2)
    hot = np.eye(4)[[0, 1, 2, 3, 0, 1]]
    np.testing.assert_allclose(functional.jensen_shannon(tensor(P), tensor(hot)), (kl(P, (P + hot) / 2) + kl(hot, (P + hot) / 2)) / 2)


def test_jensen_shannon_is_bounded_and_symmetric() -> None:
    far = functional.jensen_shannon(torch.eye(3), torch.eye(3).roll(1, 0))
    torch.testing.assert_close(far, torch.full((3,), math.log(2)))
    torch.testing.assert_close(functional.jensen_shannon(tensor(P), tensor(Q)), functional.jensen_shannon(tensor(Q), tensor(P)))


@pytest.mark.parametrize("name", ["symmetric_kl", "kl_divergence", "contrast"])
def test_gradients_of_two_outputs_equal_differences(name: str) -> None:
    given = [tensor(A).requires_grad_(), tensor(B).requires_grad_()]
    assert torch.autograd.gradcheck(getattr(functional, name), given, fast_mode=True)
