"""Independent noise of multi-label tasks: a unit is an (example, label) pair with value 0 or 1."""

from __future__ import annotations

from typing import Literal

import numpy as np

from benchmark.core.errors import ConfigError
from benchmark.core.types import Corruption, Labels
from benchmark.noise.base import Context, Noise, check_rate, corruption
from benchmark.noise.streams import Streams

MULTILABEL = frozenset({"multilabel"})
Rates = float | list[float]


class LabelFlip(Noise):
    """Independent flips: P(observed 1 | right 0) = fpr, P(observed 0 | right 1) = fnr; one number, or one per label.

    On rare labels even a small fpr outnumbers the right positives: the noise card shows the PPV.
    """

    family = "class-conditional"
    problems = MULTILABEL
    not_nested = "two rates, each of which nests its own flips"

    def __init__(self, fpr: Rates = 0.03, fnr: Rates = 0.3) -> None:
        self.fpr, self.fnr = _rates(fpr, "noise.fpr"), _rates(fnr, "noise.fnr")

    def __call__(self, labels: Labels, streams: Streams, context: Context) -> Corruption:
        """A unit flips when ``flip`` is below the rate of its right value."""
        fpr, fnr = (per_label(rate, labels.width, where) for rate, where in ((self.fpr, "noise.fpr"), (self.fnr, "noise.fnr")))
        return flipped(labels, streams, fpr, fnr)


class MissingPositive(LabelFlip):
    """Each positive is dropped with probability ``rate``; what is given as positive is right."""

    family = "missing labels"
    not_nested = ""

    def __init__(self, rate: float = 0.3) -> None:
        super().__init__(fpr=0.0, fnr=check_rate(rate, "noise.rate"))
        self.rate = float(rate)


class SinglePositive(Noise):
    """One positive per example is kept, drawn uniformly; all other entries are negative or unknown.

    Cole et al., 2021, arXiv:2106.09708. ``rest``: ``negative`` is what methods that assume negatives see, ``unknown`` takes these
    entries out of training and validation. Examples without a positive have nothing to keep.
    """

    family = "missing labels"
    problems = MULTILABEL
    leaves_unknown = True
    not_nested = "it has no strength: one positive stays"

    def __init__(self, rest: Literal["negative", "unknown"] = "negative") -> None:
        self.rest = rest

    def __call__(self, labels: Labels, streams: Streams, context: Context) -> Corruption:
        """The positive with the largest random number of its example stays."""
        positive = (labels.live & (labels.value == 1)).reshape(-1, labels.width)
        lot = np.where(positive, streams["pick"].reshape(positive.shape), -1.0)
        kept = positive & (np.arange(labels.width) == lot.argmax(1)[:, None])
        return corruption(labels, np.where(kept.reshape(-1), 1, 0 if self.rest == "negative" else -1))


class Partial(Noise):
    """Each entry is unknown with probability ``rate``; what is known is right. Unknown entries are neither trained on nor scored.

    Durand, Mehrasa and Mori, 2019, arXiv:1902.09720, who state the known share, 1 - rate.
    """

    family = "missing labels"
    problems = MULTILABEL
    leaves_unknown = True
    highest = 0.99  # a task without any known entry has nothing to learn

    def __init__(self, rate: float = 0.5) -> None:
        self.rate = check_rate(rate, "noise.rate", self.highest)

    def __call__(self, labels: Labels, streams: Streams, context: Context) -> Corruption:
        """-1 where ``flip < rate``."""
        return corruption(labels, np.where(streams["flip"] < self.rate, -1, labels.value))


def flipped(labels: Labels, streams: Streams, fpr: np.ndarray, fnr: np.ndarray) -> Corruption:
    """Independent flips with the rates (L,) of each label."""
    rate = np.where(labels.value == 1, fnr[labels.column], fpr[labels.column])
    flip = labels.live & (streams["flip"] < rate)
    matrix = np.stack([np.stack([1 - fpr, fpr], 1), np.stack([fnr, 1 - fnr], 1)], 1)
    return corruption(labels, np.where(flip, 1 - labels.value, labels.value), true_transition=matrix)


def per_label(rate: Rates, width: int, where: str) -> np.ndarray:
    """(L,) rates from one number or a list.

    Raises:
        ConfigError: a list of another length.
    """
    if isinstance(rate, list) and len(rate) != width:
        raise ConfigError(f"{where} has {len(rate)} entries, the task has {width} labels: give one number, or one for each label")
    return np.broadcast_to(np.asarray(rate, dtype=float), (width,))


def _rates(rate: Rates, where: str) -> Rates:
    return [check_rate(one, where) for one in rate] if isinstance(rate, list) and len(rate) > 1 else check_rate(rate, where)  # type: ignore[arg-type]
