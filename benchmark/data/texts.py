"""Texts as vectors: frequent words and pairs of words of the training part, weighted by how rare they are."""

from __future__ import annotations

from collections.abc import Sequence
from typing import Any

import numpy as np
import torch
from torch import Tensor

from benchmark.core.errors import DataError

BYTE_ORDER_MARK = "\ufeff"


def cleaned(text: str) -> str:
    """Return a text without byte-order marks and line breaks of HTML, which say nothing and look like words."""
    for mark in (BYTE_ORDER_MARK, "<br />", "<br/>", "<br>"):
        text = text.replace(mark, " ")
    return text.strip()


def tf_idf(texts: Sequence[str], training: np.ndarray, most: int) -> Tensor:
    """Return (E, F) float32 rows of length 1: 1 + log(count) of words and pairs of words, times their idf.

    Vocabulary, and idf = log((1 + n) / (1 + texts with the term)) + 1, come from the n training texts alone;
    a term counts from its second text on.

    Args:
        texts: E of them.
        training: (E,) bool: those of the training part.
        most: terms at most, the most frequent ones.

    Raises:
        DataError: no term occurs in two training texts.
    """
    from sklearn.feature_extraction.text import TfidfVectorizer

    vectorizer: Any = TfidfVectorizer(ngram_range=(1, 2), min_df=2, sublinear_tf=True, max_features=most, dtype=np.float32)
    try:
        vectorizer.fit([text for text, own in zip(texts, training, strict=True) if own])
    except ValueError as error:
        raise DataError(f"no word occurs in two of the {int(training.sum())} training texts: give more texts") from error
    return torch.from_numpy(vectorizer.transform(texts).toarray())


def hashed(texts: Sequence[str], width: int) -> Tensor:
    """Return (E, width) float32 rows of length 1: how often each hashed word and pair of words occurs."""
    from sklearn.feature_extraction.text import HashingVectorizer

    vectorizer: Any = HashingVectorizer(n_features=width, ngram_range=(1, 2), alternate_sign=False, dtype=np.float32)
    return torch.from_numpy(vectorizer.transform(texts).toarray())
