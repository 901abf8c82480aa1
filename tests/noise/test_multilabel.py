"""Noise of multi-label tasks: how often, in which direction, in which column."""

from __future__ import annotations

import numpy as np
import pytest

from benchmark.core.types import Labels
from benchmark.data.problems import MultiLabel
from benchmark.noise.base import Context, Noise
from benchmark.noise.multilabel import LabelFlip, MissingPositive
from benchmark.noise.streams import Streams

SHARES = np.array([0.5, 0.2, 0.05, 0.9])


@pytest.fixture(scope="module")
def labels() -> Labels:
    rng = np.random.default_rng(0)
    y = (rng.random((6000, len(SHARES))) < SHARES).astype(np.int64)
    return MultiLabel(list("pqrs")).labels(np.where(rng.random(y.shape) < 0.05, -1, y))


def observed(noise: Noise, labels: Labels, seed: int = 0) -> np.ndarray:
    return noise(labels, Streams(labels, seed), Context()).observed


def assert_share(hits: np.ndarray, rate: float) -> None:
    assert abs(hits.mean() - rate) < 4 * np.sqrt(max(rate * (1 - rate), 1e-12) / len(hits))


@pytest.mark.parametrize(("fpr", "fnr"), [(0.03, 0.3), (0.2, 0.0), (0.0, 0.6), (0.5, 0.5)])
def test_label_flip_has_its_rates_in_every_column(labels: Labels, fpr: float, fnr: float) -> None:
    given = observed(LabelFlip(fpr, fnr), labels)
    for column in range(len(SHARES)):
        here = labels.live & (labels.column == column)
        assert_share(given[here & (labels.value == 0)] == 1, fpr)
        assert_share(given[here & (labels.value == 1)] == 0, fnr)


def test_label_flip_of_both_rates_one_turns_everything_around(labels: Labels) -> None:
    given = observed(LabelFlip(1.0, 1.0), labels)
    assert np.array_equal(given, np.where(labels.live, 1 - labels.value, -1))


def test_unknown_labels_stay_unknown_and_values_stay_binary(labels: Labels) -> None:
    given = observed(LabelFlip(0.4, 0.4), labels)
    assert np.array_equal(given == -1, ~labels.live)
    assert set(given[labels.live]) == {0, 1}


@pytest.mark.parametrize("rate", [0.1, 0.5, 1.0])
def test_missing_positive_never_adds_one(labels: Labels, rate: float) -> None:
    given = observed(MissingPositive(rate), labels)
    assert not ((given == 1) & (labels.value != 1)).any()
    assert_share(given[labels.value == 1] == 0, rate)


def test_missing_positive_is_label_flip_without_false_positives(labels: Labels) -> None:
    assert np.array_equal(observed(MissingPositive(0.3), labels), observed(LabelFlip(0.0, 0.3), labels))
    assert MissingPositive(0.3).nominal_rate() == 0.3
    assert LabelFlip(0.1, 0.3).nominal_rate() is None


def test_flips_of_one_example_are_independent(labels: Labels) -> None:
    flipped = (observed(LabelFlip(0.4, 0.4), labels) != labels.value).reshape(-1, len(SHARES))
    correlation = np.corrcoef(flipped.T) - np.eye(len(SHARES))
    assert np.abs(correlation).max() < 4 / np.sqrt(len(flipped)) + 0.05**2  # unknown labels do not flip


def test_rates_of_the_two_directions_are_nested(labels: Labels) -> None:
    low, high = observed(LabelFlip(0.1, 0.2), labels), observed(LabelFlip(0.1, 0.5), labels)
    assert np.array_equal(low[labels.value == 0], high[labels.value == 0])
    assert not ((low != labels.value) & (high == labels.value)).any()
