"""Files of one token a line, its tag in the last column, sentences between blank lines; every tag scheme becomes IOB2."""

from __future__ import annotations

import io
import re
from collections import defaultdict
from collections.abc import Sequence
from dataclasses import dataclass
from pathlib import Path

from benchmark.core.errors import DataError
from benchmark.core.files import content_of

TAG = re.compile(r"([BIESLUM])-(.*)", re.DOTALL)
LARGEST = 1 << 30  # bytes of a file
STRANGE = re.compile(r"([BI])(?:[-_](.+))?|(.+)[-_]([BI])", re.IGNORECASE)  # B and I, b-per and i-per, B_PER and I_PER, PER-B and PER-I
FIRST, LAST = frozenset("BSU"), frozenset("ESLU")  # prefixes that begin, and that end an entity in BIOES, BILOU and BMES


@dataclass(frozen=True)
class Sentence:
    """Tokens with their IOB2 tags, and the line of its file that each stands on."""

    tokens: tuple[str, ...]
    tags: tuple[str, ...]
    lines: tuple[int, ...]

    def part(self, start: int, end: int) -> Sentence:
        """Some of its tokens; an entity that began before them begins with them."""
        return Sentence(self.tokens[start:end], iob2(self.tags[start:end]), self.lines[start:end])


def split_tag(tag: str) -> tuple[str, str]:
    """Prefix and type: ``("B", "PER")``, ``("", "PER")`` without a prefix, ``("", "")`` for O."""
    found = TAG.fullmatch(tag)
    return (found[1], found[2]) if found else ("", "" if tag == "O" else tag)


def iob2(tags: Sequence[str]) -> tuple[str, ...]:
    """IO, IOB1, IOB2, BIOES, BILOU, BMES or prefixless tags of one sentence as IOB2.

    An entity begins where the type changes, at a prefix that begins one, and after a prefix that ends one; without prefixes
    neighbors of one type are one entity.
    """
    out, before = [], ("", "")
    for tag in tags:
        prefix, kind = split_tag(tag)
        begins = kind != before[1] or prefix in FIRST or before[0] in LAST
        out.append("O" if not kind else f"{'B' if begins else 'I'}-{kind}")
        before = prefix, kind
    return tuple(out)


def lines_of(path: Path) -> list[str]:
    """The lines of a file, without a byte-order mark and with any ends of lines; blank lines at its end are none.

    Raises:
        DataError: no UTF-8 text.
    """
    try:
        return io.StringIO(content_of(path, LARGEST).decode("utf-8-sig"), newline=None).read().rstrip().split("\n")
    except (OSError, UnicodeDecodeError) as error:
        raise DataError(f"{path} cannot be read as UTF-8 text ({error}): convert it") from error


def read(path: Path) -> list[Sentence]:
    """The sentences of a file. CRLF, a byte-order mark, repeated blank lines, a missing last one and ``-DOCSTART-`` lines are fine.

    Columns are separated by tabs, or else by spaces; the first is the token, the last the tag.

    Raises:
        DataError: no UTF-8 text, a line without a tag or token, lines of different numbers of columns, tags with and without prefix, or with
            prefixes of another form.
    """
    rows: list[tuple[str, str, int]] = []
    sentences, columns = list[Sentence](), 0
    for number, line in enumerate([*lines_of(path), ""], 1):
        fields = [field.strip() for field in (line.split("\t") if "\t" in line else line.split(" ")) if field.strip()]
        if not fields or fields[0] == "-DOCSTART-":
            if rows:
                tokens, tags, lines = zip(*rows, strict=True)
                sentences.append(Sentence(tokens, tags, lines))
                rows = []
            continue
        columns = columns or len(fields)
        if len(fields) < 2 or len(fields) != columns:
            raise DataError(f"{path} line {number}: {line.strip()!r} has {len(fields)} columns, {max(columns, 2)} are expected: a token and its tag")
        rows.append((fields[0], fields[-1], number))
    _check_tags(sentences, path)
    return [Sentence(s.tokens, iob2(s.tags), s.lines) for s in sentences]


def _check_tags(sentences: Sequence[Sentence], path: Path) -> None:
    prefixed, letters = "", defaultdict[str, set[str]](set)
    for sentence in sentences:
        for tag, line in zip(sentence.tags, sentence.lines, strict=True):
            prefix, kind = split_tag(tag)
            if prefix and not kind:
                raise DataError(f"{path} line {line}: tag {tag!r} has no type: write O, or a type such as B-PER")
            scheme = "with" if prefix else "without"
            if kind and prefixed not in ("", scheme):
                raise DataError(f"{path} line {line}: tag {tag!r} is {scheme} a prefix such as B-, tags before it are {prefixed} one: use one scheme")
            prefixed = scheme if kind else prefixed
            strange = None if prefix else STRANGE.fullmatch(kind)
            if strange:
                seen = letters[strange[2] or strange[3] or ""]
                seen.add((strange[1] or strange[4]).upper())
                if len(seen) == 2:
                    raise DataError(f"{path} line {line}: tag {tag!r} has a prefix of another form: write B-PER and I-PER, or PER alone")


def check_aligned(observed: Sequence[Sentence], right: Sequence[Sentence], path: Path, right_path: Path) -> None:
    """Refuse two files that are not the same text.

    Raises:
        DataError: names the lines at which tokens or ends of sentences differ.
    """
    for a, b in zip(observed, right, strict=False):
        if a.tokens != b.tokens:
            at = next((i for i, (x, y) in enumerate(zip(a.tokens, b.tokens, strict=False)) if x != y), min(len(a.tokens), len(b.tokens)))
            shown = [f"{p} line {s.lines[at]} has {s.tokens[at]!r}" if at < len(s.tokens) else f"{p} line {s.lines[-1]} ends a sentence" for s, p in
                     ((a, path), (b, right_path))]  # fmt: skip
            raise DataError(f"{shown[0]}, {shown[1]}: both files must hold the same tokens and sentences")
    if len(observed) != len(right):
        longer, first = (path, observed[len(right)]) if len(observed) > len(right) else (right_path, right[len(observed)])
        raise DataError(
            f"{path} has {len(observed)} sentences, {right_path} has {len(right)}: {longer} line {first.lines[0]} begins one that the other lacks; "
            "both files must hold the same tokens and sentences"
        )


def cuts(sentence: Sentence, most: int) -> list[tuple[int, int]]:
    """Where to cut a sentence of more than ``most`` tokens: at the last O of a piece's second half, or else at ``most``."""
    out, start, size = [], 0, len(sentence.tokens)
    while size - start > most:
        end = next((i for i in range(start + most, start + most // 2, -1) if sentence.tags[i] == "O"), start + most)
        out.append((start, end))
        start = end
    return [*out, (start, size)]
