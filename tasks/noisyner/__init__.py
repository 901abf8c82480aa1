"""NoisyNER: Estonian news with right tags and seven sets of labels by rules and knowledge bases of growing quality."""

from __future__ import annotations

from collections.abc import Sequence
from itertools import pairwise
from pathlib import Path

import numpy as np

from benchmark.core.errors import ConfigError, DataError
from benchmark.core.paths import Paths
from benchmark.core.types import Task
from benchmark.data import own as owndata
from benchmark.data.conll import Sentence, iob2, lines_of, read
from benchmark.data.problems import Tagging
from benchmark.data.tagged import check_types, located, tagging_task
from benchmark.data.tokens import tag_ids

TYPES = ("PER", "ORG", "LOC")
SETS = tuple(f"labelset{i}" for i in range(1, 8))
LEAST_F1 = 0.1  # of the worst set against the right tags: .28; files that are shifted against each other reach .02


def load(paths: Paths, split: Sequence[int] = (185708, 208922)) -> Task:
    """Right tags and the label sets ``labelset1`` to ``labelset7``, split at lines of the text as the authors do.

    Args:
        paths: the files are in ``paths.data/noisyner``.
        split: how many lines of the text, empty ones too, come before validation and before test.

    Raises:
        ConfigError: a split outside the text. DataError: a file is missing, or is not aligned with the text.
    """
    folder = paths.data / "noisyner"
    text = located(folder, ["estner.cnll"], "put the Estonian NER corpus (a token TAB tag a line) there")
    sentences = read(text)
    for s in sentences:
        for tag, line in zip(s.tags, s.lines, strict=True):
            check_types(text, [tag], TYPES, line)
    total = sum(len(s.tokens) for s in sentences)
    if len(split) != 2 or not sentences[0].lines[0] <= split[0] < split[1] < sentences[-1].lines[-1]:
        raise ConfigError(f"task.split={split}: give two growing numbers of lines below {sentences[-1].lines[-1]}, the length of {text}")
    sides = _sides(sentences, split)
    how = "copy the label files of github.com/uds-lsv/NoisyNER there"
    files = {name: located(folder, [f"NoisyNER_{name}.labels"], how) for name in SETS}
    recorded, pool = {}, [*sides[0], *sides[1]]
    for name, path in files.items():
        given = _labels(path, text, total)
        starts = np.cumsum([0, *(len(s.tokens) for s in pool)])
        recorded[name] = [given[a:b] for a, b in pairwise(starts)]
        _check_alignment(pool, recorded[name], path, text)
    return tagging_task("noisyner", TYPES, sides[0], sides[2], recorded, val=sides[1], files=owndata.digests(text, *files.values()))


def _sides(sentences: Sequence[Sentence], split: Sequence[int]) -> list[list[Sentence]]:
    """Training, validation and test; a sentence across a border gives a piece to both sides."""
    out: list[list[Sentence]] = [[], [], []]
    for s in sentences:
        side = np.searchsorted(split, np.array(s.lines), side="left")  # line n is in training if n <= split[0]
        for part in np.unique(side):
            (at,) = np.nonzero(side == part)
            out[part].append(s.part(int(at[0]), int(at[-1]) + 1))
    return out


def _labels(path: Path, text: Path, total: int) -> list[str]:
    """One tag for every token of the text."""
    given = [line.strip() for line in lines_of(path)]
    if len(given) != total:
        raise DataError(f"{path} has {len(given)} labels, {text} has {total} tokens: both must be whole (10 tokens are written --)")
    for line, tag in enumerate(given, 1):
        check_types(path, [tag], TYPES, line)
    return given


def _check_alignment(pool: Sequence[Sentence], given: Sequence[Sequence[str]], path: Path, text: Path) -> None:
    """Refuse labels that are shifted against the text: a common loader drops the tokens written -- from one of the two."""
    width = max(len(s.tokens) for s in pool)
    names = ("O", *(f"{prefix}-{kind}" for kind in TYPES for prefix in "BI"))
    right, noisy = (tag_ids(side, names, width) for side in ([s.tags for s in pool], [iob2(tags) for tags in given]))
    hit, predicted, true = Tagging(names, width).span_counts(noisy, right).sum(0)
    f1 = 2 * hit / max(predicted + true, 1)
    if f1 < LEAST_F1:
        raise DataError(f"{path} agrees with {text} on {f1:.1%} of the entities: the two are shifted against each other, give the original files")
