from __future__ import annotations

from itertools import pairwise
from pathlib import Path
from typing import Any

import numpy as np
import pytest
from seqeval.metrics.sequence_labeling import get_entities
from support import ownfiles

from benchmark.api import load_task
from benchmark.core.errors import DataError, UserError
from benchmark.core.paths import Paths
from benchmark.data.conll import Sentence, cuts, iob2, read
from benchmark.data.reading import split_groups

SCHEMES = {
    "IOB2": ("B-X I-X O B-X B-X B-Y", "B-X I-X O B-X B-X B-Y"),
    "IOB1": ("I-X I-X O I-X B-X I-Y", "B-X I-X O B-X B-X B-Y"),
    "IO": ("I-X I-X O I-X I-X I-Y", "B-X I-X O B-X I-X B-Y"),
    "BIOES": ("B-X E-X O S-X S-X S-Y", "B-X I-X O B-X B-X B-Y"),
    "BIOES, three": ("B-X I-X E-X B-X E-X O", "B-X I-X I-X B-X I-X O"),
    "BILOU": ("B-X L-X O U-X U-X U-Y", "B-X I-X O B-X B-X B-Y"),
    "BMES": ("B-X M-X E-X S-X O O", "B-X I-X I-X B-X O O"),
    "prefixless": ("X X O X X Y", "B-X I-X O B-X I-X B-Y"),
    "broken": ("O E-X I-X E-X I-X O", "O B-X B-X I-X B-X O"),
    "a dash in the type": ("B-geo-loc I-geo-loc O O geo-loc O", "B-geo-loc I-geo-loc O O B-geo-loc O"),
}


@pytest.mark.parametrize("name", SCHEMES)
def test_every_scheme_becomes_iob2(name: str) -> None:
    given, expected = SCHEMES[name]
    assert " ".join(iob2(given.split())) == expected
    assert " ".join(iob2(expected.split())) == expected


def test_conversion_keeps_the_entities_that_conlleval_finds() -> None:
    rng = np.random.default_rng(0)
    for _ in range(200):
        tags = rng.choice(["O", "B-X", "I-X", "E-X", "S-X", "I-Y", "B-Y", "E-Y"], 12).tolist()
        assert get_entities(list(iob2(tags))) == get_entities(tags)


def test_layout_of_a_file(tmp_path: Path) -> None:
    path = tmp_path / "a.conll"
    path.write_bytes("\ufeff-DOCSTART- O\r\n\r\n\r\nAnn B-PER\r\nran O\r\n \r\n\r\nOslo\tB-LOC".encode())
    assert read(path) == [Sentence(("Ann", "ran"), ("B-PER", "O"), (4, 5)), Sentence(("Oslo",), ("B-LOC",), (8,))]
    path.write_text("EU NNP I-NP I-ORG\nsays VBZ I-VP O\n")
    assert read(path) == [Sentence(("EU", "says"), ("B-ORG", "O"), (1, 2))]


@pytest.mark.parametrize(
    ("text", "words"),
    [
        ("Ann B-PER\nran\n", r"line 2: 'ran' has 1 columns, 2 are expected"),
        ("Ann B-PER\nran VB O\n", r"line 2: 'ran VB O' has 3 columns, 2 are expected"),
        ("\tO\n", r"line 1: 'O' has 1 columns"),
        ("Ann B-PER\n\nran LOC\n", r"line 3: tag 'LOC' is without a prefix such as B-, tags before it are with one"),
        ("Ann B-\n", r"line 1: tag 'B-' has no type"),
        ("Ann B\nLee I\n", r"line 2: tag 'I' has a prefix of another form: write B-PER and I-PER"),
        ("Ann b-per\n\nLee i-per\n", r"line 3: tag 'i-per' has a prefix of another form"),
        ("Ann B_PER\nLee I_PER\n", r"line 2: tag 'I_PER' has a prefix of another form"),
        ("Ann PER-B\nLee PER-I\n", r"line 2: tag 'PER-I' has a prefix of another form"),
    ],
)
def test_broken_lines_are_named(text: str, words: str, tmp_path: Path) -> None:
    (tmp_path / "a.conll").write_text(text)
    with pytest.raises(DataError, match=r"a.conll " + words):
        read(tmp_path / "a.conll")


def test_types_that_only_look_like_prefixes_are_types(tmp_path: Path) -> None:
    (tmp_path / "a.conll").write_text("Ann b-cell\nLee i-phone\nOslo I\n")
    assert read(tmp_path / "a.conll")[0].tags == ("B-b-cell", "B-i-phone", "B-I")


def test_long_sentences_are_cut_outside_entities() -> None:
    tags = ["O"] * 5000
    tags[90:110] = ["B-X", *["I-X"] * 19]
    sentence = Sentence(tuple(map(str, range(5000))), tuple(tags), tuple(range(5000)))
    where = cuts(sentence, 100)
    assert where[0] == (0, 89)
    assert where[-1][1] == 5000
    assert all(a[1] == b[0] for a, b in pairwise(where))
    assert max(end - start for start, end in where) <= 100
    assert cuts(sentence.part(0, 50), 100) == [(0, 50)]
    assert sentence.part(95, 97).tags == ("B-X", "I-X")
    solid = Sentence(("t",) * 9, ("B-X", *["I-X"] * 8), tuple(range(9)))
    assert cuts(solid, 4) == [(0, 4), (4, 8), (8, 9)]


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
