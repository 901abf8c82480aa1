"""NoiseBench: CoNLL-2003 news with six kinds of real label noise; the labels are free, the text is the user's own."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import replace
from pathlib import Path
from typing import Literal

from benchmark.core.errors import DataError
from benchmark.core.paths import Paths
from benchmark.core.types import Task
from benchmark.data import own as owndata
from benchmark.data.conll import Sentence, iob2
from benchmark.data.tagged import check_types, located, tagging_task
from tasks.noisebench.merge import DOCSTART, TYPES, aligned, blocks, dated, documents, first_columns, joined, lines_of, merged, patched
from tasks.noisebench.published import are_published, check_order, provenance

ENGLISH = ("expert", "crowdbest", "crowd", "distant", "weak", "llm")
GERMAN = ("expert", "llm")
LABELS = "copy data/{} of github.com/elenamer/NoiseBench there"
PATCHES = "copy data/patch_files and data/cleanconll_annotations of github.com/flairNLP/CleanCoNLL there"
TEXT = "put your copy of CoNLL-2003 there ({}); its license does not let anybody else ship it"
GERMAN_DEV = 0.17  # share of the German documents, the last ones


def load(paths: Paths, language: Literal["english", "german"] = "english") -> Task:
    """Validation is noisy as training is; the test part is always clean (CleanCoNLL; German: the corpus's own labels).

    Args:
        paths: labels in ``paths.data/noisebench``, text in ``conll2003``, patches and test labels in ``cleanconll``.
        language: English has the label sets expert, crowdbest, crowd, distant, weak and llm, German has expert and llm.

    Raises:
        DataError: a file is missing, which the line names with its place, is of another version than those beside it, or files do not
            fit each other.
    """
    return _english(paths) if language == "english" else _german(paths)


def _english(paths: Paths) -> Task:
    labels, clean = paths.data / "noisebench" / "annotations", paths.data / "cleanconll"
    train = located(paths.data / "conll2003", ["eng.train", "train.txt"], TEXT.format("eng.train or train.txt"))
    test = located(paths.data / "conll2003", ["eng.testb", "test.txt"], TEXT.format("eng.testb or test.txt"))
    patches = [located(clean, [f"{side}_tokens.patch", f"data/patch_files/{side}_tokens.patch"], PATCHES) for side in ("train", "test")]
    names = ["cleanconll_annotations.test", *(f"data/{folder}/cleanconll_annotations.test" for folder in ("cleanconll_annotations", "CleanCoNLL_annotations"))]
    right = located(clean, names, PATCHES)
    index = located(labels, ["index.txt"], LABELS.format("annotations"))
    sets = {name: located(labels, [f"{name}.traindev"], LABELS.format("annotations")) for name in ("clean", *(f"noise_{name}" for name in ENGLISH))}
    text = blocks(patched(first_columns(train), patches[0], train))
    published = are_published([index, *sets.values()])
    found = {name.removeprefix("noise_"): documents(merged(path, index, text, train)) for name, path in sets.items()}
    if not published:
        check_order(index, text, train)
    dev = [dated(document) for document in found["clean"]]
    files = owndata.digests(train, test, *patches, right, index, *sets.values()) | provenance(found)
    return _task("noisebench", found, dev, _clean_test(test, patches[1], right), files)


def _clean_test(text: Path, patch: Path, labels: Path) -> list[Sentence]:
    """CleanCoNLL's test part: patched tokens with the last column of its annotations."""
    tokens, given = blocks(patched(first_columns(text), patch, text)), blocks(lines_of(labels), "\t")
    if [len(block) for block in tokens] != [len(block) for block in given]:
        raise DataError(
            f"{labels} has {len(given)} blocks, {text} with its patch has {len(tokens)}, or one of another length: give the original CoNLL-2003 file"
        )
    return [_tagged(words, block, labels) for words, block in zip(tokens, given, strict=True)]


def _tagged(words: Sequence[tuple[int, list[str]]], block: Sequence[tuple[int, list[str]]], labels: Path) -> Sentence:
    tags = [columns[-1].strip() for _, columns in block]
    for (number, _), tag in zip(block, tags, strict=True):
        check_types(labels, [tag], TYPES, number)
    return Sentence(tuple(columns[0] for _, columns in words), iob2(tags), tuple(number for number, _ in block))


def _german(paths: Paths) -> Task:
    labels = paths.data / "noisebench" / "annotations_german"
    train, test = (located(paths.data / "conll2003", [name], TEXT.format(name)) for name in ("deu.train", "deu.testb"))
    sets = {name: located(labels, [f"{name}.deu"], LABELS.format("annotations_german")) for name in ("clean", *(f"noise_{name}" for name in GERMAN))}
    text = blocks(lines_of(train))
    are_published(list(sets.values()))
    found = {name.removeprefix("noise_"): documents(aligned(path, text, train)) for name, path in sets.items()}
    # The file of the language model has B- alone; the authors' later copies join neighbors of one type.
    found["llm"] = [[replace(s, tags=tuple(joined(s.tags))) for s in document] for document in found["llm"]]
    count = len(found["clean"])
    dev = [number >= int((1 - GERMAN_DEV) * count) for number in range(1, count + 1)]
    held = [_tagged(block, block, test) for block in blocks(lines_of(test))]
    return _task("noisebench-german", found, dev, held, owndata.digests(train, test, *sets.values()) | provenance(found))


def _task(name: str, found: dict[str, list[list[Sentence]]], dev: Sequence[bool], test: Sequence[Sentence], files: dict[str, str]) -> Task:
    def text(of: str, side: bool) -> list[Sentence]:
        return [s for document, held in zip(found[of], dev, strict=True) if held == side for s in document if s.tokens[0] != DOCSTART]

    recorded = {of: [s.tags for side in (False, True) for s in text(of, side)] for of in found if of != "clean"}
    kept = [s for s in test if s.tokens[0] != DOCSTART]
    return tagging_task(name, TYPES, text("clean", False), kept, recorded, val=text("clean", True), files=files)
