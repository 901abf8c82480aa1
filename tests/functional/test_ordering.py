"""Orders of targets and features against loops, ranks of scipy and released code."""

from __future__ import annotations

import itertools
import math

import numpy as np
import pytest
import torch
from scipy.stats import rankdata

from benchmark.functional.ordering import BlackboxRanks, descending_ranks, ordinal_entropy, rank_similarity

ARROWS = torch.tensor([[3.0, 0.0], [0.0, 4.0], [2.0, 2.0], [1.0, -1.0], [-2.0, 0.0]])
AGES = torch.tensor([0.0, 1.0, 1.0, 4.0, 4.0])


RNG = np.random.default_rng(5)


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


def test_ordinal_entropy_as_released() -> None:
    """needylove/OrdinalEntropy @75fc9d5: spread, and tightness less spread."""
    apart, tight = ordinal_entropy(ARROWS, AGES)
    assert float(apart) == pytest.approx(0.7863561511, rel=1e-5)
    assert float(tight - apart) == pytest.approx(-0.0464934707, rel=1e-4)


def test_ordinal_entropy_weighs_the_nearest_pair_by_nothing_and_the_farthest_by_less_than_one() -> None:
    apart, tight = ordinal_entropy(torch.eye(3), torch.tensor([0.0, 1.0, 3.0]))
    assert float(apart) == pytest.approx(2**0.5 * (0 + 1 / 3 + 2 / 3) / 3)  # distances 1, 2, 3
    assert float(tight) == 0
    assert float(ordinal_entropy(torch.eye(2), torch.tensor([0.0, 5.0]))[0]) == 0  # one pair is the nearest


def test_the_papers_centers_are_means_of_normalized_features() -> None:
    """Features (0, 4) and (2, 2) of one target: the directions count alike, whatever the lengths."""
    z = ARROWS / ARROWS.norm(dim=1, keepdim=True)
    centers = torch.stack([z[0], (z[1] + z[2]) / 2, (z[3] + z[4]) / 2])
    weights = {(0, 1): 0.0, (0, 2): 0.75, (1, 2): 0.5}
    expected = sum(w * float((centers[i] - centers[j]).norm()) for (i, j), w in weights.items()) / 3
    apart, tight = ordinal_entropy(ARROWS, AGES, "paper")
    assert float(apart) == pytest.approx(expected, rel=1e-5)
    of_four = [float((z[i] - centers[k]).norm()) for i, k in ((1, 1), (2, 1), (3, 2), (4, 2))]
    assert float(tight) == pytest.approx(sum(of_four) / 4, rel=1e-5)  # the first example is its own center


def test_ranksim_sums_over_examples_as_released() -> None:
    """BorealisAI/ranksim-imbalanced-regression @9e1c862: value, and gradient by blackbox differentiation with lam 2."""
    x = torch.tensor([[1.0, 0.0], [0.2, 1.0], [0.9, 0.5], [-0.3, 0.7]], requires_grad=True)
    value = rank_similarity(x, torch.tensor([0.0, 1.0, 3.2, 7.0]), 2.0, torch.arange(4))
    assert float(value.detach()) == pytest.approx(0.21875)
    value.backward()
    expected = torch.tensor([[0.0, -0.1844], [-0.4635, 0.0927], [0.0736, -0.1324], [0.1709, 0.0733]])
    torch.testing.assert_close(x.grad, expected, atol=1e-4, rtol=0)
