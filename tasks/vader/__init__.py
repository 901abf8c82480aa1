"""Vader: the sentiment of short texts, each rated by a panel of people; one of them stands for a noisy label."""

from __future__ import annotations

import ast
from typing import Literal

import numpy as np
import torch

from benchmark.core.errors import DataError
from benchmark.core.paths import Paths
from benchmark.core.seeds import stream
from benchmark.core.types import Examples, Task
from benchmark.data.problems import Multiclass, Problem
from benchmark.data.reading import held_out
from benchmark.data.wheels import Wheel, fetched, tar_files

ARCHIVE = Wheel("vaderSentiment", "3.3.2", "5d7c06e027fc8b99238edb0d53d970cf97066ef97654009890b83703849632f9", source=True)
PACKAGES = (ARCHIVE,)
INSIDE = "hutto_ICWSM_2014.tar.gz"
FILES = {"movie": "movieReviewSnippets", "amazon": "amazonReviewSnippets", "nyt": "nytEditorialSnippets"}
SIGNS = ("negative", "neutral", "positive")
Texts = Literal["movie", "amazon", "nyt"]


def load(paths: Paths, texts: Texts = "movie", words: int = 2048, test_fraction: float = 0.2) -> Task:
    """Hashed words; classes are signs of ratings: the panel's most frequent one is right, ``rater`` is that of one rater drawn for each text.

    Args:
        paths: the archive is in ``wheels`` below the data or the cache, or is fetched from the package registry.
        texts: which set.
        words: number of hashed words.
        test_fraction: share of the texts set aside for good.

    Raises:
        DataError: the archive cannot be fetched, or is another one.
    """
    sentences, ratings = rated(paths, texts)
    cast = [np.sign(panel).astype(np.int64) + 1 for panel in ratings]
    counts = np.stack([np.bincount(votes, minlength=3) for votes in cast])
    mean = np.array([np.sign(panel.mean()) for panel in ratings])
    tied = counts == counts.max(1, keepdims=True)
    right = np.where(tied[np.arange(len(tied)), mean.astype(int) + 1], mean + 1, counts.argmax(1)).astype(np.int64)
    one = np.array([votes[place] for votes, place in zip(cast, drawn(ratings, texts), strict=True)])
    return task_of(f"vader-{texts}", Multiclass(SIGNS), sentences, right, one, words, test_fraction)


def rated(paths: Paths, texts: Texts) -> tuple[list[str], list[np.ndarray]]:
    """Texts, and the ratings (-4 to 4) that the panel gave to each."""
    archive = fetched(ARCHIVE, paths)
    inner = next((content for name, content in tar_files(archive.read_bytes(), INSIDE, str(archive))), None)
    if inner is None:
        raise DataError(f"{archive} does not hold {INSIDE}: fetch it again")
    found = {name.rpartition("/")[2]: content.decode("utf-8-sig") for name, content in tar_files(inner, ".txt", INSIDE) if FILES[texts] in name}
    sentences, panels = (dict(_columns(found[f"{FILES[texts]}_{kind}.txt"])) for kind in ("GroundTruth", "anonDataRatings"))
    if set(sentences) != set(panels):
        raise DataError(f"{archive}: texts and ratings of {texts!r} do not name the same items: fetch it again")
    return list(sentences.values()), [np.array(ast.literal_eval(panel), dtype=np.float64) for panel in map(panels.__getitem__, sentences)]


def _columns(content: str) -> list[tuple[str, str]]:
    """The id and the last column of each line."""
    lines = (line.split("\t") for line in content.replace("\r\n", "\n").split("\n") if line.strip())
    return [(fields[0], fields[-1]) for fields in lines]


def drawn(ratings: list[np.ndarray], texts: str) -> np.ndarray:
    """The place of one rater for each text: one draw, since the panel's places are not people."""
    sizes = np.array([len(panel) for panel in ratings])
    return (stream(np.arange(len(sizes)), "vader", texts) * sizes).astype(np.int64)


def task_of(name: str, problem: Problem, sentences: list[str], right: np.ndarray, one: np.ndarray, words: int, test_fraction: float) -> Task:
    """A task from texts: which hashed words are there, times their inverse document frequency in training, of length 1."""
    from sklearn.feature_extraction.text import HashingVectorizer

    hashed = HashingVectorizer(n_features=words, alternate_sign=False, norm=None, dtype=np.float32)
    present = (hashed.transform(sentences).toarray() > 0).astype(np.float32)
    held, groups = held_out(name, present, round(test_fraction * len(sentences)))
    x = present * -np.log(np.clip(present[~held].mean(0), 1 / len(sentences), 0.99))
    x = torch.from_numpy(x / np.maximum(np.linalg.norm(x, axis=1, keepdims=True), 1e-6)).float()
    train, test = (Examples(x[torch.from_numpy(side)], right[side]) for side in (~held, held))
    return Task(name, problem, train, test, np.unique(groups[~held], return_inverse=True)[1], annotations={"rater": one[~held]}, val_fraction=0.15)
