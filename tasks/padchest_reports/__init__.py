"""PadChest's reports: stems of Spanish words, findings by a recurrent network to train on (observed) and by physicians to test on (right)."""

from __future__ import annotations

import io
import re
from dataclasses import dataclass
from pathlib import Path

import numpy as np
import pandas as pd
import torch

from benchmark.core.errors import ConfigError, DataError
from benchmark.core.files import FileName
from benchmark.core.paths import Paths
from benchmark.core.types import Examples, Task
from benchmark.data import own as owndata
from benchmark.data.problems import MultiLabel
from benchmark.data.reading import same_inputs, sha256_of
from benchmark.data.wheels import DAMAGED, fetched, member
from tasks.cxr_reports import VAL_FRACTION, WHEEL, tf_idf
from tasks.cxr_reports import WHEELS as WHEELS

TABLE = "torchxrayvision/data/PADCHEST_chest_x_ray_images_labels_160K_01.02.19.csv.gz"
SHA256 = "34a10144a87fe00c176f23f9aa174a10137fd425882b09d8fb012ab817d99d65"
COLUMNS = ["PatientID", "ReportID", "Report", "MethodLabel", "Labels"]
NO_FINDINGS = frozenset({"", "normal", "unchanged", "exclude", "suboptimal study"})
LEAST = 0.005  # a finding is one of the task from this share of positives on, among the texts of either side


@dataclass(frozen=True)
class Texts:
    """Distinct texts, aligned: their words, the id of a report that has them, and (T, C) labels of 0 and 1, -1 in rows that this side did not label.

    ``apart`` are texts that the network alone labelled, in a report of a patient of whom no physician labelled anything.
    """

    words: np.ndarray
    report: np.ndarray
    network: np.ndarray
    physician: np.ndarray
    apart: np.ndarray
    names: list[str]


def load(paths: Paths, archive: FileName | None = None, vocabulary: int = 1000) -> Task:
    """TF-IDF of words and pairs of words. No patient and no input is on two sides; nobody knows the right labels of what trains.

    Args:
        paths: the wheel is looked for, and kept, in ``wheels/`` of the data and cache folders.
        archive: another archive of the wheel's layout; its content is not compared with anything.
        vocabulary: number of terms, the most frequent ones of the training pool.

    Raises:
        ConfigError: a vocabulary of less than 2 terms. DataError: the archive cannot be fetched or read.
    """
    if vocabulary < 2:
        raise ConfigError(f"task.vocabulary={vocabulary} is too small: give at least 2 terms")
    file = fetched(WHEEL, paths) if archive is None else owndata.find(archive, "task.archive", paths)
    texts = read(file, SHA256 if archive is None else None)
    tested = (texts.physician >= 0).all(1)
    x = tf_idf(texts.words, texts.apart, vocabulary)
    group = same_inputs(x)
    pool = texts.apart & ~np.isin(group, group[tested])
    train, test = Examples(torch.from_numpy(x[pool]), texts.network[pool]), Examples(torch.from_numpy(x[tested]), texts.physician[tested])
    return Task(
        "padchest_reports",
        MultiLabel(texts.names),
        train,
        test,
        np.unique(group[pool], return_inverse=True)[1],
        annotations={"automatic": texts.network[pool]},
        val_fraction=VAL_FRACTION,
        clean=False,
        places=np.concatenate([texts.report[pool], texts.report[tested]]),
        files={} if archive is None else {str(file): sha256_of(file)},
    )


def read(archive: Path, sha256: str | None = None) -> Texts:
    """The texts of the table in the wheel, in alphabetical order, with the findings that are frequent enough on both sides.

    The table has the content ``sha256``, where it is known.

    Raises:
        DataError: the table cannot be read, or fewer than 20 texts are labelled by a side.
    """
    where = f"{archive}: {TABLE}"
    try:
        table = pd.read_csv(io.BytesIO(member(archive, TABLE, sha256)), compression="gzip", usecols=COLUMNS, dtype=str)
    except (*DAMAGED, KeyError) as error:
        raise DataError(f"{where} cannot be read as PadChest's table ({error}): fetch the archive again") from error
    table = table.dropna().assign(Report=table["Report"].str.strip())
    table = table[table["Report"] != ""]
    by_physician = (table["MethodLabel"] == "Physician").to_numpy()
    other = ~by_physician & ~table["PatientID"].isin(table["PatientID"][by_physician]).to_numpy()
    texts, row = np.unique(table["Report"].to_numpy(dtype=str), return_inverse=True)
    found = [sorted({name.strip().lower() for name in re.findall(r"'([^']*)'", cell)} - NO_FINDINGS) for cell in table["Labels"]]
    known, label = np.unique(np.array([name for names in found for name in names], dtype=str), return_inverse=True)
    line = np.repeat(np.arange(len(table)), [len(names) for names in found])
    grids = []
    for side in (~by_physician, by_physician):
        grid = np.full((len(texts), len(known)), -1)
        grid[row[side]] = 0
        chosen = side[line]
        grid[row[line[chosen]], label[chosen]] = 1
        grids.append(grid)
    network, physician = grids
    for grid, whom in ((network, "a network"), (physician, "physicians")):
        owndata.check_size(archive, int((grid >= 0).any(1).sum()), f"PadChest texts that {whom} labeled")
    frequent = np.all([(grid == 1).sum(0) >= LEAST * (grid >= 0).any(1).sum() for grid in grids], axis=0)
    first = np.unique(row, return_index=True)[1]
    apart = np.isin(np.arange(len(texts)), row[other]) & (physician < 0).all(1)
    return Texts(texts, table["ReportID"].to_numpy()[first], network[:, frequent], physician[:, frequent], apart, known[frequent].tolist())
