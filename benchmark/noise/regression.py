"""Noise on continuous targets: errors that do not depend on the input."""

from __future__ import annotations

from typing import Literal

import numpy as np
from scipy.special import ndtri

from benchmark.core.errors import ConfigError
from benchmark.core.types import Corruption, Labels
from benchmark.noise.base import Context, Noise, check_rate, corruption
from benchmark.noise.streams import Streams

REGRESSION = frozenset({"regression"})
Unit = Literal["range", "sd", "absolute"]


class Gaussian(Noise):
    """y + e, e ~ N(0, s_i^2), in units of the range of right targets, of their sd, or absolute.

    ``per_sample``: s_i ~ U(0, scale) for each sample, the random Gaussian noise of ConFrag (Kim et al., 2024, arXiv:2502.17771);
    otherwise s_i = scale. Small errors for everybody, no wrong and right units.
    """

    family = "additive"
    problems = REGRESSION
    not_nested = "errors grow with the scale; every unit has one"
    not_local = "the unit is the range or sd of all targets"

    def __init__(self, scale: float = 0.3, unit: Unit = "range", per_sample: bool = True) -> None:
        # In units of their own targets, an error of ten ranges leaves nothing to learn.
        self.scale = check_rate(scale, "noise.scale", most=10 if unit != "absolute" else float("inf"))
        self.unit, self.per_sample = unit, per_sample

    def __call__(self, labels: Labels, streams: Streams, context: Context) -> Corruption:
        """Targets are left as drawn: they may leave the range."""
        spread = self.scale * size_of(labels, self.unit)
        deviation = streams["flip"] * spread if self.per_sample else np.full(len(labels.value), spread)
        return corruption(labels, labels.value + normal(streams["pick"]) * deviation)


class UniformResample(Noise):
    """With probability ``rate`` the target becomes another one.

    ``over``: ``empirical``, the target of a random sample with another target (the marginal distribution); ``values``, any other distinct
    target with equal chance (the symmetric noise of ConFrag, arXiv:2502.17771); ``range``, uniform between the smallest and the largest.
    """

    family = "additive"
    problems = REGRESSION

    def __init__(self, rate: float = 0.4, over: Literal["empirical", "values", "range"] = "empirical") -> None:
        self.rate, self.over = check_rate(rate, "noise.rate"), over

    def __call__(self, labels: Labels, streams: Streams, context: Context) -> Corruption:
        """Drawn from the right targets, never the sample's own value."""
        live = np.flatnonzero(labels.live)
        flip = live[streams["flip"][live] < self.rate]
        own, pick = labels.value[flip], streams["pick"][flip]
        observed = labels.value.copy()
        if self.over == "range" and len(live):
            low, high = labels.value[live].min(), labels.value[live].max()
            observed[flip] = low + pick * (high - low)
        elif len(live):
            observed[flip] = another(np.sort(labels.value[live]) if self.over == "empirical" else np.unique(labels.value[live]), own, pick)
        return corruption(labels, observed)


class Outliers(Noise):
    """With probability ``rate`` a gross error: y + magnitude sd(y) z, z ~ N(0, 1); Huber's contamination model (1964)."""

    family = "additive"
    problems = REGRESSION

    def __init__(self, rate: float = 0.1, magnitude: float = 10.0) -> None:
        self.rate = check_rate(rate, "noise.rate")
        self.magnitude = positive(magnitude, "noise.magnitude")

    def __call__(self, labels: Labels, streams: Streams, context: Context) -> Corruption:
        """sd(y) is that of the right targets."""
        error = self.magnitude * size_of(labels, "sd") * normal(streams["pick"])
        return corruption(labels, np.where(streams["flip"] < self.rate, labels.value + error, labels.value))


class Biased(Noise):
    """With probability ``rate`` an error to one side: y + shift sd(y), or y + shift sd(y) E with E ~ Exp(1).

    ``shape``: ``constant`` or ``exponential``. A negative ``shift`` lowers the targets.
    """

    family = "additive"
    problems = REGRESSION

    def __init__(self, rate: float = 0.5, shift: float = 1.0, shape: Literal["constant", "exponential"] = "constant") -> None:
        self.rate, self.shape = check_rate(rate, "noise.rate"), shape
        if isinstance(shift, bool) or not np.isfinite(shift) or shift == 0:
            raise ConfigError(f"noise.shift={shift!r} must be a number other than 0, in standard deviations of the targets")
        self.shift = float(shift)

    def __call__(self, labels: Labels, streams: Streams, context: Context) -> Corruption:
        """sd(y) is that of the right targets."""
        size = 1.0 if self.shape == "constant" else -np.log1p(-streams["pick"])
        return corruption(labels, np.where(streams["flip"] < self.rate, labels.value + self.shift * size_of(labels, "sd") * size, labels.value))


class Quantized(Noise):
    """Targets are rounded to ``levels`` equally spaced values from the smallest to the largest: a rating scale."""

    family = "additive"
    problems = REGRESSION
    not_nested = "its strength is the number of levels"
    not_drawn = "rounding has no chance in it"
    not_local = "levels span the range of all targets"

    def __init__(self, levels: int = 5) -> None:
        if isinstance(levels, bool) or levels < 2:
            raise ConfigError(f"noise.levels={levels!r} is below 2: a scale needs two values")
        self.levels = levels

    def __call__(self, labels: Labels, streams: Streams, context: Context) -> Corruption:
        """The nearest level."""
        width = size_of(labels, "range") / (self.levels - 1)
        low = labels.value[labels.live].min(initial=np.inf)
        return corruption(labels, low + np.round((labels.value - low) / width) * width if width > 0 else labels.value)


def another(ordered: np.ndarray, own: np.ndarray, pick: np.ndarray) -> np.ndarray:
    """(M,) entries of the sorted array ``ordered`` that differ from ``own`` (M,), each with equal chance by ``pick`` in [0, 1); ``own`` where none does."""
    first, last = np.searchsorted(ordered, own, "left"), np.searchsorted(ordered, own, "right")
    others = len(ordered) - (last - first)
    at = (pick * others).astype(np.int64)
    # Positions below the own value stay, those at or above it skip the samples that share it.
    found: np.ndarray = np.where(others > 0, ordered[np.minimum(np.where(at < first, at, at + last - first), len(ordered) - 1)], own)
    return found


def size_of(labels: Labels, unit: Unit) -> float:
    """Range or sd of the live right targets, or 1 for absolute errors."""
    value = labels.value[labels.live]
    if unit == "absolute":
        return 1.0
    return float((np.ptp(value) if unit == "range" else value.std()) if len(value) else 0.0)


def normal(uniform: np.ndarray) -> np.ndarray:
    """Standard normal numbers from a stream."""
    # ndtri(0) is -inf; the smallest positive step of the stream is 2^-53.
    found: np.ndarray = ndtri(np.maximum(uniform, 2.0**-53))
    return found


def positive(value: float, where: str) -> float:
    """A positive finite number.

    Raises:
        ConfigError: it is none.
    """
    if isinstance(value, bool) or not 0 < value < float("inf"):
        raise ConfigError(f"{where}={value!r} must be a positive number, in standard deviations of the targets")
    return float(value)
