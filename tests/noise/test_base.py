"""Flips by a matrix follow it, and matrices that are none are refused."""

from __future__ import annotations

from typing import Any

import numpy as np
import pytest
from scipy.stats import chisquare
from support.classes import balanced, counts

from benchmark.core.errors import ConfigError
from benchmark.data.problems import Multiclass, MultiLabel
from benchmark.noise.base import flip_by_transition, realised_transition
from benchmark.noise.streams import Streams

LEVEL = 1e-3  # of the tests of fit; seeds are fixed, so they pass or fail for good


def test_flips_by_any_matrix_follow_it() -> None:
    labels = balanced(tuple("abcde"), 6000)
    matrix = np.random.default_rng(4).dirichlet(np.ones(5), 5)
    matrix[2] = [0.0, 0.5, 0.5, 0.0, 0.0]  # zeros at both ends
    table = counts(labels, flip_by_transition(labels, matrix, Streams(labels, 0)))
    assert not table[matrix == 0].any()
    for row, expected in zip(table, matrix, strict=True):
        assert chisquare(row[expected > 0], 6000 * expected[expected > 0]).pvalue > LEVEL


def test_flips_by_a_matrix_for_each_column_follow_their_own() -> None:
    labels = MultiLabel(["p", "q", "r"]).labels(np.random.default_rng(0).integers(0, 2, (5000, 3)))
    matrix = np.array([[[1.0, 0.0], [0.4, 0.6]], [[0.9, 0.1], [0.0, 1.0]], [[0.5, 0.5], [1.0, 0.0]]])
    found = realised_transition(labels, flip_by_transition(labels, matrix, Streams(labels, 0)))
    np.testing.assert_allclose(found, matrix, atol=4 * 0.5 / np.sqrt(2400))
    assert np.array_equal(found == 0, matrix == 0)


@pytest.mark.parametrize(
    ("matrix", "hint"),
    [
        ([[1.1, -0.1, 0.0], [0, 1, 0], [0, 0, 1]], "negative or undefined entry"),
        ([[1.0, float("nan"), 0.0], [0, 1, 0], [0, 0, 1]], "negative or undefined entry"),
        ([[1.0, float("inf"), 0.0], [0, 1, 0], [0, 0, 1]], "negative or undefined entry"),
        ([[1.0, 0, 0], [0, 0.5, 0.4], [0, 0, 1]], r"row 1 sums to 0\.9, not 1"),
        ([[1.0, 0, 0], [0, 1, 0], [0, 0.1, 1]], r"row 2 sums to 1\.1, not 1"),
        (np.eye(2), "the labels have 3 classes: give a 3 x 3 matrix"),
        (np.eye(4), "the labels have 3 classes"),
        (np.eye(3)[:2], "the labels have 3 classes"),
        (np.ones(3) / 3, "the labels have 3 classes"),
    ],
)
def test_matrices_that_are_none_are_refused_in_one_line(matrix: Any, hint: str) -> None:
    labels = balanced(tuple("abc"), 4)
    with pytest.raises(ConfigError, match=hint) as caught:
        flip_by_transition(labels, np.asarray(matrix), Streams(labels, 0))
    assert "\n" not in str(caught.value)


def test_rounding_errors_of_a_matrix_are_accepted() -> None:
    labels = balanced(tuple("abc"), 4)
    matrix = np.full((3, 3), 1 / 3) + 1e-9
    assert len(flip_by_transition(labels, matrix, Streams(labels, 0))) == 12


def test_dead_and_unknown_labels_are_no_class() -> None:
    labels = Multiclass(list("abc")).labels(np.array([0, -1, 1, 2, -1] * 20))
    given = flip_by_transition(labels, np.roll(np.eye(3), 1, axis=1), Streams(labels, 0))
    assert np.array_equal(given, np.where(labels.value < 0, -1, (labels.value + 1) % 3))
