"""The expected error of a counted matrix against simulation."""

from __future__ import annotations

import numpy as np
import pytest
import torch
from scipy.stats import binom

from benchmark import functional


def test_expected_error_of_a_counted_matrix_against_simulation() -> None:
    rng = np.random.default_rng(0)
    true, sizes, prior = np.array([[0.7, 0.2, 0.1], [0.0, 1.0, 0.0], [0.3, 0.3, 0.4]]), np.array([12, 5, 30]), np.array([0.5, 0.3, 0.2])
    fixed = [((rng.multinomial(n, row, 4000) / n - row) ** 2).sum(1) for n, row in zip(sizes, true, strict=True)]
    found = functional.expected_matrix_error(torch.from_numpy(true), torch.from_numpy(sizes))
    assert float(found) == pytest.approx(float(np.sum([f.mean() for f in fixed])), rel=0.05)
    errors = []
    for _ in range(3000):
        right = torch.from_numpy(rng.choice(3, 200, p=prior))
        given = torch.from_numpy((rng.random(200)[:, None] > true.cumsum(1)[right.numpy()]).sum(1).clip(max=2))
        errors.append(((functional.counted_transition(right, given, 3).numpy() - true) ** 2).sum())
    found = functional.expected_matrix_error_of_sample(torch.from_numpy(true), torch.from_numpy(prior), 200)
    assert float(found) == pytest.approx(np.mean(errors), rel=0.05)
    rare, one = torch.tensor([0.99, 0.01]).double(), torch.full((2, 2), 0.5).double()
    by_hand = [sum(float(n_r) / r for r, n_r in zip(range(1, 20), binom.pmf(range(1, 20), 20, p), strict=True)) / 2 for p in (0.99, 0.01)]
    found = functional.expected_matrix_error_of_sample(one, rare, 20)
    assert float(found) == pytest.approx(sum(by_hand))
    assert float(found) < 0.5 / 2  # most samples have nobody of the rare class, which the formula passes over: it is too small there
