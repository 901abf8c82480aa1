"""From tagged sentences to a tagging task: what the tasks over known corpora share."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from pathlib import Path

import numpy as np

from benchmark.core.errors import DataError
from benchmark.core.types import Examples, Task
from benchmark.data.conll import Sentence, cuts, iob2, split_tag
from benchmark.data.problems import Tagging
from benchmark.data.tokens import encoded, tag_ids

LONGEST = 200  # longer sentences are cut: all are padded to the longest one


def tagging_task(
    name: str,
    types: Sequence[str],
    train: Sequence[Sentence],
    test: Sequence[Sentence],
    recorded: Mapping[str, Sequence[Sequence[str]]],
    *,
    val: Sequence[Sentence] = (),
    gold_val: Sequence[Sentence] = (),
    files: Mapping[str, str] | None = None,
) -> Task:
    """Ids of word, prefix, suffix, shape and surface per token, IOB2 tags.

    Args:
        name: of the task.
        types: of entities, in the order of the classes.
        train, test: sentences with right tags; identical training sentences are never split.
        recorded: label sets: one tag sequence for every sentence of ``train`` and then ``val``.
        val: validation sentences; without them a part of ``train`` is set aside by the split seed.
        gold_val: sentences with right tags only, for the clean_val track.
        files: what was read, with its sha256.
    """
    names = ("O", *(f"{prefix}-{kind}" for kind in types for prefix in "BI"))
    where = [[cuts(s, LONGEST) for s in side] for side in (train, test, val, gold_val)]
    parts = [
        [s.part(*at) for s, cut in zip(side, at_side, strict=True) for at in cut] for side, at_side in zip((train, test, val, gold_val), where, strict=True)
    ]
    width = max(len(s.tokens) for side in parts for s in side)
    tokens = [[s.tokens for s in side] for side in parts]
    x, surfaces = encoded(tokens[0], tokens, width)
    known, held, middle, gold = (Examples(ids, tag_ids([s.tags for s in side], names, width)) for ids, side in zip(x, parts, strict=True))
    annotations = {
        label: tag_ids([iob2(tags[a:b]) for tags, cut in zip(given, [*where[0], *where[2]], strict=True) for a, b in cut], names, width)
        for label, given in recorded.items()
    }
    number: dict[tuple[str, ...], int] = {}
    groups = np.array([number.setdefault(sentence, len(number)) for sentence in tokens[0]])
    return Task(
        name,
        Tagging(names, width),
        known,
        held,
        groups,
        val=middle if val else None,
        annotations=annotations,
        files=files or {},
        surfaces=surfaces,
        gold_val=gold if gold_val else None,
    )


def located(folder: Path, names: Sequence[str], how: str) -> Path:
    """The first of some files that is in ``folder``.

    Raises:
        DataError: none is; ``how`` tells where it comes from.
    """
    found = next((folder / name for name in names if (folder / name).is_file()), None)
    if found is None:
        raise DataError(f"{folder / names[0]} is missing: {how}")
    return found


def check_types(path: Path, tags: Sequence[str], types: Sequence[str], line: int) -> None:
    """Refuse tags of other types of entities.

    Raises:
        DataError: names file and line.
    """
    for tag in tags:
        if tag != "O" and split_tag(tag)[1] not in types:
            raise DataError(f"{path} line {line}: tag {tag!r} is none of O, B- and I- with {', '.join(types)}: give the original file")
