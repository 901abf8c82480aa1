"""Noise on tokens and entities: valid tags, measured rates, names that are looked up."""

from __future__ import annotations

from collections import Counter
from typing import Any

import numpy as np
import pytest

from benchmark.api import load_noise
from benchmark.core.errors import ConfigError
from benchmark.core.types import Corruption, Labels
from benchmark.data.problems import Tagging
from benchmark.data.tags import find_spans, tagset
from benchmark.noise.base import Context
from benchmark.noise.span import PRESETS
from benchmark.noise.streams import Streams

NAMES = ("O", "B-LOC", "I-LOC", "B-ORG", "I-ORG", "B-PER", "I-PER")
OUTSIDE = 0
Entity = tuple[int, int, int, int]  # sentence, first, last, type


@pytest.fixture(scope="module")
def labels() -> Labels:
    """3,000 sentences of 16 tokens, about one entity in eight tokens, of one to three tokens."""
    rng = np.random.default_rng(0)
    y = np.zeros((3000, 16), dtype=np.int64)
    for row in y:
        at = int(rng.integers(0, 4))
        while at < 16:
            size, kind = int(rng.integers(1, 4)), int(rng.integers(0, 3))
            row[at : at + size] = 2 + 2 * kind
            row[at] = 1 + 2 * kind
            at += size + int(rng.integers(0, 10))
    return Tagging(NAMES, 16).labels(np.where(np.arange(16) >= rng.integers(10, 17, 3000)[:, None], -1, y))


def made(name: str, labels: Labels, context: Context | None = None, seed: int = 0, **options: Any) -> Corruption:
    return load_noise(name, **options)(labels, Streams(labels, seed), context or Context())


def entities(labels: Labels, tags: np.ndarray) -> set[Entity]:
    """By a plain scan."""
    found, open_ = set(), None
    for row, sentence in enumerate(tags.reshape(-1, labels.width).tolist()):
        for at, tag in enumerate([*sentence, OUTSIDE]):
            kind = (tag - 1) // 2 if tag > 0 else -1
            if open_ is not None and (tag <= 0 or tag % 2 == 1 or kind != open_[1]):
                found.add((row, open_[0], at - 1, open_[1]))
                open_ = None
            if open_ is None and tag > 0:
                open_ = (at, kind)
    return found


def errors(labels: Labels, observed: np.ndarray) -> Counter[str]:
    """Precision and recall, and counts of what overlaps what."""
    right, given = entities(labels, labels.value), entities(labels, observed)
    of_right, of_given = (np.zeros((3, labels.value.size), dtype=bool) for _ in range(2))
    places = {one[:3] for one in right}
    counts = Counter(right=len(right), given=len(given), correct=len(right & given))
    for grid, some in ((of_right, right), (of_given, given)):
        for row, first, last, _ in some:
            grid[0, row * labels.width + first : row * labels.width + last + 1] = True
    for row, first, last, _ in given - right:
        touched = of_right[0, row * labels.width + first : row * labels.width + last + 1].any()
        counts["spurious" if not touched else "type" if (row, first, last) in places else "boundary"] += 1
    counts["missing"] = sum(not of_given[0, row * labels.width + first : row * labels.width + last + 1].any() for row, first, last, _ in right)
    return counts


def assert_valid(labels: Labels, observed: np.ndarray) -> None:
    """No I- that continues nothing of its type."""
    grid = np.where(observed < 0, OUTSIDE, observed).reshape(-1, labels.width)
    before = np.concatenate([np.zeros((len(grid), 1), dtype=int), grid[:, :-1]], axis=1)
    inside = (grid > 0) & (grid % 2 == 0)
    assert ((before[inside] == grid[inside]) | (before[inside] == grid[inside] - 1)).all()


def test_spans_are_those_of_a_plain_scan(labels: Labels) -> None:
    spans = find_spans(labels, tagset(NAMES))
    found = {(int(f) // 16, int(f) % 16, int(e) % 16, int(k)) for f, e, k in zip(spans.first, spans.last, spans.kind, strict=True)}
    assert found == entities(labels, labels.value)


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
