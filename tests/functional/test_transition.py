"""Estimators of the transition matrix against the same written once more in numpy, and against matrices that were planted."""

from __future__ import annotations

import numpy as np
import pytest
import torch
from support.formulas import AT, CLASSES, PER_UNIT, PROBABILITY, SCALED, TARGET, TRANSITION, Case, check_formula, check_gradient, tensor

from benchmark import functional

CASES: dict[str, Case] = {
    "importance_weight": (functional.importance_weight, (PROBABILITY, TARGET, TRANSITION), PROBABILITY[AT, TARGET] / (PROBABILITY @ TRANSITION)[AT, TARGET]),
    "importance_weight per unit": (
        functional.importance_weight,
        (PROBABILITY, TARGET, PER_UNIT),
        PROBABILITY[AT, TARGET] / np.einsum("ui,uij->uj", PROBABILITY, PER_UNIT)[AT, TARGET],
    ),
    "row_normalized": (functional.row_normalized, (SCALED,), SCALED / SCALED.sum(1)[:, None]),
}


RNG = np.random.default_rng(4)
POSTERIOR = RNG.dirichlet(np.full(4, 0.4), 300)
LABEL = RNG.integers(0, 4, 300)
PLANTED = np.array([[0.7, 0.2, 0.1], [0.05, 0.8, 0.15], [0.25, 0.05, 0.7]])


def anchors_by_hand(posterior: np.ndarray, percentile: float | None) -> np.ndarray:
    rows = []
    for i in range(posterior.shape[1]):
        column = posterior[:, i].copy()
        if percentile is not None:
            column[column >= np.percentile(column, percentile, method="higher")] = 0
        rows.append(posterior[column.argmax()])
    return np.array(rows)


@pytest.mark.parametrize("percentile", [97.0, 50.0, 100.0, None])
def test_anchors_are_the_units_of_largest_posterior_below_the_percentile(percentile: float | None) -> None:
    given = torch.from_numpy(POSTERIOR.copy())
    found = functional.anchor_transition(given, percentile)
    np.testing.assert_allclose(found, anchors_by_hand(POSTERIOR, percentile))
    np.testing.assert_array_equal(given, POSTERIOR)  # the released filter writes zeros into the posteriors
    np.testing.assert_allclose(found.sum(1), 1)


def test_anchors_with_equal_posteriors_fall_back_to_the_largest() -> None:
    posterior = torch.tensor([[0.3, 0.7]] * 5)
    torch.testing.assert_close(functional.anchor_transition(posterior, 97.0), posterior[:2])


def test_anchors_find_the_planted_matrix_where_there_are_anchor_points() -> None:
    clean = np.concatenate([np.eye(3), RNG.dirichlet(np.ones(3), 200)])
    found = functional.anchor_transition(torch.from_numpy(clean @ PLANTED), None)
    np.testing.assert_allclose(found, PLANTED, atol=1e-12)


def test_dual_t_multiplies_anchors_by_counts_in_this_order() -> None:
    counts = np.zeros((4, 4))
    np.add.at(counts, (POSTERIOR.argmax(1), LABEL), 1)
    carried, anchors = counts / counts.sum(1, keepdims=True), anchors_by_hand(POSTERIOR, 97.0)
    found = functional.dual_transition(torch.from_numpy(POSTERIOR), torch.from_numpy(LABEL), 97.0).numpy()
    np.testing.assert_allclose(found, anchors @ carried)
    assert np.abs(found - carried @ anchors).max() > 0.03  # the other order
    np.testing.assert_allclose(found.sum(1), 1)


def test_dual_t_keeps_the_row_of_a_class_that_is_never_predicted() -> None:
    posterior = torch.tensor([[0.6, 0.3, 0.1], [0.2, 0.7, 0.1]], dtype=torch.float64)
    found = functional.dual_transition(posterior, torch.tensor([0, 1]), None)
    torch.testing.assert_close(found.sum(1), torch.ones(3, dtype=torch.float64))


def test_nearest_two_by_hand_and_in_chunks() -> None:
    features = torch.from_numpy(RNG.normal(size=(50, 6)))
    unit = features / features.norm(dim=1, keepdim=True)
    near = (unit @ unit.T).numpy()
    np.fill_diagonal(near, -np.inf)
    expected = np.argsort(-near, axis=1)[:, :2]
    np.testing.assert_array_equal(functional.nearest_two(features), expected)
    np.testing.assert_array_equal(functional.nearest_two(features, chunk=7), expected)


def test_consensus_counts_triples_of_every_layer() -> None:
    labels = RNG.integers(0, 3, (2, 40, 3))
    third = np.zeros((2, 3, 3, 3))
    for layer in range(2):
        np.add.at(third[layer], tuple(labels[layer].T), 1 / 40)
    found = functional.consensus(torch.from_numpy(labels), 3)
    for got, expected in zip(found, (third.sum((2, 3)), third.sum(3), third), strict=True):
        np.testing.assert_allclose(got, expected)


def moments(prior: np.ndarray, transition: np.ndarray) -> tuple[torch.Tensor, torch.Tensor, torch.Tensor]:
    parts = (
        np.einsum("li,lij->lj", prior, transition),
        np.einsum("li,lij,lik->ljk", prior, transition, transition),
        np.einsum("li,lij,lik,lim->ljkm", prior, transition, transition, transition),
    )
    first, second, third = map(torch.from_numpy, parts)
    return first, second, third


def test_consensus_recovers_planted_matrices_and_priors() -> None:
    prior = np.array([[0.5, 0.3, 0.2], [1 / 3, 1 / 3, 1 / 3]])
    transition = np.stack([PLANTED, 0.6 * np.eye(3) + 0.4 / 3])
    found, weight = functional.consensus_transition(*moments(prior, transition), steps=600)
    np.testing.assert_allclose(found, transition, atol=0.01)
    np.testing.assert_allclose(weight, prior, atol=0.01)


def test_neighbors_in_feature_space_reveal_the_matrix() -> None:
    """Clusterable features: neighbours share the right class, each has a label of its own."""
    right = RNG.integers(0, 3, 3000)
    features = torch.from_numpy(8 * np.eye(3)[right] + RNG.normal(size=(3000, 3)))
    label = torch.from_numpy((RNG.random((3000, 1)) > PLANTED[right].cumsum(1)).sum(1))
    counts = functional.neighbor_consensus(features, label, 3, np.random.default_rng(0))
    found = functional.consensus_transition(*(part[None] for part in counts), steps=500)[0][0]
    assert float((found - torch.from_numpy(PLANTED)).abs().sum(1).mean()) < 0.12
    subsets = functional.neighbor_consensus(features, label, 3, np.random.default_rng(0), size=1500, rounds=3)
    torch.testing.assert_close(subsets[2], counts[2], atol=0.02, rtol=0)


@pytest.mark.parametrize("name", CASES)
def test_equals_the_formula(name: str) -> None:
    check_formula(CASES[name])


@pytest.mark.parametrize("name", CASES)
def test_gradient_equals_differences(name: str) -> None:
    check_gradient(CASES[name])


def test_rows_are_divided_by_their_own_sums() -> None:
    """Not, as released for T-Revision, column j by the sum of row j."""
    matrix = tensor(SCALED)
    wrong = matrix / matrix.sum(1)
    torch.testing.assert_close(functional.row_normalized(matrix).sum(1), torch.ones(CLASSES, dtype=torch.float64))
    assert not torch.allclose(wrong.sum(1), torch.ones(CLASSES, dtype=torch.float64), atol=0.1)
