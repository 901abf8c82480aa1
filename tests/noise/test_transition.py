"""Matrices of any kind: superclasses, blocks, files, random ones."""

from __future__ import annotations

import json
from pathlib import Path
from typing import Any

import numpy as np
import pytest
from support.classes import balanced, made

from benchmark.core.errors import ConfigError, DataError
from benchmark.noise.base import realised_transition
from benchmark.noise.class_conditional import Symmetric, SymmetricInclusive
from benchmark.noise.transition import ClassRandom, Transition


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
