"""Chest X-rays: films of NIH ChestX-ray14, CheXpert, PadChest, Open-i or VinDr-CXR from the user's folder, with automatic labels to train on."""

from __future__ import annotations

import logging
from collections.abc import Sequence
from pathlib import Path
from typing import Literal

import numpy as np
import torch
from scipy.sparse import coo_array
from scipy.sparse.csgraph import connected_components

from benchmark.core.errors import ConfigError, DataError
from benchmark.core.files import FileName, NamedFile
from benchmark.core.paths import Paths
from benchmark.core.seeds import stream
from benchmark.core.types import Examples, Task
from benchmark.data import images
from benchmark.data import own as owndata
from benchmark.data.problems import MultiLabel
from benchmark.data.reading import same_inputs, split_groups
from tasks.cxr_images.films import UNCERTAIN, UNKNOWN, Films, chosen, shared
from tasks.cxr_images.formats import FORMATS

log = logging.getLogger(__name__)
Source = Literal["nih", "chexpert", "padchest", "openi", "vindr"]
Policy = Literal["zeros", "ones", "ignore", "soft"]
SOFT = (0.55, 0.85)  # of an uncertain label with policy ``soft``: Pham et al., 2021, arXiv:1911.06475


def load(
    paths: Paths,
    source: Source = "nih",
    path: FileName | None = None,
    test_source: Source | None = None,
    test_path: FileName | None = None,
    findings: Sequence[str] = (),
    uncertain: Policy = "zeros",
    missing: Literal["refuse", "skip"] = "refuse",
    size: int = 64,
    test_fraction: float = 0.2,
) -> Task:
    """Gray images (1, size, size) as bytes; nobody is on two sides of a split.

    Args:
        paths: relative paths start at the working directory or else at ``paths.data``.
        source: format of the folder ``path``.
        test_source, test_path: a second data set to test on, on the findings that both have; none by default.
        findings: all by default. uncertain: what an uncertain label of training is.
        missing: what a row of the table without an image is.
        size: height and width. test_fraction: share of the patients set aside where the data set has no test part of its own.

    Raises:
        ConfigError: a setting is missing or wrong. DataError: a file cannot be used.
    """
    if (test_source is None) != (test_path is None):
        raise ConfigError(f"task.test_source={test_source} and task.test_path={test_path}: give both, or none")
    folder = owndata.find(path, "task.path", paths)
    train = FORMATS[source](folder)
    if test_source is not None:
        train, test = _crossed(train, FORMATS[test_source](owndata.find(test_path, "task.test_path", paths)))
    else:
        held = split_groups(_numbered(train.patient), test_fraction, "test", "cxr_images", source) if train.test is None else train.test
        train, test = train.take(~held), train.take(held)
    names = chosen(train, findings)
    sides = [_present(films.renamed(names), missing) for films in (train, test)]
    return _task(f"cxr_{source}", sides[0], sides[1], uncertain, size)


def _crossed(train: Films, test: Films) -> tuple[Films, Films]:
    """Two data sets on the findings that both have. What the second calls its test part is what counts of it, else all of it."""
    names = shared(train, test)
    if not names:
        raise DataError(f"{train.tables} and {test.tables} have no finding in common")
    held = np.ones(len(test.files), dtype=bool) if test.test is None else test.test
    return train.renamed(names), test.take(held).renamed(names)


def _present(films: Films, missing: str) -> Films:
    """The films whose image is there.

    Raises:
        DataError: one is not, and ``missing`` is refuse; or none is.
    """
    there = np.array([file.is_file() for file in films.files], dtype=bool)
    gone = np.flatnonzero(~there)
    if len(gone) and missing == "refuse":
        at = gone[0]
        raise DataError(f"{films.files[at]} is missing ({films.places[at]}, {len(gone)} of {len(there)}): add the images, or set task.missing=skip")
    if len(gone):
        log.warning("%d of %d films have no image and are left out", len(gone), len(there))
    return films.take(there)


def _task(name: str, train: Films, test: Films, uncertain: Policy, size: int) -> Task:
    """The task of both sides, without people, images and findings that would give something away or teach nothing."""
    where = train.tables[0] if train.tables else train.files[0].parent
    owndata.check_size(where, len(train.files), "training films")
    if not test.files:
        raise DataError(f"{where}: no film is left to test on: add films of the test part")
    radiologists = test.right is not None
    given = resolved(train, train.observed, uncertain)
    right = None if train.right is None or (train.right == UNKNOWN).all() else np.where(train.right == UNCERTAIN, UNKNOWN, train.right)
    truth = test.observed if test.right is None else test.right
    truth = np.where(truth == UNCERTAIN, UNKNOWN, truth)
    apart = ~np.isin(train.patient, test.patient)
    if not apart.all():
        log.warning("%d training films belong to patients of the test part and are left out", (~apart).sum())
    x, unseen = (images.decode(films.files, size, 1) for films in (train, test))
    pixels = same_inputs(torch.cat([x, unseen]).numpy())
    apart &= ~np.isin(pixels[: len(x)], pixels[len(x) :])
    use, scored = apart & (given != UNKNOWN).any(1), (truth != UNKNOWN).any(1)
    for part, kept in (("training", use | ~apart), ("test", scored)):
        if not kept.all():
            log.warning("%d %s films have no known label and are left out", (~kept).sum(), part)
    both = [c for c in range(len(train.names)) if {0, 1} <= set(given[use, c])]
    for c in sorted(set(range(len(train.names))) - set(both)):
        log.warning("%s is never %s in training and is left out", train.names[c], "positive" if 1 not in given[use, c] else "negative")
    if not both:
        raise DataError(f"{name}: no finding has positives and negatives among {use.sum()} training films: give more films")
    known = None if right is None else np.where(right == UNKNOWN, given, right)
    groups = _linked(_numbered(train.patient)[use], pixels[: len(x)][use])
    y = (given if known is None else known)[use][:, both]
    return Task(
        name,
        MultiLabel([train.names[c] for c in both]),
        Examples(x[torch.from_numpy(use)], y),
        Examples(unseen[torch.from_numpy(scored)], truth[scored][:, both]),
        groups,
        annotations={"observed": given[use][:, both]},
        val_fraction=owndata.VAL_FRACTION,
        clean=known is not None,
        test_labels="right" if radiologists else "observed",
        places=np.array([*np.array(train.places, dtype=object)[use], *np.array(test.places, dtype=object)[scored]]),
        files=owndata.digests(*dict.fromkeys([*train.tables, *test.tables])),
    )


def resolved(films: Films, grid: np.ndarray, policy: Policy) -> np.ndarray:
    """Labels with uncertain ones made 0, 1, unknown, or (soft) 1 with a chance u ~ U(.55, .85) drawn once for each film and finding.

    The mean loss of drawn labels is the loss of the soft label u: labels stay 0 and 1 for every method.
    """
    if policy == "soft":
        ids = np.arange(grid.size)
        chance = SOFT[0] + (SOFT[1] - SOFT[0]) * stream(ids, "cxr_images", "soft", "level")
        value = (stream(ids, "cxr_images", "soft", "draw") < chance).astype(np.int64).reshape(grid.shape)
    else:
        value = np.full(grid.shape, {"zeros": 0, "ones": 1, "ignore": UNKNOWN}[policy])
    return np.where(grid == UNCERTAIN, value, grid)


def _numbered(values: np.ndarray) -> np.ndarray:
    number: np.ndarray = np.unique(values.astype(str), return_inverse=True)[1]
    return number


def _linked(patient: np.ndarray, pixels: np.ndarray) -> np.ndarray:
    """(E,) groups of films that share a patient or an image, by any chain of such links."""
    offset = int(patient.max()) + 1
    size = offset + int(pixels.max()) + 1
    group: np.ndarray = connected_components(coo_array((np.ones(len(patient)), (patient, offset + pixels)), shape=(size, size)), directed=False)[1]
    found: np.ndarray = np.unique(group[patient], return_inverse=True)[1]
    return found


def contents(named: NamedFile) -> list[Path]:
    """Return the files that identify the data: its tables. The films are those that the tables' publishers gave out."""
    if named.found is None:
        return []
    inside = [*named.found.glob("*"), *named.found.glob("*/*")]
    return sorted(file for file in inside if file.is_file() and file.suffix.lower() not in images.SUFFIXES)
