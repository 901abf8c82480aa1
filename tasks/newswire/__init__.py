"""Newswire: invented news sentences with names of people, places, organizations and products, labeled by an incomplete gazetteer."""

from __future__ import annotations

import functools
from dataclasses import dataclass

import numpy as np

from benchmark.core.paths import Paths
from benchmark.core.types import Examples, Task
from benchmark.data.problems import Tagging
from benchmark.data.tokens import encoded, tag_ids
from tasks.newswire import gazetteer
from tasks.newswire.grammar import NEW_AT_TEST, Writer

NAMES = ("O", "B-PER", "I-PER", "B-LOC", "I-LOC", "B-ORG", "I-ORG", "B-PROD", "I-PROD")
TRAIN, TEST, VAL_FRACTION = 1600, 400, 0.25
ARCHIVE = 2000


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
    tokens = [[s.tokens for s in side] for side in (train, test)]
    x, surfaces = encoded(tokens[0], tokens, width)
    known, held = (Examples(ids, tag_ids([s.tags for s in side], NAMES, width)) for ids, side in zip(x, (train, test), strict=True))
    _, groups = np.unique([" ".join(sentence.tokens) for sentence in train], return_inverse=True)
    annotations = {"distant": tag_ids([s.distant for s in train], NAMES, width)}
    return Task("newswire", Tagging(NAMES, width), known, held, groups, annotations=annotations, val_fraction=VAL_FRACTION, surfaces=surfaces)


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
