"""The space in which hyper-parameters are tuned, and its trials.

A method's yaml declares at most three keys of its own under ``space``: ``{low, high, log}`` or a list of choices. Every method, erm
included, has the shared part beside them, so that no method gains from a search that plain training was denied.
"""

from __future__ import annotations

import functools
from collections.abc import Mapping
from dataclasses import dataclass, field
from typing import Any

from benchmark.config.build import option
from benchmark.config.cells import label
from benchmark.config.grid import parse, resolve
from benchmark.config.registry import raw
from benchmark.core.errors import ConfigError, choices
from benchmark.core.protocol import TRIALS
from benchmark.core.seeds import seed_for

# A decade around the trainer's learning rate holds the optimum of every loss whose scale differs from cross entropy's; weight decay
# goes from nothing to what stops learning; fewer epochs are early stopping without a validation set.
SHARED: dict[str, dict[str, Any]] = {
    "lr": {"low": 0.1, "high": 10.0, "log": True},  # times the trainer's
    "weight_decay": {"low": 1e-6, "high": 1e-2, "log": True},  # instead of the trainer's
    "epochs": {"low": 0.3, "high": 1.0, "log": False},  # share of the trainer's
}
MOST_KEYS = 3  # of a method's own


@dataclass(frozen=True)
class Point:
    """What a trial changes."""

    keys: Mapping[str, Any] = field(default_factory=dict)  # of the method
    trainer: Mapping[str, float] = field(default_factory=dict)  # as in SHARED: factor, value, share


def space(method: str) -> Mapping[str, Any]:
    """A method's own part of the space.

    Raises:
        ConfigError: more than three keys, a key that the method does not have, or a range that is none.
    """
    own, keys = raw("method", method).get("space", {}), option("method", method)
    if len(own) > MOST_KEYS:
        raise ConfigError(f"conf/method/{method}.yaml: space has {len(own)} keys: keep the {MOST_KEYS} that matter")
    for key, values in own.items():
        if key not in keys:
            raise ConfigError(f"conf/method/{method}.yaml: space.{key} is no key of the method: {choices(key, [k for k in keys if k != '_target_'])}")
        if isinstance(values, Mapping):
            ranged = set(values) == {"low", "high", "log"} and values["low"] < values["high"] and (values["low"] > 0 or not values["log"])
        else:
            ranged = isinstance(values, list) and len(values) > 1
        if not ranged:
            raise ConfigError(f"conf/method/{method}.yaml: space.{key}={values} is no range: give {{low, high, log}} with low < high, or a list of choices")
    return dict(own)


@functools.cache
def trials(method: str, n: int = TRIALS) -> tuple[Point, ...]:
    """Points to try: the yaml's defaults, then ``n - 1`` points of a scrambled Sobol sequence (Sobol, 1967; Owen, 1995).

    The sequence's seed is a hash of the method's name; its first point makes room for the defaults. Numbers have three digits.
    """
    from scipy.stats.qmc import Sobol  # slow to import, and every start of a sweep comes by here

    own = space(method)
    sequence = Sobol(len(own) + len(SHARED), rng=seed_for("tuning", method)).random_base2((n - 1).bit_length())[1:n]
    points = [[_value(values, at) for values, at in zip([*own.values(), *SHARED.values()], row, strict=True)] for row in sequence]
    return Point(), *(Point(dict(zip(own, p, strict=False)), dict(zip(SHARED, p[len(own) :], strict=True))) for p in points)


def _value(values: Any, at: float) -> Any:
    """The value at a share ``at`` of a range, in [0, 1)."""
    if not isinstance(values, Mapping):
        return values[int(at * len(values))]
    low, high = values["low"], values["high"]
    return _short(low * (high / low) ** at if values["log"] else low + (high - low) * at)


def _short(value: float) -> float:
    """Three digits: what a label can show."""
    return float(f"{value:.3g}")


def rescaled(trainer: Mapping[str, Any], changes: Mapping[str, float]) -> dict[str, Any]:
    """A trainer's config with the changes of a point in it."""
    new = dict(trainer)
    if changes:
        new["lr"] = _short(trainer["lr"] * changes["lr"])
        new["weight_decay"] = changes["weight_decay"]
        new["epochs"] = max(1, round(trainer["epochs"] * changes["epochs"]))
    return new


def varied(entries: Mapping[str, str], point: Point) -> dict[str, str]:
    """Entries of a grid, by axis, with a point in their method and trainer. Keys that the method's entry names stay as they are."""
    name, _, inner = entries["method"].partition("(")
    keys = [f"{key}={value}" for key, value in point.keys.items()] + ([inner.removesuffix(")")] if inner else [])
    option_name, trainer = resolve("trainer", tuple(parse("trainer", entries["trainer"])))
    method = f"{name}({','.join(keys)})" if keys else name
    return {**entries, "method": method, "trainer": label("trainer", option_name, rescaled(trainer, point.trainer))}
