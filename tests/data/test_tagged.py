"""Tagged sentences become a tagging task."""

from __future__ import annotations

from pathlib import Path

import numpy as np
import pytest

from benchmark.core.errors import DataError
from benchmark.data import tagged
from benchmark.data.conll import Sentence
from benchmark.data.tagged import check_types, located, tagging_task


def sentence(text: str, tags: str) -> Sentence:
    words = tuple(text.split())
    return Sentence(words, tuple(tags.split()), tuple(range(1, len(words) + 1)))


def test_labels_and_groups_follow_their_sentences(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(tagged, "LONGEST", 3)
    train = [sentence("Anna sings", "B-PER O"), sentence("in Rome they sing", "O B-LOC O O"), sentence("Anna sings", "B-PER O")]
    recorded = {"distant": [["O", "O"], ["O", "B-PER", "O", "B-LOC"], ["B-LOC", "O"]]}
    task = tagging_task("made", ["PER", "LOC"], train, [sentence("Rome", "B-LOC")], recorded)
    assert task.problem.names == ("O", "B-PER", "I-PER", "B-LOC", "I-LOC")
    assert task.groups is not None
    first, *middle, last = task.groups.tolist()
    assert first == last  # equal sentences never part
    assert len({first, *middle}) == 1 + len(middle) == 3  # the long one was cut in two
    assert np.concatenate(task.train.y)[np.concatenate(task.train.y) >= 0].tolist() == [1, 0, 0, 3, 0, 0, 1, 0]
    given = np.concatenate(task.annotations["distant"])
    assert given[given >= 0].tolist() == [0, 0, 0, 1, 0, 3, 3, 0]
    assert task.val is task.gold_val is None


def test_the_first_of_some_files_is_taken(tmp_path: Path) -> None:
    with pytest.raises(DataError, match=r"a\.txt is missing: ask its authors"):
        located(tmp_path, ["a.txt", "b.txt"], "ask its authors")
    (tmp_path / "b.txt").touch()
    assert located(tmp_path, ["a.txt", "b.txt"], "") == tmp_path / "b.txt"
    (tmp_path / "a.txt").touch()
    assert located(tmp_path, ["a.txt", "b.txt"], "") == tmp_path / "a.txt"


def test_tags_of_other_types_are_named_with_their_line() -> None:
    check_types(Path("f"), ["O", "B-PER", "I-LOC"], ["PER", "LOC"], 7)
    with pytest.raises(DataError, match=r"f line 7: tag 'B-ORG' is none of O, B- and I- with PER, LOC"):
        check_types(Path("f"), ["O", "B-ORG"], ["PER", "LOC"], 7)
