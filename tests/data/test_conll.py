"""Files of tokens and tags: schemes, broken lines, long sentences."""

from __future__ import annotations

from itertools import pairwise
from pathlib import Path

import numpy as np
import pytest
from seqeval.metrics.sequence_labeling import get_entities

from benchmark.core.errors import DataError
from benchmark.data.conll import Sentence, cuts, iob2, read

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
