"""What noise that depends on the instance shares: distributions over wrong classes, and what they look like."""

from __future__ import annotations

from pathlib import Path
from typing import Any

import numpy as np

from benchmark.core.errors import ConfigError, DataError
from benchmark.core.types import Labels
from benchmark.noise.base import Context, Noise
from benchmark.noise.probe import epoch_probabilities
from benchmark.noise.streams import Streams
from benchmark.noise.transition import read_matrix

DEGENERATE = 0.99  # mean probability of the likeliest wrong class above which an instance has only one wrong class


class InstanceNoise(Noise):
    """Noise on classes that needs features."""

    family = "instance-dependent"
    problems = frozenset({"multiclass"})
    needs = frozenset({"features"})
    not_local = "what happens to an instance is relative to the other ones"


class FromProbabilities(InstanceNoise):
    """Instance noise from class probabilities of a model: read from a file, or of a probe that is trained on the right labels.

    ``probabilities``: an .npy file (N, K), one row per example of the pool; null = a softmax regression on the task's features, averaged
    over ``epochs`` of its training.
    """

    def __init__(self, probabilities: str | None = None, epochs: int = 10) -> None:
        if epochs < 1:
            raise ConfigError(f"noise.epochs={epochs} is below 1: the probe has to train")
        self.probabilities, self.epochs = probabilities, epochs
        self.needs = frozenset() if probabilities else frozenset({"features"})  # type: ignore[misc]

    def files(self) -> tuple[Path, ...]:
        """The probabilities."""
        return (Path(self.probabilities),) if self.probabilities else ()

    def class_probabilities(self, labels: Labels, streams: Streams, context: Context) -> np.ndarray:
        """(N, K).

        Raises:
            DataError: a file of another shape, or rows that are no distributions.
        """
        if self.probabilities is None:
            assert context.features is not None
            made = epoch_probabilities(context.features, labels, streams.generator("probe"), self.epochs)
            return np.asarray(sum(made) / self.epochs)
        found = read_matrix(self.probabilities, "noise.probabilities")
        shape = (len(labels.value), labels.num_classes)
        if found.shape != shape:
            raise DataError(
                f"noise.probabilities={self.probabilities} has shape {found.shape}, the task needs {shape}: one row per example, one column per class"
            )
        if len(found) and not (found.min() >= 0 and np.abs(found.sum(1) - 1).max() < 1e-3):  # NaN fails too
            raise DataError(f"noise.probabilities={self.probabilities} has rows that are no distributions: give softmax outputs")
        return found


class Summary:
    """Running description of distributions over wrong classes."""

    def __init__(self, classes: int) -> None:
        self._sum, self._units = np.zeros((classes, classes)), np.zeros(classes)
        self._entropy = self._top = 0.0

    def add(self, right: np.ndarray, wrong: np.ndarray, rate: np.ndarray) -> None:
        """Units with right class (n,), distribution over wrong classes (n, K) and flip probability (n,)."""
        self._units += np.bincount(right, minlength=len(self._units))
        for c in np.flatnonzero(np.bincount(right)):
            own = slice(None) if (right == c).all() else right == c
            self._sum[c] += rate[own].astype(wrong.dtype) @ wrong[own]
            self._sum[c, c] += (1 - rate[own]).sum()
        self._top += float(wrong.max(1).sum())
        some = wrong[wrong > 1e-30]
        self._entropy -= float(some @ np.log(some))

    @property
    def transition(self) -> np.ndarray:
        """(1, K, K) mean distribution of every class; the identity where a class has no unit."""
        mean = self._sum / np.maximum(self._units, 1)[:, None]
        return np.where(self._units[:, None] > 0, mean, np.eye(len(mean)))[None]

    def statistics(self, where: str) -> dict[str, Any]:
        """For the manifest: means over units, the largest target over classes, and a warning if instances have but one wrong class."""
        units, k = max(float(self._units.sum()), 1.0), len(self._units)
        off = self.transition[0] * (1 - np.eye(k))
        mass = off.sum(1)
        share = (off.max(1)[mass > 0] / mass[mass > 0]).tolist()
        out: dict[str, Any] = {
            "instance_entropy": self._entropy / units,
            "instance_entropy_limit": float(np.log(max(k - 1, 1))),
            "instance_top": self._top / units,
            "largest_target_share": float(np.mean(share)) if share else None,
        }
        if self._top / units > DEGENERATE and k > 2:
            out["warning"] = (
                f"{where} is degenerate: the likeliest wrong class of an instance has mean probability {self._top / units:.4f}, "
                "so it acts like a flip to fixed classes: set noise.input_transform=standardize and raise noise.temperature"
            )
        return out


def draw(distribution: np.ndarray, pick: np.ndarray) -> np.ndarray:
    """(n,) classes from (n, K) rows by inverting each cumulative sum at ``pick``; a class without probability is never drawn."""
    cumulative = np.cumsum(distribution, axis=1, dtype=np.float64)
    return (cumulative <= (pick * cumulative[:, -1])[:, None]).sum(1)
