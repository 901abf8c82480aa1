"""Errors of whole entities: measured rates of the presets, one kind of error at a time."""

from __future__ import annotations

import numpy as np
import pytest
from support.entities import assert_valid, errors, labels_with_entities, made

from benchmark.api import load_noise
from benchmark.core.errors import ConfigError
from benchmark.core.types import Labels
from benchmark.data.problems import Tagging
from benchmark.noise.base import Context
from benchmark.noise.span import PRESETS


@pytest.fixture(scope="module")
def labels() -> Labels:
    return labels_with_entities()


# Precision and recall of the labels, and missing, spurious and wrong types per entity as counted without boundaries (training part).
MEASURED = {
    "expert": (0.944, 0.941, 114, 84, 364),
    "crowd_best": (0.896, 0.798, 1334, 444, 301),
    "crowd": (0.743, 0.552, 3013, 935, 610),
    "distant": (0.791, 0.593, 2815, 794, 473),
    "weak": (0.583, 0.645, 1345, 2207, 1522),
    "llm": (0.513, 0.602, 1656, 3068, 1559),
}


@pytest.mark.parametrize("preset", PRESETS)
def test_presets_imitate_the_measured_labels(preset: str, labels: Labels) -> None:
    found = made("span", labels, preset=preset)
    assert_valid(labels, found.observed)
    counts = errors(labels, found.observed)
    precision, recall, missing, spurious, kind = MEASURED[preset]
    assert abs(counts["correct"] / counts["given"] - precision) < 0.02
    assert abs(counts["correct"] / counts["right"] - recall) < 0.02
    assert abs((counts["right"] - counts["correct"] - counts["type"]) / counts["right"] - missing / 8081) < 0.02
    assert abs((counts["given"] - counts["correct"] - counts["type"]) / counts["right"] - spurious / 8081) < 0.02
    assert abs(counts["type"] / counts["right"] - kind / 8081) < 0.02
    for name, share in zip(("missing", "spurious", "type", "boundary"), PRESETS[preset], strict=True):
        assert abs(counts[name] / counts["right"] - share) < 0.02


@pytest.mark.parametrize("error", ["missing", "spurious", "type", "boundary"])
def test_each_error_comes_alone_with_its_rate(error: str, labels: Labels) -> None:
    found = made("span", labels, preset=None, **{error: 0.2})
    counts = errors(labels, found.observed)
    for name in ("missing", "spurious", "type", "boundary"):
        assert abs(counts[name] / counts["right"] - (0.2 if name == error else 0)) < (0.02 if name == error else 1e-9)
    assert_valid(labels, found.observed)


def test_a_rate_of_its_own_replaces_that_of_the_preset(labels: Labels) -> None:
    counts = errors(labels, made("span", labels, preset="crowd", missing=0.0).observed)
    assert counts["missing"] == 0
    assert counts["type"] > 0
    assert np.array_equal(made("span", labels, preset=None).observed, labels.value)


def test_one_type_has_no_wrong_one_and_tags_without_entities_are_refused() -> None:
    single = Tagging(("O", "B-X", "I-X"), 4).labels(np.tile([0, 1, 2, 0], (50, 1)))
    assert np.array_equal(made("span", single, preset=None, type=1.0).observed, single.value)
    words = Tagging(("NOUN", "VERB"), 4).labels(np.zeros((5, 4), dtype=int))
    for name, context in (("span", Context()), ("bio_transition", Context()), ("gazetteer", Context(tokens=np.zeros(20, dtype=int)))):
        with pytest.raises(ConfigError, match="needs IOB2 tags; this task has NOUN, VERB and lacks O"):
            made(name, words, context)


@pytest.mark.parametrize(
    ("options", "hint"), [({"missing": 0.9, "type": 0.2}, "is above 1: an entity has at most one"), ({"spurious": -0.1}, r"noise\.spurious=-0\.1")]
)
def test_rates_of_entities_that_are_none_are_refused(options: dict[str, float], hint: str) -> None:
    with pytest.raises(ConfigError, match=hint):
        load_noise("span", preset=None, **options)
