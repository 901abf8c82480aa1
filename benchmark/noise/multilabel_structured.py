"""Noise of multi-label tasks with a structure: co-occurring labels, random valid matrices."""

from __future__ import annotations

from typing import Literal

import numpy as np

from benchmark.core.errors import ConfigError
from benchmark.core.types import Corruption, Labels
from benchmark.noise.base import Context, Noise, check_rate, corruption
from benchmark.noise.multilabel import MULTILABEL, flipped
from benchmark.noise.streams import Streams


class Cooccurrence(Noise):
    """A positive label a is mistaken for a label b that often occurs with it.

    With probability ``rate`` a positive (i, a) draws b in proportion to the examples that have both, among the labels that example i
    does not have: ``move`` takes a away and gives b, ``add`` gives b and leaves a. Examples that have every label stay.
    """

    family = "structured multi-label"
    problems = MULTILABEL
    not_nested = "nested in rate, but a negative is hit by every positive of its example, not with one rate"
    not_local = "which labels occur together is counted over the data"

    def __init__(self, rate: float = 0.2, mode: Literal["move", "add"] = "move") -> None:
        self.rate, self.mode = check_rate(rate, "noise.rate"), mode

    def __call__(self, labels: Labels, streams: Streams, context: Context) -> Corruption:
        """Only right negatives become positive and only right positives negative: no mistake repairs another one."""
        grid, live = (array.reshape(-1, labels.width) for array in (labels.value, labels.live))
        positive, open_ = (live & (grid == 1)), (live & (grid == 0))
        together = positive.astype(float).T @ positive + 1e-9  # labels that never meet are possible, as a last resort
        flip, pick = (streams[name].reshape(grid.shape) for name in ("flip", "pick"))
        row, a = np.nonzero(positive & (flip < self.rate) & open_.any(1, keepdims=True))
        weight = np.cumsum(together[a] * open_[row], axis=1)
        b = (weight <= (pick[row, a] * weight[:, -1])[:, None]).sum(1) if len(row) else row
        observed = grid.copy()
        if self.mode == "move":
            observed[row, a] = 0
        observed[row, b] = 1
        return corruption(labels, observed.reshape(-1))


class Trace(Noise):
    """Random 2 x 2 matrices of a given ``trace``, one per label, with at most ``most`` flips per example.

    The simulation of cleanlab's multi-label study (Thyagarajan et al., 2022, arXiv:2211.13895): fpr + fnr = 2 - trace, split at random.
    Valid, so that the right label stays likelier than the wrong one given an observed label, means trace > 1. ``most=0`` is no limit; a
    limit makes the realised rates smaller than the matrices.
    """

    family = "structured multi-label"
    problems = MULTILABEL
    not_nested = "its strength is the trace"

    def __init__(self, trace: float = 1.6, most: int = 3) -> None:
        if isinstance(trace, bool) or not 1 < trace <= 2:
            raise ConfigError(f"noise.trace={trace!r} is outside (1, 2]: at 1 labels say nothing, 2 means clean")
        if most < 0:
            raise ConfigError(f"noise.most={most!r} is negative: 0 means no limit")
        self.trace, self.most = float(trace), most

    def __call__(self, labels: Labels, streams: Streams, context: Context) -> Corruption:
        """Of too many flips in an example those with the smallest random numbers stay."""
        share, noise = streams.generator("split").random(labels.width), 2 - self.trace
        made = flipped(labels, streams, share * noise, (1 - share) * noise)
        if not self.most:
            return made
        wrong = (made.observed != labels.value).reshape(-1, labels.width)
        rank = np.where(wrong, streams["flip"].reshape(wrong.shape), 2.0).argsort(1, kind="stable").argsort(1, kind="stable")
        return corruption(labels, np.where((wrong & (rank < self.most)).reshape(-1), made.observed, labels.value))
