"""CoNLL: a user's own files of one token and tag a line, with the right tags of the same text in a second file where somebody knows them."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import replace
from pathlib import Path
from typing import Literal

import numpy as np

from benchmark.core.errors import ConfigError, DataError
from benchmark.core.files import FileName
from benchmark.core.paths import Paths
from benchmark.core.types import Task
from benchmark.data import own as owndata
from benchmark.data.conll import Sentence, check_aligned, cuts, read
from benchmark.data.problems import Tagging
from benchmark.data.tokens import encoded, tag_ids


def load(
    paths: Paths,
    path: FileName | None = None,
    clean: FileName | None = None,
    test: FileName | None = None,
    test_labels: Literal["observed", "right"] = "observed",
    max_length: int = 200,
    test_fraction: float = 0.2,
) -> Task:
    """Ids of word, prefix, suffix and shape per token; tags become IOB2.

    Args:
        paths: relative files start at the working directory or else at ``paths.data``.
        path: observed tags.
        clean: right tags of the same tokens.
        test: sentences to test on; without it a part of ``path`` is set aside.
        test_labels: what the tags of ``test`` are.
        max_length: longer sentences are cut.
        test_fraction: share of the sentences set aside where ``test`` is not given.

    Raises:
        ConfigError: a setting is missing or wrong. DataError: a file cannot be used; names file and line.
    """
    if max_length < 2:
        raise ConfigError(f"task.max_length={max_length} is too short: give 2 or more tokens")
    file, right_file, test_file = (
        None if name is None else owndata.find(name, f"task.{key}", paths) for key, name in (("path", path or ""), ("clean", clean), ("test", test))
    )
    assert file is not None
    observed = read(file)
    owndata.check_size(file, len(observed), "sentences")
    right = observed if right_file is None else read(right_file)
    if right_file is not None:
        check_aligned(observed, right, file, right_file)
    cut = [cuts(s, max_length) for s in observed]
    observed, right = ([s.part(*at) for s, where in zip(side, cut, strict=True) for at in where] for side in (observed, right))
    types = _types([*observed, *right])
    if not types:
        raise DataError(f"{file} has no tag but O: nothing can be learned")
    held_sentences = [] if test_file is None else _test(test_file, types, max_length)
    known = {s.tokens for s in held_sentences}
    kept = [i for i, s in enumerate(observed) if s.tokens not in known]  # nothing that is tested on is trained on
    observed, right = ([side[i] for i in kept] + held_sentences for side in (observed, right))
    split = _split(file, observed, len(kept), test_fraction) if held_sentences else owndata.set_aside(file, _keys(observed), test_fraction)
    task = _task(file, types, observed, None if right_file is None else right, split, owndata.digests(file, right_file, test_file))
    if not held_sentences or task.places is None:
        return task
    return replace(task, test_labels=test_labels, places=task.places[: len(kept)])


def _test(path: Path, types: Sequence[str], max_length: int) -> list[Sentence]:
    """Sentences of a test file.

    Raises:
        DataError: it is empty, or has a type of entity that training lacks.
    """
    sentences = read(path)
    if not sentences:
        raise DataError(f"{path} has no sentence")
    for sentence in sentences:
        for tag, line in zip(sentence.tags, sentence.lines, strict=True):
            if tag != "O" and tag[2:] not in types:
                raise DataError(f"{path} line {line}: type {tag[2:]!r} does not occur in training ({', '.join(types)}): rename it, or make it O")
    return [s.part(*at) for s in sentences for at in cuts(s, max_length)]


def _types(sentences: Sequence[Sentence]) -> list[str]:
    return sorted({tag[2:] for s in sentences for tag in s.tags if tag != "O"})


def _keys(sentences: Sequence[Sentence]) -> np.ndarray:
    number: dict[tuple[str, ...], int] = {}
    return np.array([[number.setdefault(s.tokens, len(number))] for s in sentences])


def _split(path: Path, sentences: Sequence[Sentence], train: int, fraction: float) -> tuple[np.ndarray, np.ndarray]:
    owndata.check_size(path, train, "sentences that the test file lacks")
    return np.arange(len(sentences)) >= train, _keys(sentences)[:, 0]


def _task(
    path: Path,
    types: Sequence[str],
    observed: Sequence[Sentence],
    right: Sequence[Sentence] | None,
    split: tuple[np.ndarray, np.ndarray],
    files: dict[str, str],
) -> Task:
    names = ["O", *(f"{prefix}-{kind}" for kind in types for prefix in "BI")]
    width = max(len(s.tokens) for s in observed)
    places = np.full((len(observed), width), -1)
    for row, sentence in enumerate(observed):
        places[row, : len(sentence.lines)] = sentence.lines
    tags = [None if side is None else tag_ids([s.tags for s in side], names, width) for side in (observed, right)]
    assert tags[0] is not None
    (x,), surfaces = encoded([s.tokens for s, held in zip(observed, split[0], strict=True) if not held], [[s.tokens for s in observed]], width)
    task = owndata.own_task(Tagging(names, width), x, tags[0], tags[1], split, places=places, files=files)
    return replace(task, surfaces=surfaces)
