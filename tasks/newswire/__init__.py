"""Newswire: invented news sentences with names of people, places, organizations and products, labeled by an incomplete gazetteer."""

from __future__ import annotations

import functools
import re
from collections import Counter
from collections.abc import Callable, Sequence
from dataclasses import dataclass

import numpy as np
import torch

from benchmark.paths import Paths
from benchmark.problems import Tagging
from benchmark.types import Examples, Task
from tasks.newswire import gazetteer
from tasks.newswire.grammar import NEW_AT_TEST, Writer

NAMES = ("O", "B-PER", "I-PER", "B-LOC", "I-LOC", "B-ORG", "I-ORG", "B-PROD", "I-PROD")
TRAIN, TEST, VAL_FRACTION = 1600, 400, 0.25
ARCHIVE = 2000
PADDING, UNKNOWN = 0, 1


@dataclass(frozen=True)
class Sentence:
    """Tokens, right tags and the tags of the gazetteer."""

    tokens: tuple[str, ...]
    tags: tuple[str, ...]
    distant: tuple[str, ...]


def load(paths: Paths) -> Task:
    """Ids of word, prefix, suffix and shape per token; the gazetteer's labels are the annotations ``distant``."""
    train, test = sentences()
    width = max(len(sentence.tokens) for sentence in train + test)
    tables = [_vocabulary(train, feature, least) for feature, least in FEATURES]
    known, held = (Examples(_inputs(side, tables, width), _labels([s.tags for s in side], width)) for side in (train, test))
    _, groups = np.unique([" ".join(sentence.tokens) for sentence in train], return_inverse=True)
    annotations = {"distant": _labels([s.distant for s in train], width)}
    return Task("newswire", Tagging(NAMES, width), known, held, groups, annotations=annotations, val_fraction=VAL_FRACTION)


@functools.lru_cache(maxsize=1)
def sentences() -> tuple[list[Sentence], list[Sentence]]:
    """Training pool and test set as text."""
    return generate()


def generate() -> tuple[list[Sentence], list[Sentence]]:
    """Write both sets anew; a test sentence never equals a training sentence."""
    train = Writer(0.0, "train").sentences(TRAIN)
    test = Writer(NEW_AT_TEST, "test").sentences(TEST, avoid={sentence.tokens for sentence in train})
    # A third set stands for what the compilers of the gazetteer had read: they know some of the names that training does not.
    listed = gazetteer.build(Writer(NEW_AT_TEST / 2, "archive").sentences(ARCHIVE))
    made = [[Sentence(s.tokens, s.tags, gazetteer.annotate(s.tokens, listed)) for s in side] for side in (train, test)]
    return made[0], made[1]


def shape(token: str) -> str:
    """Collapsed letter case: Xx, X, x, 0, mixtures of them such as X0, or the token's punctuation."""
    return re.sub(r"(.)\1+", r"\1", re.sub(r"[0-9]", "0", re.sub(r"[a-z]", "x", re.sub(r"[A-Z]", "X", token))))


Feature = Callable[[str], str]
# A word that occurs once in the pool is unknown, so that training sees the id of test words it does not know.
FEATURES: tuple[tuple[Feature, int], ...] = ((str.lower, 2), (lambda token: token[:2], 1), (lambda token: token[-3:], 1), (shape, 1))


def _vocabulary(train: Sequence[Sentence], feature: Feature, least: int) -> tuple[Feature, dict[str, int]]:
    counts = Counter(feature(token) for sentence in train for token in sentence.tokens)
    values = sorted(value for value, count in counts.items() if count >= least)
    return feature, {value: i for i, value in enumerate(values, UNKNOWN + 1)}


def _inputs(side: Sequence[Sentence], tables: Sequence[tuple[Feature, dict[str, int]]], width: int) -> torch.Tensor:
    ids = np.full((len(side), width, len(tables)), PADDING, dtype=np.int64)
    for row, sentence in enumerate(side):
        for column, (feature, table) in enumerate(tables):
            ids[row, : len(sentence.tokens), column] = [table.get(feature(token), UNKNOWN) for token in sentence.tokens]
    return torch.from_numpy(ids)


def _labels(tags: Sequence[Sequence[str]], width: int) -> np.ndarray:
    number = {name: i for i, name in enumerate(NAMES)}
    grid = np.full((len(tags), width), -1, dtype=np.int64)
    for row, given in enumerate(tags):
        grid[row, : len(given)] = [number[tag] for tag in given]
    return grid
