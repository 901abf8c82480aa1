"""Sources with confusion matrices, or with one accuracy each."""

from __future__ import annotations

import numpy as np

from benchmark.functional.votes import Voting, dawid_skene, one_coin
from benchmark.noise.label_models.base import LabelModel


class DawidSkene(LabelModel):
    """Learn a confusion matrix for every source by expectation maximisation (Dawid and Skene, 1979)."""

    reads_abstention = True
    cites = "Dawid and Skene, 1979, Applied Statistics 28"

    def __init__(self, iterations: int = 50, smoothing: float = 0.01) -> None:
        self.iterations = iterations
        self.smoothing = smoothing

    def __call__(self, voting: Voting, outcome: bool = False, balance: np.ndarray | None = None) -> np.ndarray:
        """Return (N, K) posteriors of the classes."""
        return dawid_skene(voting, voting.classes, self.iterations, self.smoothing, outcome)


class OneCoin(LabelModel):
    """Learn one accuracy for every source by expectation maximisation (Zhang et al., 2014, arXiv:1406.3824)."""

    reads_abstention = True
    cites = "Zhang et al., 2014, arXiv:1406.3824"

    def __init__(self, iterations: int = 50) -> None:
        self.iterations = iterations

    def __call__(self, voting: Voting, outcome: bool = False, balance: np.ndarray | None = None) -> np.ndarray:
        """Return (N, K) posteriors of the classes."""
        return one_coin(voting, self.iterations, outcome)
