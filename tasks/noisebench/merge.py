"""Masked labels and the text that they belong to: blocks of lines, patches of token files, merging, the split by documents."""

from __future__ import annotations

import re
from collections.abc import Sequence
from pathlib import Path

from benchmark.core.errors import DataError
from benchmark.data.conll import Sentence, iob2
from benchmark.data.tagged import check_types

TYPES = ("LOC", "MISC", "ORG", "PER")
DOCSTART = "-DOCSTART-"
EDIT = re.compile(r"(\d+)(?:,(\d+))?([acd])\d+(?:,\d+)?")

Block = list[tuple[int, list[str]]]  # of each line: its number and its columns


def lines_of(path: Path) -> list[str]:
    """Lines of a text, UTF-8 or else Latin-1 as the German corpus is."""
    raw = path.read_bytes()
    try:
        text = raw.decode("utf-8-sig")
    except UnicodeDecodeError:
        text = raw.decode("latin-1")
    return text.replace("\r\n", "\n").split("\n")


def blocks(lines: Sequence[str], separator: str | None = None) -> list[Block]:
    """What stands between empty lines; ``separator`` None = any space."""
    out: list[Block] = [[]]
    for number, line in enumerate(lines, 1):
        if line.strip():
            out[-1].append((number, line.split(separator)))
        elif out[-1]:
            out.append([])
    return [block for block in out if block]


def patched(lines: Sequence[str], patch: Path, text: Path) -> list[str]:
    """``lines`` after a patch in diff's normal format.

    Raises:
        DataError: the text is not the one that the patch was made for; names the line.
    """
    out: list[str] = []
    position, removed, added = 0, list[tuple[int, str]](), list[str]()  # position: lines of the text that are done

    def close() -> None:
        nonlocal position
        for number, expected in removed:
            if number > len(lines) or lines[number - 1] != expected:
                found = repr(lines[number - 1]) if number <= len(lines) else "nothing"
                raise DataError(f"{text} line {number} has {found}, {patch} expects {expected!r}: give the original CoNLL-2003 file")
        position += len(removed)
        out.extend(added)
        removed.clear()
        added.clear()

    place = 0
    for line in lines_of(patch):
        edit = EDIT.fullmatch(line.strip())
        if edit:
            close()
            first = int(edit[1])
            place = first
            until = first if edit[3] == "a" else first - 1
            out.extend(lines[position:until])
            position = until
        elif line.startswith("<"):
            removed.append((place, line[2:]))
            place += 1
        elif line.startswith(">"):
            added.append(line[2:])
    close()
    return [*out, *lines[position:]]


def first_columns(path: Path) -> list[str]:
    """The token of every line of a CoNLL file, empty lines too."""
    return [(line.split() or [""])[0] for line in lines_of(path)]


def merged(labels: Path, index: Path, text: Sequence[Block], source: Path) -> list[Sentence]:
    """Label blocks with the tokens of the text blocks that ``index`` names; documents begin with a sentence ``-DOCSTART-``.

    Raises:
        DataError: an index or a length does not fit.
    """
    given, at = blocks(lines_of(labels), "\t"), [line.strip() for line in lines_of(index) if line.strip()]
    if len(given) != len(at):
        raise DataError(f"{labels} has {len(given)} blocks, {index} has {len(at)} entries: give files of one version")
    out = []
    for number, (block, place) in enumerate(zip(given, at, strict=True), 1):
        if place != "docstart" and (not place.isdigit() or int(place) >= len(text)):
            raise DataError(f"{index} line {number}: {place!r} is no block of {source}, which has {len(text)}: give the original CoNLL-2003 file")
        tokens = [DOCSTART] if place == "docstart" else [columns[0] for _, columns in text[int(place)]]
        out.append(_sentence(block, tokens, labels, source))
    return out


def aligned(labels: Path, text: Sequence[Block], source: Path) -> list[Sentence]:
    """Label blocks with the tokens of the text blocks in the same order (German).

    Raises:
        DataError: the numbers of blocks or of their lines differ.
    """
    given = blocks(lines_of(labels), "\t")
    if len(given) != len(text):
        raise DataError(f"{labels} has {len(given)} blocks, {source} has {len(text)}: give the original CoNLL-2003 file")
    return [_sentence(block, [columns[0] for _, columns in words], labels, source) for block, words in zip(given, text, strict=True)]


def _sentence(block: Block, tokens: Sequence[str], labels: Path, source: Path) -> Sentence:
    if len(block) != len(tokens):
        raise DataError(f"{labels} line {block[0][0]} begins {len(block)} labels, {source} has {len(tokens)} tokens there: give the original CoNLL-2003 file")
    tags = [columns[-1].strip() for _, columns in block]
    for (number, _), tag in zip(block, tags, strict=True):
        check_types(labels, [tag], TYPES, number)
    return Sentence(tuple(tokens), iob2(tags), tuple(number for number, _ in block))


def documents(sentences: Sequence[Sentence]) -> list[list[Sentence]]:
    """Sentences by document, each with its ``-DOCSTART-`` first."""
    out: list[list[Sentence]] = []
    for sentence in sentences:
        if sentence.tokens[0] == DOCSTART or not out:
            out.append([])
        out[-1].append(sentence)
    return out


def dated(document: Sequence[Sentence], date: str = "1996-08-24") -> bool:
    """Whether the 3rd or 4th block of a document, its ``-DOCSTART-`` counted, ends in a token that holds the date."""
    return any(date in sentence.tokens[-1] for sentence in document[2:4])


def joined(tags: Sequence[str]) -> list[str]:
    """Neighboring B- of one type as one entity: what labels without any I- need."""
    return [f"I-{tag[2:]}" if i and tag != "O" and tags[i - 1][2:] == tag[2:] else tag for i, tag in enumerate(tags)]
