"""A crowd of annotators, each with mistakes of his own."""

from __future__ import annotations

from typing import Literal

import numpy as np
from scipy.special import betaincinv

from benchmark.core.answers import Answers
from benchmark.core.errors import ConfigError
from benchmark.core.types import Corruption, Labels
from benchmark.noise.base import Context, Noise, check_rate, corruption, flip_rows
from benchmark.noise.class_conditional import CLASSES
from benchmark.noise.streams import Streams

Aggregate = Literal["majority", "random", "worst"]


class Annotators(Noise):
    """``per_example`` of ``workers`` annotators label each example; their votes become one label.

    Worker w follows T_w = (1 - e_w) I + e_w Q_w: e_w ~ Beta with mean ``error`` and concentration ``concentration``, rows of Q_w are
    uniform on the simplex without the right class. A share ``spammers`` of the workers labels without a look, uniformly over all classes
    (Raykar and Yu, 2012, JMLR 13; the adversarial annotators of TRAM's experiments, Collier et al., 2022, arXiv:2202.09244).
    ``aggregate``: ``majority`` (ties: one of the winners at random), ``random`` (one vote), ``worst`` (a wrong vote wherever there is
    one), as the three label sets of CIFAR-N (Wei et al., 2022, arXiv:2110.12088). Their answers are kept. A
    sentence goes to the same workers as a whole.

    Where an example has one label, its privileged inputs (N, workers) are the one-hot id of the worker whose vote it is: with
    ``per_example`` 1 the one who labeled it, as in CIFAR-100N; of a majority one of those who agree.
    """

    family = "real (people)"
    problems = CLASSES
    gives = frozenset({"privileged"})
    not_nested = "single votes are nested in error, but a further wrong vote can settle a tie for the right class"

    def __init__(
        self,
        workers: int = 10,
        per_example: int = 3,
        error: float = 0.25,
        concentration: float = 10.0,
        aggregate: Aggregate = "majority",
        spammers: float = 0.0,
    ) -> None:
        if not 1 <= per_example <= workers:
            raise ConfigError(f"noise.per_example={per_example} is outside [1, {workers}]: at most noise.workers can label an example")
        if not concentration > 0:
            raise ConfigError(f"noise.concentration={concentration!r} must be above 0: large values make all workers alike")
        self.workers, self.per_example, self.concentration, self.aggregate = workers, per_example, concentration, aggregate
        self.error, self.spammers = check_rate(error, "noise.error"), check_rate(spammers, "noise.spammers")

    def __call__(self, labels: Labels, streams: Streams, context: Context) -> Corruption:
        """Observed = the aggregated votes."""
        k, width = labels.num_classes, labels.width
        rows = self.matrices(k, streams).reshape(-1, k)
        # Smallest random numbers are asked: a set of distinct workers per example.
        lot = np.stack([streams[f"worker{w}"][::width] for w in range(self.workers)], axis=1)
        asked = np.argsort(lot, axis=1, kind="stable")[:, : self.per_example].repeat(width, axis=0)
        own = np.maximum(labels.value, 0)
        votes = np.full((len(own), self.workers), -1, dtype=np.int16)
        given = np.empty((len(own), self.per_example), dtype=np.int64)
        for slot in range(self.per_example):
            worker = asked[:, slot]
            given[:, slot] = flip_rows(rows, worker * k + own, own, streams[f"flip{slot}"], streams[f"pick{slot}"])
            votes[np.arange(len(own)), worker] = given[:, slot]
        votes[~labels.live] = -1
        every = np.arange(len(own))
        vote = self._chosen(given, own, streams)
        who = np.arange(self.workers) == asked[every, vote, None] if width == 1 else None
        return corruption(labels, given[every, vote], answers=Answers.from_votes(votes), privileged=who)

    def matrices(self, classes: int, streams: Streams) -> np.ndarray:
        """(A, K, K) of the workers. Errors grow with ``error`` for every worker alike, and more ``spammers`` are the former ones and others."""
        quantile = streams.generator("skill").random(self.workers)
        mean = min(max(self.error, 1e-9), 1 - 1e-9)
        error = betaincinv(mean * self.concentration, (1 - mean) * self.concentration, quantile) if 0 < self.error < 1 else np.full(self.workers, self.error)
        others = streams.generator("confusions").standard_exponential((self.workers, classes, classes)) * (1 - np.eye(classes))
        others /= np.maximum(others.sum(2, keepdims=True), 1e-300)
        made: np.ndarray = error[:, None, None] * others + (1 - error)[:, None, None] * np.eye(classes)
        made[streams.generator("spammers").permutation(self.workers)[: round(self.spammers * self.workers)]] = 1 / classes
        return made

    def _chosen(self, given: np.ndarray, own: np.ndarray, streams: Streams) -> np.ndarray:
        """(N,) which of the votes (N, votes) is the label."""
        tie = np.stack([streams[f"tie{slot}"] for slot in range(self.per_example)], axis=1)
        if self.aggregate == "random":
            weight = tie
        elif self.aggregate == "worst":
            weight = (given != own[:, None]) + tie
        else:
            weight = (given[:, :, None] == given[:, None, :]).sum(2) + tie
        chosen: np.ndarray = weight.argmax(1)
        return chosen
