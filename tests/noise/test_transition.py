"""Matrices of any kind: superclasses, blocks, files, random ones."""

from __future__ import annotations

import json
from pathlib import Path
from typing import Any

import numpy as np
import pytest
from scipy.stats import chisquare

from benchmark.core.errors import ConfigError, DataError
from benchmark.core.types import Corruption, Labels
from benchmark.data.problems import Multiclass
from benchmark.noise.base import Context, realised_transition
from benchmark.noise.class_conditional import Block5, ClassConditional, Symmetric, SymmetricInclusive
from benchmark.noise.streams import Streams
from benchmark.noise.superclass import CIFAR100, FINE, Superclass
from benchmark.noise.transition import ClassRandom, Transition

LEVEL = 1e-3
OWNER = {name: group for group, members in CIFAR100.items() for name in members}


def balanced(names: tuple[str, ...], per_class: int) -> Labels:
    return Multiclass(names).labels(np.arange(len(names) * per_class) % len(names))


def made(noise: ClassConditional, labels: Labels, seed: int = 0) -> Corruption:
    return noise(labels, Streams(labels, seed), Context())


def targets_inside(noise: ClassConditional) -> int:
    """Classes of CIFAR-100 whose wrong class is of their superclass."""
    labels = balanced(FINE, 1)
    given = made(noise, labels).observed
    assert (given != labels.value).all()
    return sum(OWNER[FINE[right]] == OWNER[FINE[wrong]] for right, wrong in zip(labels.value, given, strict=True))


def test_superclass_keeps_every_target_inside_and_blocks_of_five_keep_six() -> None:
    assert (targets_inside(Superclass(1.0)), targets_inside(Block5(1.0))) == (100, 6)


def test_the_table_of_superclasses_has_twenty_groups_of_five() -> None:
    assert len(CIFAR100) == 20
    assert {len(members) for members in CIFAR100.values()} == {5}
    assert len(set(FINE)) == 100
    # ids of torchvision and of the official files
    assert [FINE[i] for i in (0, 1, 19, 41, 58, 99)] == ["apple", "aquarium_fish", "cattle", "lawn_mower", "pickup_truck", "worm"]


def test_superclass_is_one_cycle_of_each_group_in_the_order_of_ids() -> None:
    matrix = Superclass(1.0).transition(balanced(FINE, 1))
    assert np.array_equal(matrix.sum(0), np.ones(100))
    for members in CIFAR100.values():
        ids = sorted(FINE.index(name) for name in members)
        assert [int(matrix[i].argmax()) for i in ids] == [*ids[1:], ids[0]]


def test_superclass_goes_by_name_and_takes_numbers_for_ids() -> None:
    turned = FINE[::-1]
    matrix = Superclass(1.0).transition(balanced(turned, 1))
    assert all(OWNER[turned[i]] == OWNER[turned[int(row.argmax())]] for i, row in enumerate(matrix))
    other = tuple({"crab": "cra", "maple_tree": "maple tree"}.get(name, name) for name in FINE)
    assert np.array_equal(Superclass(1.0).transition(balanced(other, 1)), Superclass(1.0).transition(balanced(FINE, 1)))
    numbered = Superclass(0.3).transition(balanced(tuple(map(str, range(100))), 1))
    assert np.array_equal(numbered, Superclass(0.3).transition(balanced(FINE, 1)))


def test_superclass_takes_groups_of_its_own_and_refuses_others() -> None:
    labels = balanced(("cat", "car", "dog", "bus"), 3)
    given = made(Superclass(1.0, {"animal": ["cat", "dog"], "vehicle": ["car", "bus"]}), labels).observed
    assert np.array_equal(given, (labels.value + 2) % 4)
    with pytest.raises(ConfigError, match="names class 'beaver', which the task does not have"):
        made(Superclass(), labels)
    with pytest.raises(ConfigError, match=r"noise\.groups='cifar10' is unknown"):
        Superclass(0.2, "cifar10")


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


def test_class_random_sends_each_class_to_one_other() -> None:
    labels = balanced(tuple("abcdef"), 3000)
    found = made(ClassRandom(0.4), labels)
    matrix = found.true_transition
    assert matrix is not None
    np.testing.assert_allclose(matrix[0].diagonal(), 0.6)
    assert ((matrix[0] > 0).sum(1) == 2).all()
    np.testing.assert_allclose(realised_transition(labels, found.observed), matrix, atol=4 * np.sqrt(0.24 / 3000))
    seeds = [made(ClassRandom(1.0), balanced(tuple("abcdef"), 1), seed).observed.tolist() for seed in range(6)]
    assert len(set(map(tuple, seeds))) > 1


@pytest.mark.parametrize("suffix", ["npy", "csv", "json"])
def test_transition_reads_a_matrix(suffix: str, tmp_path: Path) -> None:
    matrix = np.array([[0.5, 0.5, 0.0], [0.25, 0.75, 0.0], [0.0, 0.0, 1.0]])
    path = tmp_path / f"matrix.{suffix}"
    if suffix == "npy":
        np.save(path, matrix)
    elif suffix == "csv":
        np.savetxt(path, matrix, delimiter=",")
    else:
        path.write_text(json.dumps(matrix.tolist()))
    labels = balanced(tuple("abc"), 2000)
    found = made(Transition(str(path)), labels)
    assert found.transition is not None
    np.testing.assert_allclose(found.transition[0], matrix, atol=4 * 0.5 / np.sqrt(2000))
    assert np.array_equal(found.observed, made(Transition(matrix.tolist()), labels).observed)
    assert Transition(str(path)).files() == (path,)


@pytest.mark.parametrize("diagonal", [0.7, [0.9, 0.2, 0.5, 1.0]])
def test_a_random_transition_has_its_diagonal(diagonal: Any) -> None:
    labels = balanced(tuple("abcd"), 2)
    matrix = made(Transition(diagonal=diagonal), labels).true_transition
    assert matrix is not None
    np.testing.assert_allclose(matrix[0].diagonal(), diagonal)
    np.testing.assert_allclose(matrix[0].sum(1), 1)
    assert matrix.min() >= 0
    other = made(Transition(diagonal=diagonal), labels, 1).true_transition
    assert not np.allclose(matrix, other)


def test_flips_of_a_random_transition_are_nested_in_its_diagonal() -> None:
    labels = balanced(tuple("abcd"), 500)
    high, low = (made(Transition(diagonal=stay), labels).observed for stay in (0.4, 0.8))
    flipped = low != labels.value
    assert flipped.sum() < (high != labels.value).sum()
    assert np.array_equal(low[flipped], high[flipped])


@pytest.mark.parametrize(
    ("options", "error", "hint"),
    [
        ({"matrix": [[0.5, 0.5], [0.2, 0.7]]}, ConfigError, r"row 1 sums to 0\.9, not 1"),
        ({"matrix": [[1.5, -0.5], [0.0, 1.0]]}, ConfigError, "negative or undefined"),
        ({"matrix": [[float("nan"), 1.0], [0.0, 1.0]]}, ConfigError, "negative or undefined"),
        ({"matrix": np.eye(3).tolist()}, ConfigError, "the labels have 2 classes: give a 2 x 2 matrix"),
        ({"matrix": [[1.0, 0.0], [1.0]]}, ConfigError, r"noise\.matrix is no matrix of numbers"),
        ({"matrix": "nowhere.npy"}, DataError, r"noise\.matrix=nowhere\.npy cannot be read"),
        ({"diagonal": [0.5, 0.5, 0.5]}, ConfigError, r"noise\.diagonal has 3 entries, the task has 2 classes"),
    ],
)
def test_matrices_that_are_none_are_refused_in_one_line(options: Any, error: type[Exception], hint: str) -> None:
    with pytest.raises(error, match=hint) as caught:
        made(Transition(**options), balanced(("a", "b"), 2))
    assert "\n" not in str(caught.value)


def test_files_that_hold_no_matrix_are_refused(tmp_path: Path) -> None:
    for name, content in (("a.csv", b"1,x\n2,3\n"), ("b.npy", b"not an array"), ("c.json", b"{")):
        (tmp_path / name).write_bytes(content)
        with pytest.raises(DataError, match=r"no matrix of numbers|cannot be read") as caught:
            made(Transition(str(tmp_path / name)), balanced(("a", "b"), 2))
        assert "\n" not in str(caught.value)


def test_a_single_class_has_no_wrong_one() -> None:
    for noise in (Symmetric(), SymmetricInclusive(), ClassRandom(), Transition()):
        with pytest.raises(ConfigError, match="no wrong class to give"):
            made(noise, balanced(("a",), 4))
