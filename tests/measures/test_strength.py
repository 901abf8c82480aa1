"""How strong noise is: rates, information that is kept, the systematic share."""

from __future__ import annotations

import numpy as np
import pytest

from benchmark.core.types import Labels
from benchmark.data.problems import Multiclass, MultiLabel, Regression, Tagging
from benchmark.measures.strength import information_kept, noise_strength, systematic_share
from benchmark.noise.base import flip_by_transition, realised_transition
from benchmark.noise.streams import Streams

CLASSES = Multiclass(list("abcd"))
TAGS = Tagging(["O", "B-X", "I-X"], 4)


def exact(transition: np.ndarray, per_class: int = 1000) -> tuple[Labels, np.ndarray]:
    """Balanced labels whose realised transition is exactly this one."""
    k = len(transition)
    right = np.repeat(np.arange(k), per_class)
    given = np.concatenate([np.repeat(np.arange(k), np.round(row * per_class).astype(int)) for row in transition])
    return Multiclass(list(map(str, range(k)))).labels(right), given


@pytest.mark.parametrize(("classes", "rate"), [(2, 0.2), (5, 0.4), (10, 0.18), (5, 0.8)])
def test_symmetric_noise_keeps_the_information_of_its_closed_form(classes: int, rate: float) -> None:
    """1 - H(given | right) / log K, H = -(1 - r) log(1 - r) - r log(r / (K - 1)); margin 1 - r - r / (K - 1)."""
    off = rate / (classes - 1)
    labels, given = exact(np.where(np.eye(classes) == 1, 1 - rate, off))
    found = noise_strength(Multiclass(labels.names), labels, given)
    assert found["rate"] == pytest.approx(rate)
    assert found["information_kept"] == pytest.approx(1 + ((1 - rate) * np.log(1 - rate) + rate * np.log(off)) / np.log(classes))
    assert found["margin"] == pytest.approx(1 - rate - off)
    assert found["wrong"] == round(rate * classes * 1000)


def test_rates_do_not_rank_noise_of_different_families() -> None:
    """The numbers of PROTOCOL.md: asymmetric 40 % keeps .83 on balanced CIFAR-10, symmetric 20 % keeps .59."""
    confusions = np.eye(10)
    for right, wrong in ((9, 1), (2, 0), (3, 5), (5, 3), (4, 7)):
        confusions[right, right], confusions[right, wrong] = 0.6, 0.4
    labels, given = exact(confusions)
    asymmetric = noise_strength(Multiclass(labels.names), labels, given)
    labels, given = exact(np.where(np.eye(10) == 1, 0.8, 0.2 / 9), per_class=9000)
    symmetric = noise_strength(Multiclass(labels.names), labels, given)
    assert asymmetric["information_kept"] == pytest.approx(0.83, abs=0.005)
    assert symmetric["information_kept"] == pytest.approx(0.59, abs=0.005)
    assert asymmetric["margin"] == pytest.approx(0.2)


def test_information_is_all_kept_under_a_permutation_and_none_under_independence() -> None:
    right = np.repeat(np.arange(3), 60)
    assert information_kept(right, (right + 1) % 3) == pytest.approx(1.0)
    assert information_kept(right, np.tile(np.arange(3), 60)) == pytest.approx(0.0, abs=1e-12)
    assert information_kept(np.zeros(5, dtype=int), np.arange(5)) == 1.0


def test_noise_strength_counts_known_live_units_only() -> None:
    labels = Multiclass(list("ab")).labels(np.array([0, 0, 1, 1, -1]))
    found = noise_strength(Multiclass(list("ab")), labels, np.array([0, 1, 1, -1, 0]))
    assert (found["units"], found["wrong"]) == (3, 1)


def test_noise_strength_of_tokens_by_hand() -> None:
    right = np.array([[1, 2, 0, 0], [0, 1, 0, -1], [1, 0, 0, 1], [0, 0, 1, 2]])
    given = np.array([[1, 0, 0, 0], [0, 1, 0, -1], [0, 0, 0, 1], [1, 0, 1, 2]])
    found = noise_strength(TAGS, TAGS.labels(right), given.reshape(-1))
    assert found["units"] == 15
    assert found["rate"] == pytest.approx(3 / 15)
    assert found["rate_given_entity"] == pytest.approx(1 / 6)
    assert found["rate_given_outside"] == pytest.approx(2 / 9)
    assert found["span_precision"] == pytest.approx(3 / 5)  # a cut span, a lost one, and an invented one
    assert found["span_recall"] == pytest.approx(3 / 5)


def test_tokens_that_nobody_labelled_are_no_entity() -> None:
    right, given = np.array([[1, 0, 0, 0]]), np.array([[1, 0, -1, 0]])  # live, but without an observed label
    found = noise_strength(TAGS, TAGS.labels(right), given.reshape(-1))
    assert found["span_precision"] == 1.0


def test_noise_strength_of_labels_by_hand() -> None:
    problem = MultiLabel(["p", "q"])
    right = np.array([[1, 0], [1, 0], [0, 1], [0, -1]])
    given = np.array([[1, 1], [0, 0], [0, 1], [1, 1]])
    found = noise_strength(problem, problem.labels(right), given.reshape(-1))
    assert found["fpr"] == [0.5, 0.5]
    assert found["fnr"] == [0.5, 0.0]
    assert found["ppv"] == [0.5, 0.5]
    assert found["rate"] == pytest.approx(3 / 7)
    assert found["example_rate"] == pytest.approx(3 / 4)
    per_column = [0.0, information_kept(np.array([0, 0, 1]), np.array([1, 0, 1]))]
    assert found["information_kept"] == pytest.approx(np.mean(per_column))
    assert found["margin"] == pytest.approx(0.0)


def test_noise_strength_of_targets_by_hand() -> None:
    right = np.array([0.0, 1.0, 2.0, 3.0, 8.0, np.nan])
    given = np.array([0.0, 3.0, 2.0, 2.5, 8.0, 5.0])
    found = noise_strength(Regression("z"), Regression("z").labels(right), given)
    known = right[:5]
    assert found["rate"] == pytest.approx(2 / 5)
    assert found["error_rms"] == pytest.approx(np.sqrt((4 + 0.25) / 5) / known.std())
    assert found["beyond_eighth"] == pytest.approx(1 / 5)  # range 8
    assert found["information_kept"] == pytest.approx(np.corrcoef(known, given[:5])[0, 1] ** 2)


def psi(seed: int, follows_the_input: bool) -> float:
    """A model that decides for a look-alike on half of the units; mistakes fall on those units, or anywhere."""
    rng = np.random.default_rng(seed)
    right = rng.integers(0, 4, 4000)
    alike = rng.random(4000) < 0.5
    decision = np.where(alike, (right + 1) % 4, right)
    labels = CLASSES.labels(right)
    transition = np.full((4, 4), 0.05) + 0.8 * np.eye(4)
    given = np.where(alike & (rng.random(4000) < 0.4), (right + 1) % 4, right) if follows_the_input else None
    given = flip_by_transition(labels, transition, Streams(labels, seed)) if given is None else given
    redrawn = flip_by_transition(labels, realised_transition(labels, given), Streams(labels, "redrawn", seed))
    share = systematic_share(CLASSES, decision, labels, given, redrawn)
    assert share is not None
    return share


def test_systematic_share_of_class_conditional_noise_is_zero_in_expectation() -> None:
    shares = np.array([psi(seed, follows_the_input=False) for seed in range(60)])
    assert abs(shares.mean()) < 4 * shares.std(ddof=1) / np.sqrt(len(shares))
    assert shares.std() < 0.05


def test_systematic_share_is_positive_where_mistakes_follow_the_input() -> None:
    assert min(psi(seed, follows_the_input=True) for seed in range(5)) > 0.4  # 1 - 1/2 in expectation


def test_systematic_share_of_right_labels_is_nothing() -> None:
    labels = CLASSES.labels(np.arange(8) % 4)
    assert systematic_share(CLASSES, labels.value, labels, labels.value, labels.value) is None
