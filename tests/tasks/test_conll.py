from __future__ import annotations

from pathlib import Path
from typing import Any

import numpy as np
import pytest
from support import ownfiles

from benchmark.api import load_task
from benchmark.core.errors import UserError
from benchmark.core.paths import Paths
from benchmark.data.reading import split_groups


def test_observed_and_right_tags(tmp_path: Path, paths: Paths) -> None:
    task = load_task("conll", paths, **ownfiles.write_conll(tmp_path))
    assert (task.name, task.clean, task.test_labels) == ("own-tagging", True, "right")
    assert task.problem.names == ("O", "B-LOC", "I-LOC", "B-PER", "I-PER")
    assert (len(task.test), task.problem.width) == (12, 6)
    made, places = ownfiles.sentences(), task.places
    assert places is not None
    for row in range(len(task.train)):
        _, right, given = made[(places[row, 0] - 1) // 7]  # six tokens and a blank line
        assert [task.problem.names[t] for t in task.train.y[row]] == right
        assert [task.problem.names[t] for t in task.annotations["observed"][row]] == given
        assert np.array_equal(np.diff(places[row]), np.ones(5))


def test_four_sentences_written_many_times_have_a_test_part(tmp_path: Path, paths: Paths) -> None:
    """The first of them in the random order is more than the test part may hold: the rarest one is held out."""
    texts = ["fell O", "He O\nmet O\nBob B-PER\nRay I-PER", "Anna B-PER\nsaw O", "In O\nRome B-LOC\nit O"]
    counts = [16, 21, 12, 11]
    blocks = [text for text, count in zip(texts, counts, strict=True) for _ in range(count)]
    (tmp_path / "own.conll").write_text("\n\n".join(blocks) + "\n")
    task = load_task("conll", paths, path=str(tmp_path / "own.conll"), test_fraction=0.17)
    assert len(task.test) == 11
    assert len(task.train) == 49
    held = split_groups(np.repeat([0, 1, 2], [6, 5, 5]), 0.25, "any")
    assert held.tolist() in ([False] * 6 + [True] * 5 + [False] * 5, [False] * 11 + [True] * 5)
    assert not split_groups(np.repeat([0, 1], 5), 0.0, "any").any()
    assert not split_groups(np.zeros(4, dtype=int), 0.5, "any").any()


def test_observed_tags_only_with_a_test_file_of_right_ones(tmp_path: Path, paths: Paths) -> None:
    options = ownfiles.write_conll(tmp_path)
    made = ownfiles.sentences()
    (tmp_path / "gold.conll").write_text(ownfiles.conll([(["Ann", "met", "Bo"], ["B-PER", "O", "I-PER"]), (made[3][0], made[3][1])]))
    options |= {"clean": None, "test": str(tmp_path / "gold.conll")}
    assert load_task("conll", paths, **options).test_labels == "observed"
    task = load_task("conll", paths, **options, test_labels="right")
    assert (task.clean, task.test_labels, len(task.test), len(task.train)) == (False, "right", 2, 59)  # the sentence that both have is not trained on
    assert task.places is not None
    assert len(task.places) == 59
    assert task.test.y[0].tolist() == [3, 0, 3, -1, -1, -1]


BAD: dict[str, tuple[dict[str, str], str]] = {
    "a word differs": ({"right.conll": "Ann Anna"}, r"news.conll line \d+ has 'Ann', .*right.conll line \d+ has 'Anna': both files must hold the same tokens"),
    "a token is missing": ({"right.conll": "w3 O\n|"}, r"news.conll line \d+ has .*right.conll line \d+"),
    "a sentence is missing": ({"right.conll": "TAIL"}, r"has 60 sentences, .*right.conll has 59: .*news.conll line 414 begins one that the other lacks"),
    "no entity": ({"news.conll": "OUTSIDE", "right.conll": "OUTSIDE"}, r"news.conll has no tag but O"),
    "few": ({"news.conll": "HEAD"}, r"has 5 sentences: training, validation and test need at least 20"),
}


@pytest.mark.parametrize("name", BAD)
def test_bad_files_are_one_line(name: str, tmp_path: Path, paths: Paths) -> None:
    options = ownfiles.write_conll(tmp_path)
    for file, change in BAD[name][0].items():
        text = (tmp_path / file).read_text()
        blocks = text.split("\n\n")
        if change == "TAIL":
            text = "\n\n".join(blocks[:-1])
        elif change == "HEAD":
            text = "\n\n".join(blocks[:5])
        elif change == "OUTSIDE":
            text = ownfiles.conll([(tokens, ["O"] * 6) for tokens, _, _ in ownfiles.sentences()])
        else:
            before, after = change.split("|") if "|" in change else change.split(" ")
            text = text.replace(before, after, 1)
        (tmp_path / file).write_text(text)
    with pytest.raises(UserError, match=BAD[name][1]) as caught:
        load_task("conll", paths, **options)
    assert "\n" not in str(caught.value)


@pytest.mark.parametrize(
    ("options", "words"),
    [
        ({"path": None}, "task.path is missing"),
        ({"max_length": 1}, "task.max_length=1 is too short"),
        ({"test": "x.conll"}, r"x.conll line 2: type 'ORG' does not occur in training \(LOC, PER\)"),
        ({"test_labels": "gold"}, "task.test_labels='gold' is unknown"),
    ],
)
def test_wrong_settings_are_one_line(options: dict[str, Any], words: str, tmp_path: Path, paths: Paths, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.chdir(tmp_path)
    (tmp_path / "x.conll").write_text("At O\nACME B-ORG\n")
    with pytest.raises(UserError, match=words):
        load_task("conll", paths, **(ownfiles.write_conll(tmp_path) | options))
