"""Noise that depends on the right class alone: the matrices, and that flips follow them."""

from __future__ import annotations

from typing import Any

import numpy as np
import pytest
from scipy.stats import chi2_contingency, chisquare
from support.classes import balanced, counts, made

from benchmark.core.errors import ConfigError
from benchmark.core.types import Labels
from benchmark.data.problems import Multiclass, Tagging
from benchmark.noise.base import Context, flip_by_transition
from benchmark.noise.class_conditional import Asymmetric, Block5, ClassConditional, PairFlip, Symmetric, SymmetricInclusive
from benchmark.noise.streams import Streams

CIFAR10 = ("airplane", "automobile", "bird", "cat", "deer", "dog", "frog", "horse", "ship", "truck")
CIFAR10_MAP = {"truck": "automobile", "bird": "airplane", "cat": "dog", "dog": "cat", "deer": "horse"}
DIGITS = tuple("0123456789")
MNIST_MAP = {"7": "1", "2": "7", "5": "6", "6": "5", "3": "8"}
LEVEL = 1e-3  # of the tests of fit; seeds are fixed, so they pass or fail for good


def observed(noise: ClassConditional, labels: Labels, seed: int = 0) -> np.ndarray:
    return noise(labels, Streams(labels, seed), Context()).observed


@pytest.mark.parametrize("noise", [Symmetric, PairFlip, Asymmetric])
@pytest.mark.parametrize("rate", [0.0, 0.1, 0.45, 1 / 3, 0.9, 1.0])
def test_rows_of_the_matrix_are_distributions(noise: type[ClassConditional], rate: float) -> None:
    for names in (CIFAR10, DIGITS):
        matrix = noise(rate).transition(balanced(names, 2))
        assert matrix.min() >= 0
        np.testing.assert_allclose(matrix.sum(1), 1, rtol=0, atol=1e-15)
        assert set(matrix.diagonal().round(12)) <= {round(1 - rate, 12), 1.0}


def test_symmetric_matrix_spreads_the_rate_over_the_wrong_classes() -> None:
    matrix = Symmetric(0.3).transition(balanced(tuple("abcd"), 1))
    np.testing.assert_allclose(matrix, np.where(np.eye(4) == 1, 0.7, 0.1))


@pytest.mark.parametrize("classes", [2, 3, 10])
def test_symmetric_never_gives_the_right_class(classes: int) -> None:
    labels = balanced(tuple(map(str, range(classes))), 2000)
    assert not (observed(Symmetric(1.0), labels) == labels.value).any()


@pytest.mark.parametrize("rate", [0.2, 0.7])
def test_symmetric_flips_follow_its_matrix(rate: float) -> None:
    """The fast path against the matrix, and against flips drawn from the matrix."""
    labels = balanced(tuple("abcde"), 6000)
    noise = Symmetric(rate)
    fast = counts(labels, observed(noise, labels, 1))
    assert chisquare(fast.reshape(-1), 6000 * noise.transition(labels).reshape(-1), ddof=4).pvalue > LEVEL
    slow = counts(labels, flip_by_transition(labels, noise.transition(labels), Streams(labels, 2)))
    assert chi2_contingency(np.stack([fast.reshape(-1), slow.reshape(-1)])).pvalue > LEVEL


def test_pairflip_gives_the_next_class() -> None:
    labels = balanced(CIFAR10, 500)
    given = observed(PairFlip(0.45), labels)
    flipped = given != labels.value
    assert np.array_equal(given[flipped], (labels.value[flipped] + 1) % 10)
    assert abs(flipped.mean() - 0.45) < 4 * np.sqrt(0.45 * 0.55 / 5000)
    np.testing.assert_array_equal(PairFlip(1.0).transition(labels), np.roll(np.eye(10), 1, axis=1))


@pytest.mark.parametrize(("names", "mapping", "expected"), [(CIFAR10, "cifar10", CIFAR10_MAP), (DIGITS, "mnist", MNIST_MAP)])
@pytest.mark.parametrize("order", [1, -1])
def test_asymmetric_maps_by_class_name(names: tuple[str, ...], mapping: str, expected: dict[str, str], order: int) -> None:
    """Found alone from the names, whatever the order of the classes is."""
    labels = balanced(names[::order], 20)
    for chosen in ("auto", mapping):
        given = observed(Asymmetric(1.0, chosen), labels)
        pairs = {(labels.names[right], labels.names[wrong]) for right, wrong in zip(labels.value, given, strict=True) if right != wrong}
        assert pairs == set(expected.items())


def test_asymmetric_of_tags_keeps_the_prefix() -> None:
    names = ("O", "B-PER", "I-PER", "B-LOC", "I-LOC", "B-ORG", "I-ORG")
    labels = Tagging(names, 7).labels(np.tile(np.arange(7), (30, 1)))
    given = observed(Asymmetric(1.0), labels)
    pairs = {(names[right], names[wrong]) for right, wrong in zip(labels.value, given, strict=True) if right != wrong}
    assert pairs == {(f"{p}-{a}", f"{p}-{b}") for p in "BI" for a, b in (("PER", "ORG"), ("ORG", "LOC"), ("LOC", "ORG"))}


@pytest.mark.parametrize("rate", [0.1, 0.2, 0.4])
def test_asymmetric_corrupts_half_of_its_rate_on_balanced_cifar10(rate: float) -> None:
    labels = balanced(CIFAR10, 2000)
    wrong = observed(Asymmetric(rate), labels) != labels.value
    assert abs(wrong.mean() - rate / 2) < 4 * np.sqrt(rate * (1 - rate) * 10_000) / 20_000


def test_asymmetric_flips_nothing_twice() -> None:
    """Cats become dogs and dogs become cats, both counted from the right labels: none is flipped back."""
    labels = balanced(CIFAR10, 4000)
    cat, dog, automobile, truck = (CIFAR10.index(name) for name in ("cat", "dog", "automobile", "truck"))
    every = observed(Asymmetric(1.0), labels)
    assert set(every[labels.value == cat]) == {dog}
    assert set(every[labels.value == dog]) == {cat}
    assert set(every[labels.value == truck]) == {automobile}
    table = counts(labels, observed(Asymmetric(0.4), labels))
    for right, wrong in ((cat, dog), (dog, cat)):
        assert table[right].sum() == table[right, right] + table[right, wrong]
        assert abs(table[right, wrong] - 1600) < 4 * np.sqrt(4000 * 0.4 * 0.6)


def test_asymmetric_takes_a_mapping_of_its_own() -> None:
    labels = balanced(("red", "green", "blue"), 50)
    given = observed(Asymmetric(1.0, {"red": "blue"}), labels)
    assert np.array_equal(given, np.where(labels.value == 0, 2, labels.value))
    digits = balanced(DIGITS, 5)  # yaml reads 7: 1 as numbers
    assert np.array_equal(observed(Asymmetric(1.0, {7: 1}), digits), np.where(digits.value == 7, 1, digits.value))  # type: ignore[dict-item]


@pytest.mark.parametrize(
    ("names", "mapping", "hint"),
    [
        (("red", "green", "blue"), {"red": "bleu"}, r"noise\.mapping names unknown class 'bleu': did you mean 'blue'"),
        (("red", "green", "blue"), {"rad": "blue"}, r"noise\.mapping names unknown class 'rad': did you mean 'red'"),
        (CIFAR10, "cifar", r"noise\.mapping='cifar' is unknown: did you mean 'cifar10'"),
        (CIFAR10, "mnist", r"noise\.mapping=mnist fits no class"),
        (("red", "green", "blue"), "auto", r"noise\.mapping=auto fits no class of this task \(red, green, blue, \.\.\.\): give noise\.mapping="),
        (CIFAR10[:-1], "cifar10", "fits no class"),
    ],
)
def test_asymmetric_refuses_names_that_do_not_fit(names: tuple[str, ...], mapping: Any, hint: str) -> None:
    with pytest.raises(ConfigError, match=hint) as caught:
        observed(Asymmetric(0.2, mapping), balanced(names, 2))
    assert "\n" not in str(caught.value)


class Fixed(Streams):
    """Streams of one number: every unit flips, and picks there."""

    def __init__(self, labels: Labels, pick: float) -> None:
        super().__init__(labels)
        self._drawn = {"flip": np.zeros(len(labels.value)), "pick": np.full(len(labels.value), pick)}


@pytest.mark.parametrize("pick", [0.0, 2.0**-53, 0.5, 1 - 2.0**-30])
def test_ends_of_the_stream_pick_a_possible_wrong_class(pick: float) -> None:
    labels = balanced(CIFAR10, 3)
    for noise in (Symmetric(0.5), PairFlip(0.5), Asymmetric(0.5)):
        matrix = noise.transition(labels)
        flips = matrix.diagonal()[labels.value] < 1
        for given in (flip_by_transition(labels, matrix, Fixed(labels, pick)), noise(labels, Fixed(labels, pick), Context()).observed):
            assert np.array_equal(given != labels.value, flips)
            assert (matrix[labels.value, given] > 0).all()


def test_exact_symmetric_noise_flips_exactly_its_share_where_seed_0_is_an_unlucky_draw() -> None:
    labels = balanced(CIFAR10, 5000)
    drawn = (observed(Symmetric(0.4), labels, 0) != labels.value).mean()
    assert drawn > 0.407  # 3.3 standard deviations
    for seed in range(3):
        assert (observed(Symmetric(0.4, exact=True), labels, seed) != labels.value).sum() == 20000


@pytest.mark.parametrize("size", [1, 7, 10, 333])
@pytest.mark.parametrize("rate", [0.0, 0.15, 0.35, 0.5, 1.0])
def test_exact_symmetric_noise_counts_live_units_only(rate: float, size: int) -> None:
    y = np.where(np.arange(2 * size) % 2 == 0, np.arange(2 * size) % 10, -1)
    labels = Multiclass(DIGITS).labels(y)
    given = observed(Symmetric(rate, exact=True), labels, 3)
    assert (given[labels.live] != y[labels.live]).sum() == round(rate * size)
    assert (given[~labels.live] == labels.value[~labels.live]).all()


def test_exact_symmetric_noise_flips_the_smallest_draws_with_the_same_wrong_labels() -> None:
    labels = balanced(DIGITS, 30)
    flip = Streams(labels, 5)["flip"]
    everything = observed(Symmetric(1.0), labels, 5)
    before = np.zeros(300, dtype=bool)
    for rate in (0.1, 0.2, 0.21, 0.7):
        given = observed(Symmetric(rate, exact=True), labels, 5)
        wrong = given != labels.value
        assert flip[wrong].max() < flip[~wrong].min()
        assert (given[wrong] == everything[wrong]).all()
        assert (before <= wrong).all()
        before = wrong


def test_exact_symmetric_noise_says_that_a_unit_s_fate_depends_on_the_others() -> None:
    assert Symmetric(0.4).not_local == Symmetric.not_local == ""
    assert "all units" in Symmetric(0.4, exact=True).not_local
    assert Symmetric.not_local == ""
    tagging = Tagging(["O", "B-X"], 4)
    y = np.where(np.arange(4) < [[2], [4], [3]], 1, -1)
    labels = tagging.labels(y)
    given = observed(Symmetric(1 / 3, exact=True), labels, 1)
    assert (given[labels.live] == 0).sum() == 3


def test_block5_is_the_next_id_and_needs_blocks() -> None:
    labels = balanced(tuple("abcdefghij"), 1)
    assert made(Block5(1.0), labels).observed.tolist() == [1, 2, 3, 4, 0, 6, 7, 8, 9, 5]
    with pytest.raises(ConfigError, match="that 5 divides; the task has 7"):
        made(Block5(), balanced(tuple("abcdefg"), 1))


@pytest.mark.parametrize("rate", [0.2, 0.9])
def test_exclusive_and_inclusive_noise_follow_their_matrices(rate: float) -> None:
    labels = balanced(tuple("abcde"), 6000)
    exclusive, inclusive = Symmetric(rate).transition(labels), SymmetricInclusive(rate).transition(labels)
    np.testing.assert_allclose(inclusive, np.where(np.eye(5) == 1, 1 - rate + rate / 5, rate / 5))
    np.testing.assert_allclose(Symmetric(rate * 0.8).transition(labels), inclusive)
    for noise, matrix in ((Symmetric(rate), exclusive), (SymmetricInclusive(rate), inclusive)):
        found = made(noise, labels)
        assert found.true_transition is not None
        np.testing.assert_array_equal(found.true_transition[0], matrix)
        counts = np.bincount(labels.value * 5 + found.observed, minlength=25)
        assert chisquare(counts, 6000 * matrix.reshape(-1), ddof=4).pvalue > LEVEL
    wrong = made(SymmetricInclusive(rate), labels).observed != labels.value
    assert abs(wrong.mean() - 0.8 * rate) < 4 * np.sqrt(0.8 * rate * (1 - 0.8 * rate) / len(wrong))
