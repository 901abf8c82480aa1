"""Beliefs about bags against the marginals of all labelings, and beliefs that do not settle."""

from __future__ import annotations

import itertools

import numpy as np
import pytest
import torch

from benchmark import functional as f


def marginals(bags: np.ndarray, count: np.ndarray, edges: np.ndarray, similarity: np.ndarray, weight_bag: float, weight_edge: float) -> np.ndarray:
    """By enumeration."""
    total, found = 0.0, np.zeros(bags.max() + 1)
    for labels in itertools.product((0, 1), repeat=len(found)):
        y = np.array(labels)
        energy = weight_bag * sum((y[bag[bag >= 0]].sum() - c) ** 2 for bag, c in zip(bags, count, strict=True))
        energy += weight_edge * (similarity * (y[edges[:, 0]] - y[edges[:, 1]]) ** 2).sum()
        total, found = total + np.exp(-energy), found + np.exp(-energy) * y
    return np.asarray(found / total)


BAGS, COUNT = np.array([[0, 1, 2, 3, 4], [5, 6, 7, 8, -1]]), np.array([1, 2])
EDGES = np.array([[0, 5], [1, 6], [2, 8], [3, 7], [4, 5], [0, 8], [1, 3], [6, 7]])
SIMILARITY = np.array([0.9, 0.1, 0.5, 0.3, 0.7, 0.8, 0.2, 0.6])


@pytest.mark.parametrize("weight", [0.5, 2.0, 10.0])
def test_beliefs_about_bags_settle_on_the_marginals(weight: float) -> None:
    """With a bag as pairs of its members they oscillate at weight 10, wrong by .37 on average."""
    bags, count, edges, similarity = (torch.from_numpy(part) for part in (BAGS, COUNT, EDGES, SIMILARITY))
    alone = f.bag_marginals(bags, count, edges[:0], similarity[:0], weight)
    assert np.allclose(alone, marginals(BAGS, COUNT, EDGES[:0], SIMILARITY[:0], weight, 1.0), atol=1e-4)
    tied = f.bag_marginals(bags, count, edges, similarity, weight, 1.0).numpy()
    exact = marginals(BAGS, COUNT, EDGES, SIMILARITY, weight, 1.0)
    assert np.abs(tied - exact).mean() < 0.03
    assert np.abs(exact - alone.numpy()).mean() > 0.03  # so that the edges matter


def test_beliefs_that_do_not_settle_are_refused() -> None:
    bags, count, edges, similarity = (torch.from_numpy(part) for part in (BAGS, COUNT, EDGES, SIMILARITY))
    with pytest.raises(ArithmeticError, match=r"still move by .* after 3 rounds: give more rounds"):
        f.bag_marginals(bags, count, edges, similarity, 10.0, 1.0, rounds=3)
