"""Noise from the mistakes and doubts of models."""

from __future__ import annotations

import numpy as np

from benchmark.core.errors import ConfigError
from benchmark.core.files import FileName
from benchmark.core.types import Corruption, Labels
from benchmark.noise.base import Context, check_rate, corruption
from benchmark.noise.instance import FromProbabilities, InstanceNoise
from benchmark.noise.probe import epoch_probabilities
from benchmark.noise.streams import Streams


class InstanceConfidence(FromProbabilities):
    """The round(rate N) examples that a cleanly trained model doubts most get the wrong class that it likes best.

    Chen et al., 2021 (SEAL), arXiv:2012.05458: probabilities are averaged over the epochs of training; candidate = likeliest wrong class; the
    largest candidates flip. No chance is involved beyond the training.
    """

    def __init__(self, rate: float = 0.3, probabilities: FileName | None = None, epochs: int = 10) -> None:
        super().__init__(probabilities, epochs)
        self.rate = check_rate(rate, "noise.rate")

    def __call__(self, labels: Labels, streams: Streams, context: Context) -> Corruption:
        """Ties are broken by ``flip``."""
        live = np.flatnonzero(labels.live)
        if not len(live):
            return corruption(labels, labels.value)
        wrong = self.class_probabilities(labels, streams, context)[live].copy()
        wrong[np.arange(len(live)), labels.value[live]] = -1
        return _flip_first(labels, live, wrong.argmax(1), np.lexsort((streams["flip"][live], -wrong.max(1))), self.rate)


class InstanceSemantic(InstanceNoise):
    """Labels that a weak model predicts which was trained on a ``fraction`` of the examples.

    Lee et al., 2019 (RoG), arXiv:1901.11300, who train networks on 5 to 20 % of the data. The rate is the error of the model; it cannot be chosen.
    """

    not_nested = "its strength is how little the model has seen"

    def __init__(self, fraction: float = 0.05, epochs: int = 10) -> None:
        self.fraction, self.epochs = check_rate(fraction, "noise.fraction"), epochs
        if not fraction > 0 or epochs < 1:
            raise ConfigError(f"noise.fraction={fraction!r} and noise.epochs={epochs!r} must be positive: the weak model has to see something")

    def __call__(self, labels: Labels, streams: Streams, context: Context) -> Corruption:
        """The model learns from the examples with the smallest ``keep``."""
        live = np.flatnonzero(labels.live)
        if not len(live):
            return corruption(labels, labels.value)
        assert context.features is not None
        seen = live[np.argsort(streams["keep"][live], kind="stable")[: max(1, round(self.fraction * len(live)))]]
        probability = np.empty(0)
        for probability in epoch_probabilities(context.features, labels, streams.generator("probe"), self.epochs, np.sort(seen)):  # noqa: B007
            pass
        return corruption(labels, probability.argmax(1))


class Adversarial(InstanceNoise):
    """The labels that a training finds most wrong: z starts at the one-hot label and takes in ``step`` log p every epoch.

    Zhang et al., 2024 (BadLabel), arXiv:2305.18377. Target = the class with the smallest z (never the right one); the round(rate N) examples
    with the smallest softmax(z) of their target flip. Here p is that of a softmax regression on the task's features.
    """

    family = "adversarial"

    def __init__(self, rate: float = 0.3, epochs: int = 10, step: float = 0.1) -> None:
        self.rate, self.epochs, self.step = check_rate(rate, "noise.rate"), epochs, step
        if epochs < 1 or not 0 < step < float("inf"):
            raise ConfigError(f"noise.epochs={epochs!r} and noise.step={step!r} must be positive")

    def __call__(self, labels: Labels, streams: Streams, context: Context) -> Corruption:
        """Ties are broken by ``flip``."""
        live = np.flatnonzero(labels.live)
        if not len(live):
            return corruption(labels, labels.value)
        assert context.features is not None
        z = np.eye(labels.num_classes)[labels.value[live]]
        for probability in epoch_probabilities(context.features, labels, streams.generator("probe"), self.epochs):
            z += self.step * np.log(np.maximum(probability[live], 1e-12))
        soft = np.exp(z - z.max(1, keepdims=True))
        soft /= soft.sum(1, keepdims=True)
        soft[np.arange(len(live)), labels.value[live]] = 2
        return _flip_first(labels, live, soft.argmin(1), np.lexsort((streams["flip"][live], soft.min(1))), self.rate)


def _flip_first(labels: Labels, live: np.ndarray, target: np.ndarray, order: np.ndarray, rate: float) -> Corruption:
    """The first round(rate n) of the live examples in ``order`` get their target."""
    at = order[: round(rate * len(live))]
    observed = labels.value.copy()
    observed[live[at]] = target[at]
    return corruption(labels, observed)
