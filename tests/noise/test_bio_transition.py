"""A transition matrix of tags that gives valid tags only."""

from __future__ import annotations

import numpy as np
import pytest
from support.entities import NAMES, assert_valid, errors, labels_with_entities, made

from benchmark.core.errors import ConfigError
from benchmark.core.types import Labels
from benchmark.data.problems import Tagging
from benchmark.noise.base import Context


@pytest.fixture(scope="module")
def labels() -> Labels:
    return labels_with_entities()


@pytest.mark.parametrize("rate", [0.05, 0.4, 1.0])
def test_bio_transition_gives_valid_tags(rate: float, labels: Labels) -> None:
    found = made("bio_transition", labels, rate=rate)
    assert_valid(labels, found.observed)
    assert np.array_equal(found.observed < 0, ~labels.live)


def test_bio_transition_draws_from_the_allowed_part_of_the_row() -> None:
    """O, then any tag: at the start I- tags are not allowed."""
    labels = Tagging(NAMES, 1).labels(np.zeros((20_000, 1), dtype=int))
    row = [0.4, 0.1, 0.2, 0.1, 0.1, 0.05, 0.05]
    matrix = [row, *np.eye(7)[1:].tolist()]
    found = made("bio_transition", labels, matrix=matrix).observed
    expected = np.array([0.4, 0.1, 0, 0.1, 0, 0.05, 0]) / 0.65
    np.testing.assert_allclose(np.bincount(found, minlength=7) / 20_000, expected, atol=4 * 0.5 / np.sqrt(20_000))


def test_bio_transition_measures_recorded_tags_and_breaks_more_entities_than_tokens(labels: Labels) -> None:
    recorded = made("span", labels, preset="crowd").observed
    found = made("bio_transition", labels, Context({"crowd": recorded}), set="crowd")
    assert_valid(labels, found.observed)
    tokens = [(observed != labels.value)[labels.live].mean() for observed in (recorded, found.observed)]
    assert abs(tokens[0] - tokens[1]) < 0.05  # renormalised rows are near the measured ones, not equal
    right = [errors(labels, observed)["correct"] for observed in (recorded, found.observed)]
    assert right[1] < right[0]
    with pytest.raises(ConfigError, match=r"noise\.set='crow' is not recorded for this task: did you mean 'crowd'"):
        made("bio_transition", labels, Context({"crowd": recorded}), set="crow")
