"""Candidate sets: partial labels of a multiclass task."""

from __future__ import annotations

import numpy as np

from benchmark.core.errors import ConfigError
from benchmark.core.types import Corruption, Labels
from benchmark.noise.base import Context, Noise, check_rate, corruption
from benchmark.noise.streams import Streams


class Candidates(Noise):
    """Every label comes as a set that holds the right class, and each wrong class with probability ``rate``.

    The uniform sampling of partial-label learning (Lv et al., 2020, arXiv:2002.08053). The observed label is a member of the set, drawn evenly: what a
    method without use for sets gets. Sets at a low rate are subsets of those at a higher one. The share of wrong labels is
    1 - E[1 / |S|] = 1 - (1 - (1 - r)^K) / (K r).
    """

    family = "partial labels"
    problems = frozenset({"multiclass"})
    gives = frozenset({"candidates"})
    not_nested = "the sets are nested, but the label is drawn anew from a larger set"

    def __init__(self, rate: float = 0.3) -> None:
        self.rate = check_rate(rate, "noise.rate")

    def nominal_rate(self) -> None:
        """``rate`` is that of set members, not of wrong labels."""
        return

    def __call__(self, labels: Labels, streams: Streams, context: Context) -> Corruption:
        """Candidates (N, K) and one of them. Units that are not live have empty sets."""
        k = labels.num_classes
        if k < 2:
            raise ConfigError(f"noise Candidates has no wrong class to give: the task has {k} class")
        right = labels.value[:, None] == np.arange(k)
        sets = (np.stack([streams[f"join{c}"] for c in range(k)], axis=1) < self.rate) | right
        sets &= labels.live[:, None]
        rank = np.cumsum(sets, axis=1)
        chosen = (streams["pick"] * rank[:, -1]).astype(np.int64) + 1
        observed = ((rank == chosen[:, None]) & sets).argmax(1)
        return corruption(labels, observed, candidates=sets)
