"""Names that are looked up."""

from __future__ import annotations

import numpy as np
import pytest
from support.entities import NAMES, assert_valid, errors, labels_with_entities, made

from benchmark.core.types import Labels
from benchmark.data.problems import Tagging
from benchmark.noise.base import Context


@pytest.fixture(scope="module")
def labels() -> Labels:
    return labels_with_entities()


def test_gazetteer_is_a_scan_without_context() -> None:
    """Words 1 = Paris (place twice, person once), 2 3 = New York, 9 = other. All names are listed."""
    loc, org_b, org_i, per = 1, 3, 4, 5
    tokens = np.array([[1, 9, 2, 3], [1, 9, 9, 3], [1, 2, 3, 9], [2, 9, 9, 9]])
    y = np.array([[loc, 0, org_b, org_i], [loc, 0, 0, 0], [per, 0, 0, 0], [0, 0, 0, 0]])
    labels = Tagging(NAMES, 4).labels(y)
    found = made("gazetteer", labels, Context(tokens=tokens.reshape(-1)), coverage=1.0, mistaken=0.0).observed.reshape(4, 4)
    # the person becomes a place, New York is found where it was no entity, its parts alone are not
    assert found.tolist() == [[loc, 0, org_b, org_i], [loc, 0, 0, 0], [loc, org_b, org_i, 0], [0, 0, 0, 0]]


def test_more_coverage_lists_more_names(labels: Labels) -> None:
    labels = Tagging(NAMES, 16).labels(labels.value.reshape(-1, 16)[:400])
    tokens = Context(tokens=np.random.default_rng(1).integers(0, 400, labels.value.size))
    found = [made("gazetteer", labels, tokens, coverage=c, mistaken=0.0).observed for c in (0.0, 0.3, 0.9)]
    assert (found[0] <= 0).all()
    missing = [errors(labels, one)["missing"] for one in found]
    assert missing[0] > missing[1] > missing[2]
    for one in found:
        assert_valid(labels, one)
