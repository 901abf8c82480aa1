"""Texts as vectors: frequent terms of the training part, weighted by rarity, of length 1."""

from __future__ import annotations

import math

import numpy as np
import pytest
import torch

from benchmark.core.errors import DataError
from benchmark.data.texts import cleaned, hashed, tf_idf


def test_terms_count_from_their_second_training_text_on() -> None:
    texts = ["red bird red", "red fish", "green fish", "blue blue", "bird blue"]
    x = tf_idf(texts, np.array([True, True, True, False, False]), 100)
    assert x.shape == (5, 2)  # fish, red: bird stands in one training text, blue in none
    assert float(x[3].norm()) == float(x[4].norm()) == 0
    torch.testing.assert_close(x[:3].norm(dim=1), torch.ones(3))
    assert float(x[0, 1]) == 1  # red alone is left of the first text
    assert float(x[1, 0]) == pytest.approx(1 / math.sqrt(2))  # both terms stand in two of three texts


def test_the_most_frequent_terms_are_kept() -> None:
    texts = ["a1 b1", "a1 b1", "a1 c1", "c1 d1"]
    assert tf_idf(texts, np.ones(4, dtype=bool), 1).shape == (4, 1)
    assert float(tf_idf(texts, np.ones(4, dtype=bool), 1)[3].abs().sum()) == 0


def test_texts_without_a_common_word_are_one_line() -> None:
    with pytest.raises(DataError, match="no word occurs in two of the 2 training texts"):
        tf_idf(["one", "two", "one"], np.array([True, True, False]), 10)


def test_hashed_words_need_no_vocabulary() -> None:
    x = hashed(["red bird", "red bird", "green fish"], 64)
    assert x.shape == (3, 64)
    assert torch.equal(x[0], x[1])
    assert not torch.equal(x[0], x[2])
    torch.testing.assert_close(x.norm(dim=1), torch.ones(3))


def test_marks_that_look_like_words_are_taken_away() -> None:
    assert cleaned("\ufeffgood<br />day ") == "good day"
