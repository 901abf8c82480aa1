"""Chest X-ray reports: 14 findings of 3,860 Open-i reports, labelled by an automatic indexer (observed) and by people (right)."""

from __future__ import annotations

from dataclasses import dataclass
from pathlib import Path
from typing import Literal
from xml.etree import ElementTree

import numpy as np
import torch

from benchmark.core.errors import ConfigError, DataError
from benchmark.core.files import FileName
from benchmark.core.paths import Paths
from benchmark.core.types import Examples, Task
from benchmark.data import own as owndata
from benchmark.data.problems import MultiLabel
from benchmark.data.reading import held_out, sha256_of, standardized
from benchmark.data.wheels import Wheel, fetched, member, tar_files
from benchmark.models.encoders.minilm import text_vectors
from tasks.cxr_reports.findings import FINDINGS, automatic, manual

WHEEL = Wheel("torchxrayvision", "1.5.7", "95f6c3475661f3515d4258deb0855bd5d1b1a56e0b65384251d3dd3fa61fac41")
PACKAGES = (WHEEL,)
REPORTS = "torchxrayvision/data/NLMCXR_reports.tgz"
SECTIONS = ("INDICATION", "FINDINGS", "IMPRESSION")
TEST_SHARE, VAL_FRACTION = 1060 / 3860, 0.2


@dataclass(frozen=True)
class Reports:
    """Indexed reports, aligned: names of their files, texts (E,), manual and automatic labels (E, 14) and the terms they come from."""

    files: list[str]
    texts: list[str]
    manual: np.ndarray
    automatic: np.ndarray
    terms: list[tuple[list[str], list[str]]]


def load(paths: Paths, archive: FileName | None = None, vectors: Literal["tf_idf", "minilm"] = "tf_idf", vocabulary: int = 4000) -> Task:
    """Reports as vectors; the automatic labels are the recorded ones. Both kinds of vectors have the same split.

    Args:
        paths: the wheel is looked for, and kept, in ``wheels/`` of the data and cache folders; MiniLM's vectors in ``features/`` of the latter.
        archive: another archive of the wheel's layout; its content is not compared with anything.
        vectors: TF-IDF of words and pairs of words, or the 384 features of frozen MiniLM, standardized by the training pool. Noise that depends on
            inputs reads TF-IDF.
        vocabulary: number of terms, the most frequent ones of the training pool.

    Raises:
        ConfigError: a vocabulary of less than 2 terms, or MiniLM is not installed. DataError: the archive cannot be fetched or read.
    """
    if vocabulary < 2:
        raise ConfigError(f"task.vocabulary={vocabulary} is too small: give at least 2 terms")
    file = fetched(WHEEL, paths) if archive is None else owndata.find(archive, "task.archive", paths)
    reports = read(file)
    texts = np.array(reports.texts, dtype=object)
    held, _ = held_out("cxr_reports", np.unique(texts, return_inverse=True)[1][:, None], round(TEST_SHARE * len(texts)))
    x = tf_idf(texts, ~held, vocabulary)
    _, group = np.unique(x.view(np.dtype((np.void, x.strides[0])))[:, 0], return_inverse=True)
    held &= ~np.isin(group, group[~held])  # reports that differ in words outside the vocabulary only are one input: they stay in the pool
    terms = x
    if vectors == "minilm":
        x = standardized(text_vectors(reports.texts, paths.cache), ~held)
    train, test = (Examples(torch.from_numpy(x[side]), reports.manual[side]) for side in (~held, held))
    return Task(
        "cxr_reports",
        MultiLabel(list(FINDINGS)),
        train,
        test,
        np.unique(group[~held], return_inverse=True)[1],
        annotations={"automatic": reports.automatic[~held]},
        features=None if vectors == "tf_idf" else lambda: terms[~held],
        val_fraction=VAL_FRACTION,
        places=np.concatenate([np.array(reports.files)[side] for side in (~held, held)]),
        files={} if archive is None else {str(file): sha256_of(file)},
    )


def read(archive: Path) -> Reports:
    """The reports that a person indexed (their manual heading is not ``no indexing``), in the order of their file names.

    Raises:
        DataError: a file that is no report, or fewer than 20 reports.
    """
    files, texts, terms = [], [], []
    for name, content in tar_files(member(archive, REPORTS), ".xml", f"{archive}: {REPORTS}"):
        if b"<!ENTITY" in content:
            raise DataError(f"{archive}: {name} defines entities: it is no report of Open-i")
        try:
            root = ElementTree.fromstring(content)
        except ElementTree.ParseError as error:
            raise DataError(f"{archive}: {name} cannot be read as XML ({error}): fetch the archive again") from error
        major, machine = ([element.text or "" for element in root.iter(tag)] for tag in ("major", "automatic"))
        if not major or any(heading.strip().lower() == "no indexing" for heading in major):
            continue
        sections = {element.get("Label"): element.text or "" for element in root.iter("AbstractText")}
        files.append(name)
        texts.append(" ".join(sections.get(section, "") for section in SECTIONS).strip())
        terms.append((major, machine))
    owndata.check_size(archive, len(files), "indexed reports")
    return Reports(files, texts, np.stack([manual(m) for m, _ in terms]), np.stack([automatic(a) for _, a in terms]), terms)


def tf_idf(texts: np.ndarray, known: np.ndarray, vocabulary: int) -> np.ndarray:
    """(E, D) float32. Terms and their weights come from the ``known`` (training) texts alone; a term occurs in at least 3 of them."""
    from sklearn.feature_extraction.text import TfidfVectorizer

    vectorizer = TfidfVectorizer(ngram_range=(1, 2), min_df=3, max_features=vocabulary, dtype=np.float32)
    vectorizer.fit(texts[known])
    dense: np.ndarray = vectorizer.transform(texts).toarray()
    return dense
