"""The triplet method."""

from __future__ import annotations

import numpy as np

from benchmark.functional.votes import Voting, flying_squid
from benchmark.noise.label_models.base import LabelModel


class FlyingSquid(LabelModel):
    """Solve for accuracies from triplets of sources, without iterations (Fu et al., 2020, arXiv:2002.11955).

    Classes are taken one against the others where there are more than two; the exponential that WRENCH
    puts over these probabilities keeps their order only and is left out.
    """

    takes_balance = True
    cites = "Fu et al., 2020, arXiv:2002.11955"

    def __call__(self, voting: Voting, outcome: bool = False, balance: np.ndarray | None = None) -> np.ndarray:
        """Return (N, K) posteriors of the classes."""
        return flying_squid(voting, balance)
