"""Answers of many sources: sorted by unit, found again, taken, and as a table."""

from __future__ import annotations

import numpy as np
import pytest

from benchmark.core.answers import Answers
from benchmark.core.errors import DataError

VOTES = np.array([[0, -1, 2], [-1, -1, -1], [1, 1, -1]])


def test_a_table_comes_back() -> None:
    answers = Answers.from_votes(VOTES, "abc")
    assert len(answers) == 4
    np.testing.assert_array_equal(answers.votes(3), VOTES)
    assert answers.starts(3).tolist() == [0, 2, 2, 4]
    mixed = Answers.of(answers.unit[::-1], answers.source[::-1], answers.label[::-1], answers.names)
    np.testing.assert_array_equal(mixed.unit, answers.unit)
    np.testing.assert_array_equal(mixed.source, answers.source)


def test_units_are_taken_in_any_order_and_more_than_once() -> None:
    taken = Answers.from_votes(VOTES).take(np.array([2, 1, 0, 2]))
    np.testing.assert_array_equal(taken.votes(4), VOTES[[2, 1, 0, 2]])


def test_sources_are_chosen_by_name() -> None:
    answers = Answers.from_votes(VOTES, "abc")
    np.testing.assert_array_equal(answers.only(["c", "a"]).votes(3), VOTES[:, [2, 0]])
    assert answers.said_by("b", 3).tolist() == [-1, -1, 1]
    with pytest.raises(ValueError, match="d"):
        answers.said_by("d", 3)


def test_one_answer_of_each_unit_is_picked_among_those_there_are() -> None:
    answers = Answers.from_votes(VOTES, "abc")
    assert answers.one_each(np.array([0.0, 0.5, 0.99])).tolist() == [0, -1, 1]
    assert answers.one_each(np.array([0.51, 0.5, 0.0])).tolist() == [2, -1, 1]


def test_numbers_are_missing_as_nan() -> None:
    table = np.array([[1.5, np.nan], [np.nan, 2.5]])
    np.testing.assert_array_equal(Answers.from_votes(table).votes(2), table)


def test_memory_follows_the_answers() -> None:
    """A million units and ten thousand sources: the table is refused, the answers are not."""
    rng = np.random.default_rng(0)
    unit = np.repeat(np.arange(1_000_000), 2)
    names = tuple(map(str, range(10_000)))
    answers = Answers.of(unit, rng.integers(0, 10_000, len(unit)), rng.integers(0, 5, len(unit)), names)
    assert len(answers.take(np.arange(0, 1_000_000, 1000))) == 2000
    with pytest.raises(DataError, match="1000000 units x 10000 sources is too large"):
        answers.votes(1_000_000)
