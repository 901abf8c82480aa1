"""Shares of the votes."""

from __future__ import annotations

import numpy as np

from benchmark.functional.votes import Voting, vote_shares, weighted_shares
from benchmark.noise.label_models.base import LabelModel


class Majority(LabelModel):
    """Give each class its share of the votes.

    The arg-max is the majority vote. It is the best rule that reads a unit's own votes alone where every
    source is right with one probability above the chance of a wrong majority.
    """

    def __call__(self, voting: Voting, outcome: bool = False, balance: np.ndarray | None = None) -> np.ndarray:
        """Return (N, K) shares of the votes."""
        return vote_shares(voting)


class Weighted(LabelModel):
    """Weight each source by the log odds of its agreement with the others (Nitzan and Paroush, 1982)."""

    cites = "Nitzan and Paroush, 1982, International Economic Review 23"

    def __call__(self, voting: Voting, outcome: bool = False, balance: np.ndarray | None = None) -> np.ndarray:
        """Return (N, K) weighted shares of the votes."""
        return weighted_shares(voting)
