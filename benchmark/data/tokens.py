"""Text as ids: word, prefix, suffix and shape of every token, with vocabularies that come from training text."""

from __future__ import annotations

import re
from collections import Counter
from collections.abc import Callable, Sequence

import numpy as np
import torch
from torch import Tensor

PADDING, UNKNOWN = 0, 1


def shape(token: str) -> str:
    """Collapsed letter case: Xx, X, x, 0, mixtures of them such as X0, or the token's punctuation."""
    return re.sub(r"(.)\1+", r"\1", re.sub(r"[0-9]", "0", re.sub(r"[a-z]", "x", re.sub(r"[A-Z]", "X", token))))


Feature = Callable[[str], str]
Vocabulary = tuple[Feature, dict[str, int]]
# A word that occurs once in training is unknown, so that training sees the id of test words it does not know.
FEATURES: tuple[tuple[Feature, int], ...] = ((str.lower, 2), (lambda token: token[:2], 1), (lambda token: token[-3:], 1), (shape, 1))


def vocabularies(train: Sequence[Sequence[str]]) -> list[Vocabulary]:
    """Ids of the values of each feature in the training sentences."""
    return [_vocabulary(train, feature, least) for feature, least in FEATURES]


def _vocabulary(train: Sequence[Sequence[str]], feature: Feature, least: int) -> Vocabulary:
    counts = Counter(feature(token) for sentence in train for token in sentence)
    values = sorted(value for value, count in counts.items() if count >= least)
    return feature, {value: i for i, value in enumerate(values, UNKNOWN + 1)}


def token_ids(sentences: Sequence[Sequence[str]], tables: Sequence[Vocabulary], width: int) -> Tensor:
    """(E, width, F) int64, 0 = padding, 1 = unknown."""
    ids = np.full((len(sentences), width, len(tables)), PADDING, dtype=np.int64)
    for row, sentence in enumerate(sentences):
        for column, (feature, table) in enumerate(tables):
            ids[row, : len(sentence), column] = [table.get(feature(token), UNKNOWN) for token in sentence]
    return torch.from_numpy(ids)


def encoded(train: Sequence[Sequence[str]], sides: Sequence[Sequence[Sequence[str]]], width: int) -> tuple[list[Tensor], tuple[str, ...]]:
    """Ids of several sets of sentences, (E, width, F + 1) each, with vocabularies of ``train``; the last column is a token's place among the surfaces.

    Surfaces are all tokens as they are written, the empty one first: what reads characters, word vectors or subwords looks them up.
    """
    tables = vocabularies(train)
    surfaces = ("", *sorted({token for side in sides for sentence in side for token in sentence}))
    spelled: Vocabulary = (str, {surface: i for i, surface in enumerate(surfaces)})
    return [token_ids(side, [*tables, spelled], width) for side in sides], surfaces


def tag_ids(tags: Sequence[Sequence[str]], names: Sequence[str], width: int) -> np.ndarray:
    """(E, width) int64 places in ``names``, -1 = padding."""
    number = {name: i for i, name in enumerate(names)}
    grid = np.full((len(tags), width), -1, dtype=np.int64)
    for row, given in enumerate(tags):
        grid[row, : len(given)] = [number[tag] for tag in given]
    return grid
