"""Noise from any transition matrix: given, or drawn at random."""

from __future__ import annotations

import json
from collections.abc import Sequence
from pathlib import Path

import numpy as np

from benchmark.core.errors import ConfigError, DataError
from benchmark.core.files import FileName
from benchmark.core.types import Labels
from benchmark.noise.base import check_rate, checked_transition
from benchmark.noise.class_conditional import ClassConditional
from benchmark.noise.streams import Streams


class Transition(ClassConditional):
    """Class-conditional noise with a K x K matrix T[i, j] = P(observed = j | right = i).

    ``matrix``: a list of rows, or a file (.npy, .csv, .json). Without it T is drawn: ``diagonal`` (a number, or one per class)
    stays, the rest of row i is spread in proportion to K - 1 uniform random numbers (the recipe of Yao et al., 2020,
    arXiv:2006.07805). Smaller diagonals keep the random proportions, so mistakes are nested in 1 - diagonal.
    """

    not_nested = "its strength is the diagonal, not one rate"

    def __init__(self, matrix: FileName | list[list[float]] | None = None, diagonal: float | list[float] = 0.7) -> None:
        self.matrix = matrix
        shares = diagonal if isinstance(diagonal, list) else [diagonal]
        self.diagonal = np.array([check_rate(share, "noise.diagonal") for share in shares])

    def drawn_transition(self, labels: Labels, streams: Streams) -> np.ndarray:
        """(K, K): read, or drawn."""
        k = labels.num_classes
        if self.matrix is not None:
            return checked_transition(read_matrix(self.matrix, "noise.matrix"), k)[0]
        if len(self.diagonal) not in (1, k):
            raise ConfigError(f"noise.diagonal has {len(self.diagonal)} entries, the task has {k} classes: give one number, or one for each class")
        others = streams.generator("matrix").random((k, k)) * (1 - np.eye(k))
        stay = np.broadcast_to(self.diagonal, (k,))
        return (1 - stay)[:, None] * others / others.sum(1, keepdims=True) + np.diag(stay)

    def nominal_rate(self) -> float | None:
        """1 - diagonal of a random matrix with one diagonal."""
        return float(1 - self.diagonal[0]) if self.matrix is None and len(self.diagonal) == 1 else None

    def files(self) -> tuple[Path, ...]:
        """The matrix file."""
        return (Path(self.matrix),) if isinstance(self.matrix, str) else ()


class ClassRandom(ClassConditional):
    """Each class becomes one other class, drawn once per data set and class, with probability r.

    The "flip" noise of meta label correction (Zheng et al., 2021, arXiv:1911.03809). Two classes may share a target.
    """

    def drawn_transition(self, labels: Labels, streams: Streams) -> np.ndarray:
        """(1 - r) I + r times a random map without fixed points."""
        k = labels.num_classes
        step = streams.generator("targets").integers(1, k, k)
        matrix = (1 - self.rate) * np.eye(k)
        matrix[np.arange(k), (np.arange(k) + step) % k] += self.rate
        return matrix


def read_matrix(given: str | Sequence[Sequence[float]], where: str) -> np.ndarray:
    """A matrix from a list of rows or from a file (.npy without pickles, .csv with commas, .json).

    Raises:
        ConfigError: rows of different length, or no numbers.
        DataError: the file is missing or cannot be read.
    """
    try:
        if not isinstance(given, str):
            return np.asarray(given, dtype=float)
        path = Path(given)
        if path.suffix == ".npy":
            return np.asarray(np.load(path, allow_pickle=False, mmap_mode="r"))
        if path.suffix == ".json":
            return np.asarray(json.loads(path.read_text(encoding="utf8")), dtype=float)
        return np.atleast_2d(np.loadtxt(path, delimiter=",", ndmin=2))
    except OSError as error:
        raise DataError(f"{where}={given} cannot be read ({error.strerror or error}): give a .npy, .csv or .json file of numbers") from error
    except ValueError as error:
        problem = " ".join(str(error).split())
        raise (DataError if isinstance(given, str) else ConfigError)(f"{where} is no matrix of numbers: {problem}") from error
