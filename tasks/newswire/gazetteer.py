"""The distant labeler: an incomplete gazetteer, looked up word by word without any regard for context."""

from __future__ import annotations

from collections import Counter, defaultdict
from collections.abc import Iterable, Sequence

import numpy as np

from benchmark.core.seeds import stream
from tasks.newswire.grammar import Tagged

Gazetteer = dict[tuple[str, ...], str]
Span = tuple[int, int, str]  # first token, token behind the last, type

ERRORS = ("missing", "spurious", "type", "boundary")
HALF_SINGLE, HALF_LONG = 6.0, 0.3  # a name of one word, of several, with so many mentions is listed with a chance of one half
# Ordinary words that any list of names holds as well.
COMMON = {"PER": "May Will Mark Frank Hope", "LOC": "Reading Mobile Turkey", "ORG": "Orange Shell"}


def build(archive: Iterable[Tagged]) -> Gazetteer:
    """List part of the names of an archive, frequent ones more often, each under its most frequent type."""
    types: dict[tuple[str, ...], Counter[str]] = defaultdict(Counter)
    for sentence in archive:
        for start, end, kind in spans(sentence.tags):
            types[sentence.tokens[start:end]][kind] += 1
    surfaces = sorted(types)
    counts = np.array([types[surface].total() for surface in surfaces])
    half = np.array([HALF_SINGLE if len(surface) == 1 else HALF_LONG for surface in surfaces])
    listed = stream(np.arange(len(surfaces)), "newswire", "gazetteer") < counts / (counts + half)
    made = {surface: max(sorted(types[surface]), key=types[surface].__getitem__) for surface, keep in zip(surfaces, listed, strict=True) if keep}
    return made | {(word,): kind for kind, words in COMMON.items() for word in words.split()}


def annotate(tokens: Sequence[str], gazetteer: Gazetteer) -> tuple[str, ...]:
    """Tags of a scan from left to right that takes the longest listed name at every token."""
    longest = max(map(len, gazetteer))
    tags: list[str] = []
    while len(tags) < len(tokens):
        at = len(tags)
        for end in range(min(at + longest, len(tokens)), at, -1):
            kind = gazetteer.get(tuple(tokens[at:end]))
            if kind is not None:
                tags += [f"B-{kind}"] + [f"I-{kind}"] * (end - at - 1)
                break
        else:
            tags.append("O")
    return tuple(tags)


def spans(tags: Sequence[str]) -> list[Span]:
    """Entities of valid IOB2 tags."""
    found: list[Span] = []
    for at, tag in enumerate(tags):
        if tag.startswith("B-"):
            found.append((at, at + 1, tag[2:]))
        elif tag.startswith("I-"):
            start, _, kind = found.pop()
            found.append((start, at + 1, kind))
    return found


def compare(right: Sequence[str], given: Sequence[str]) -> Counter[str]:
    """Counts of ``gold``, ``given`` and ``correct`` entities and of the errors.

    Missing: a right entity that overlaps nothing given; spurious: the reverse; type: same tokens, other type;
    boundary: a given entity that overlaps a right one on other tokens.
    """
    gold, found = spans(right), spans(given)
    counts = Counter(gold=len(gold), given=len(found))
    for start, end, kind in found:
        near = [other for other in gold if other[0] < end and start < other[1]]
        if not near:
            counts["spurious"] += 1
        elif (start, end, kind) in near:
            counts["correct"] += 1
        else:
            counts["type" if any(other[:2] == (start, end) for other in near) else "boundary"] += 1
    counts["missing"] = sum(all(other[1] <= start or end <= other[0] for other in found) for start, end, _ in gold)
    return counts
