"""NoiseBench: files of one version, an index that belongs to its text."""

from __future__ import annotations

import hashlib
import logging
from pathlib import Path

import pytest
from support import corpora

from benchmark.api import load_task
from benchmark.core.errors import DataError
from benchmark.core.paths import Paths
from tasks.noisebench import published
from tasks.noisebench.merge import blocks, lines_of
from tasks.noisebench.published import are_published, check_order, digest_of, tokens_digest


@pytest.fixture
def own(paths: Paths) -> Paths:
    """Made-up files in the layout of the published ones."""
    corpora.write_noisebench(paths.data)
    return paths


def annotations(own: Paths) -> Path:
    return own.data / "noisebench" / "annotations"


def swap(index: Path, first: int, second: int) -> None:
    """Let two lines, counted from 1, change their places."""
    lines = index.read_text().split("\n")
    lines[first - 1], lines[second - 1] = lines[second - 1], lines[first - 1]
    index.write_text("\n".join(lines))


def twins(own: Paths, within: bool) -> tuple[int, int]:
    """Lines of two blocks of the index of one length, of one document or of two; no other check can tell them apart."""
    labels = blocks(lines_of(annotations(own) / "clean.traindev"))
    lines = (annotations(own) / "index.txt").read_text().split()
    document, found = 0, dict[tuple[int, int], int]()
    for number, (line, block) in enumerate(zip(lines, labels, strict=True), 1):
        document += line == "docstart"
        if line == "docstart":
            continue
        for (other, length), before in found.items():
            if length == len(block) and (other == document) == within:
                return before, number
        found[document, len(block)] = number
    raise AssertionError("the corpus has no such blocks")


@pytest.mark.parametrize("within", [True, False])
def test_two_blocks_that_changed_places_are_refused(own: Paths, within: bool) -> None:
    index = annotations(own) / "index.txt"
    first, second = twins(own, within)
    load_task("noisebench", own)
    swap(index, first, second)
    with pytest.raises(
        DataError, match=r"index.txt line \d+: block \d+ of .*eng.train stands (in another document|before the block above it): copy"
    ) as refused:
        load_task("noisebench", own)
    assert "\n" not in str(refused.value)


def write_index(tmp_path: Path, *entries: str) -> Path:
    index = tmp_path / "index.txt"
    index.write_text("\n".join(entries) + "\n")
    return index


TEXT = blocks(["-DOCSTART-", "", "a", "", "b", "", "c", "", "-DOCSTART-", "", "d", "", "e", "", "f"])  # blocks 0 to 7


@pytest.mark.parametrize(
    ("entries", "line"),
    [
        ("docstart 5 6 7 docstart 1 2 3", None),
        ("docstart 5 7 docstart 1", None),
        ("docstart 5 6 7 2 docstart 1 2 3", None),  # a second use of a block
        ("docstart 5 7 6 docstart 1 2 3", 4),
        ("docstart 5 6 3 docstart 1 2 7", 4),
        ("docstart 1 2 3 docstart 5 3 6", None),  # 3 is used twice
        ("docstart 1 2 docstart 5 3 6", 6),
    ],
)
def test_documents_of_an_index_are_documents_of_the_text(tmp_path: Path, entries: str, line: int | None) -> None:
    index = write_index(tmp_path, *entries.split())
    if line is None:
        check_order(index, TEXT, Path("eng.train"))
        return
    with pytest.raises(DataError, match=rf"index.txt line {line}: block"):
        check_order(index, TEXT, Path("eng.train"))


def test_the_index_does_not_say_which_version_its_labels_are_of(own: Paths, monkeypatch: pytest.MonkeyPatch, caplog: pytest.LogCaptureFixture) -> None:
    """All published: fine; none of them: a warning; one that is not: a line."""
    files = sorted(annotations(own).iterdir())
    with caplog.at_level(logging.WARNING):
        assert not are_published(files)
    assert "annotations holds none of the published label files" in caplog.text
    monkeypatch.setattr(published, "PUBLISHED", {path.name: digest_of(path) for path in files})
    assert are_published(files)
    load_task("noisebench", own)
    for name in ("index.txt", "noise_expert.traindev"):
        path = annotations(own) / name
        kept = path.read_text()
        path.write_text(kept.replace("docstart", "docstart\n\n", 1) if name == "index.txt" else kept.replace("B-PER", "B-ORG", 1))
        with pytest.raises(DataError, match=rf"{name} is not the published file, .*sha256 [0-9a-f]{{64}}, expected [0-9a-f]{{64}}\): copy data/annotations of"):
            load_task("noisebench", own)
        path.write_text(kept)
    first, second = twins(own, within=True)
    swap(annotations(own) / "index.txt", first, second)
    with pytest.raises(DataError, match=r"index.txt is not the published file"):
        load_task("noisebench", own)


def test_german_labels_are_of_one_version(own: Paths, monkeypatch: pytest.MonkeyPatch) -> None:
    folder = own.data / "noisebench" / "annotations_german"
    load_task("noisebench", own, language="german")
    monkeypatch.setattr(published, "PUBLISHED", {path.name: digest_of(path) for path in folder.iterdir()})
    load_task("noisebench", own, language="german")
    (folder / "clean.deu").write_text((folder / "clean.deu").read_text().replace("B-PER", "B-ORG", 1))
    with pytest.raises(DataError, match=r"clean.deu is not the published file, .*copy data/annotations_german of"):
        load_task("noisebench", own, language="german")


def test_a_digest_is_that_of_the_lines(tmp_path: Path) -> None:
    path = tmp_path / "labels"
    digests = set()
    for content in (b"[TOK]\tO\n\n[TOK]\tB-PER\n", b"\xef\xbb\xbf[TOK]\tO\r\n\r\n[TOK]\tB-PER\r\n\r\n", b"[TOK]\tO\n\n[TOK]\tB-PER"):
        path.write_bytes(content)
        digests.add(digest_of(path))
    assert digests == {hashlib.sha256(b"[TOK]\tO\n\n[TOK]\tB-PER\n").hexdigest()}


def test_rows_name_what_labels_were_merged_with(own: Paths) -> None:
    before = load_task("noisebench", own).files["merged tokens"]
    text = own.data / "conll2003" / "eng.train"
    lines = text.read_text().split("\n")
    chosen = next(i for i, line in enumerate(lines) if line.startswith("w") and lines[i - 1])
    lines[chosen] = "another" + lines[chosen][lines[chosen].index(" ") :]
    text.write_text("\n".join(lines))
    after = load_task("noisebench", own).files["merged tokens"]
    assert before != after
    assert len(before) == 64
    assert tokens_digest([]) == hashlib.sha256(b"").hexdigest()
