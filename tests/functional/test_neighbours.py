"""Dimension, outliers and medoids among neighbours, against scikit-learn and greedy search."""

from __future__ import annotations

import math

import numpy as np
import pytest
import torch
from sklearn.neighbors import LocalOutlierFactor

from benchmark.functional.neighbours import intrinsic_dimension, medoids, outlier_factor


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
