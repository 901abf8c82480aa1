"""WikiGold: Wikipedia sentences with right tags, distant labels, and the votes of 16 labeling functions."""

from __future__ import annotations

import json
from collections.abc import Mapping, Sequence
from dataclasses import replace
from pathlib import Path

import numpy as np

from benchmark import functional
from benchmark.core.errors import DataError
from benchmark.core.paths import Paths
from benchmark.core.types import Task
from benchmark.data import own as owndata
from benchmark.data.conll import Sentence, iob2, lines_of
from benchmark.data.tagged import check_types, located, tagging_task

TYPES = ("PER", "LOC", "ORG", "MISC")
TAGS = ("O", *(f"{prefix}-{kind}" for kind in TYPES for prefix in "BI"))
SIDES = ("train", "valid", "test")
WRENCH = "copy the wikigold folder of the WRENCH collection"
ROSTER = "copy data/wikigold of github.com/yumeng5/RoSTER there"


def load(paths: Paths) -> Task:
    """Right tags and the label set ``distant``; with the files of the labeling functions also one for each of them, ``majority`` and ``dawid_skene``.

    The labeling functions are the sources of ``noise=votes``, which knows more ways to aggregate. Distant labels exist for the training part only:
    noisy validation is carved out of it, and clean_val looks at the gold ``valid`` part.

    Raises:
        DataError: a file is missing or broken; names file and line.
    """
    folder = paths.data / "wikigold" / "roster"
    text = {side: located(folder, [f"{side}_text.txt"], ROSTER) for side in SIDES}
    gold = {side: located(folder, [f"{side}_label_true.txt"], ROSTER) for side in SIDES}
    given = located(folder, ["train_label_dist.txt"], ROSTER)
    train, valid, test = ([Sentence(*pair, (i,) * len(pair[0])) for i, pair in enumerate(_pairs(text[side], gold[side]), 1)] for side in SIDES)
    recorded: dict[str, Sequence[Sequence[str]]] = {"distant": [tags for _, tags in _pairs(text["train"], given)]}
    votes = sorted((paths.data / "wikigold" / "wrench").glob("*.json"))
    voted = _voted(train, votes) if votes else {}
    recorded |= voted
    files = owndata.digests(*text.values(), *gold.values(), given, *votes)
    task = tagging_task("wikigold", TYPES, train, test, recorded, gold_val=valid, files=files)
    return replace(task, annotators=tuple(name for name in voted if name not in ("majority", "dawid_skene")))


def _pairs(text: Path, labels: Path) -> list[tuple[tuple[str, ...], tuple[str, ...]]]:
    """Tokens and IOB2 tags of each line of two files."""
    words, tags = ([line.split() for line in lines_of(path)] for path in (text, labels))
    if len(words) != len(tags):
        raise DataError(f"{text} has {len(words)} lines, {labels} has {len(tags)}: both must have one line a sentence")
    out = []
    for number, (tokens, given) in enumerate(zip(words, tags, strict=True), 1):
        if len(tokens) != len(given):
            raise DataError(f"{labels} line {number} has {len(given)} tags, {text} has {len(tokens)} tokens there: give the original files")
        check_types(labels, given, TYPES, number)
        if tokens:
            out.append((tuple(tokens), iob2(given)))
    return out


def _voted(train: Sequence[Sentence], files: Sequence[Path]) -> Mapping[str, Sequence[Sequence[str]]]:
    """The label sets of the labeling functions, which name sentences by their tokens; a sentence that nobody voted on is O."""
    votes: dict[tuple[str, ...], tuple[Path, list[list[str]]]] = {}
    sources: list[str] = []
    for path in files:
        try:
            content = json.loads("\n".join(lines_of(path)))
            if path.stem == "meta":
                sources = content["lf"]
            else:
                votes |= {tuple(entry["data"]["text"]): (path, entry["weak_labels"]) for entry in content.values()}
        except (ValueError, KeyError, AttributeError) as error:
            raise DataError(f"{path} has no votes of labeling functions ({error!r}): {WRENCH}") from error
    if not sources:
        raise DataError(f"{files[0].parent / 'meta.json'} is missing: {WRENCH}")
    number = {tag: i for i, tag in enumerate(TAGS)}
    ends = np.cumsum([len(s.tokens) for s in train])
    cast = np.zeros((ends[-1], len(sources)), dtype=np.int64)
    for end, sentence in zip(ends, train, strict=True):
        if sentence.tokens not in votes:
            continue
        path, given = votes[sentence.tokens]
        try:
            cast[end - len(sentence.tokens) : end] = np.array([[number[tag] for tag in of_token] for of_token in given]).reshape(len(sentence.tokens), -1)
        except (ValueError, KeyError) as error:
            shown = " ".join(sentence.tokens[:4])
            raise DataError(f"{path}: the votes on {shown!r}... are not a tag of {len(sources)} functions for each token ({error!r}): {WRENCH}") from error
    outside = number["O"]
    abstaining = np.where(cast == outside, -1, cast)
    found = {name: cast[:, a] for a, name in enumerate(sources)}
    found["majority"] = functional.majority_vote(abstaining, len(TAGS), outside)
    found["dawid_skene"] = functional.dawid_skene(cast, len(TAGS)).argmax(1)
    return {name: [iob2([TAGS[t] for t in part]) for part in np.split(flat, ends[:-1])] for name, flat in found.items()}
