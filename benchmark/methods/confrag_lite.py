"""Sample selection by contrasting fragments of the target range, without the feature space."""

from __future__ import annotations

from collections.abc import Sequence

import numpy as np
import torch
from torch import Tensor

from benchmark.methods.base import Method, Price, RunInfo
from benchmark.types import Evaluate, FitFunction, Phase


class ConFragLite(Method):
    """Experts tell distant fragments of the targets apart; a sample whose fragment they and their neighbours confirm is kept.

    After Kim et al., 2024, arXiv:2502.17771 (ConFrag). The distinct targets are cut into F equal parts, paired (f, f + F / 2).
    Each pair has an expert, a binary classifier on the samples of its two parts, whose edges jitter every epoch. Fragment f
    agrees with a sample if its expert prefers f; the sample is right with P = sum_f eta_f a_f (a_{f-1} or a_{f+1}),
    eta = softmax(range / (|y - mid_f| + .1 sd)). Each epoch draws the training set from P. Left out of the paper's method:
    agreement in feature space. Side trainings: F / 2 experts, each on 2 / F of the data.
    """

    kinds = frozenset({"continuous"})
    native = frozenset({"regression"})
    keeps = "N"
    cites = "Kim et al., 2024, arXiv:2502.17771"
    fidelity = "adapted"
    differs = "no agreement in feature space"

    probability: Tensor

    def __init__(self, fragments: int = 4, jitter: float = 0.05) -> None:
        super().__init__()
        self.fragments, self.jitter = fragments, jitter

    def passes(self, epochs: int) -> Price:
        """The experts share the data; each votes on all of it once; training sees what is drawn."""
        return Price(2 + self.fragments // 2 / epochs, 2, at_most=True)

    def prepare(self, fit: FitFunction, run: RunInfo) -> None:
        """Train the experts and let them vote on every sample."""
        self.rng, half = run.generator("confrag"), self.fragments // 2
        y = run.observed["train"].value.numpy().astype(np.float64)
        agree = np.zeros((len(y), self.fragments), dtype=bool)
        for f in range(half):
            expert = fit(indices=lambda epoch, f=f: self._pair(y, f, jitter=True), outputs=2)
            prefers_mate = expert.predict(np.arange(len(y))).argmax(1).cpu().numpy() == 1
            agree[:, f], agree[:, f + half] = ~prefers_mate, prefers_mate
        edges = self._edges(y, jitter=False)
        distance = np.abs(y[:, None] - (edges[1:] + edges[:-1]) / 2)
        gate = np.ptp(y) / (distance + 0.1)
        gate = np.exp(gate - gate.max(1, keepdims=True))
        gate /= gate.sum(1, keepdims=True)
        none = np.zeros((len(y), 1), dtype=bool)
        beside = np.hstack([none, agree[:, :-1]]) | np.hstack([agree[:, 1:], none])
        self.register_buffer("probability", torch.from_numpy((gate * (agree & beside)).sum(1)))

    def _edges(self, y: np.ndarray, jitter: bool) -> np.ndarray:
        """F + 1 edges with equally many distinct targets between them; jittered edges cover a random 1 - jitter of them."""
        values = np.unique(y)
        if jitter:
            kept = max(self.fragments, int((1 - self.jitter) * len(values)))
            start = int(self.rng.integers(0, len(values) - kept + 1))
            values = values[start : start + kept]
        at = np.linspace(0, len(values) - 1, self.fragments + 1).round().astype(int)
        edges: np.ndarray = values[at]
        return edges

    def _pair(self, y: np.ndarray, f: int, jitter: bool) -> tuple[np.ndarray, Tensor]:
        """Samples of fragments f and f + F / 2, and which of the two each is in."""
        edges = self._edges(y, jitter)
        which = np.clip(np.searchsorted(edges, y, side="right") - 1, 0, self.fragments - 1)
        inside = (y >= edges[0]) & (y <= edges[-1])
        at = np.flatnonzero(inside & ((which == f) | (which == f + self.fragments // 2)))
        return at, torch.from_numpy((which[at] != f).astype(np.int64))

    def phases(self, epoch: int, evaluate: Evaluate) -> Sequence[Phase]:
        """One Bernoulli draw per sample; all of them if hardly any is drawn."""
        drawn = np.flatnonzero(self.rng.random(len(self.probability)) < self.probability.numpy())
        return (Phase(indices=drawn if len(drawn) > 1 else None),)

    def suspicion(self) -> Tensor:
        """1 - P(right)."""
        return 1 - self.probability
