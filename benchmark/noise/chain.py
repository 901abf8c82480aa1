"""Two kinds of noise, one on top of the other."""

from __future__ import annotations

from dataclasses import replace
from pathlib import Path

import numpy as np

from benchmark.core.types import Corruption, Labels
from benchmark.noise.base import Context, Noise, realised_transition
from benchmark.noise.streams import Streams


class Chain(Noise):
    """``second`` corrupts what ``first`` left: observed = second(first(right)).

    Right stays what was right before both. A unit keeps its id, so ``chain(first=long_tail,second=symmetric)`` flips the kept
    examples as ``symmetric`` alone does; further copies of an example have ids of their own. Random numbers that the first one
    drew are drawn anew for the second: two kinds of flips are independent. ``chain`` of a chain works too. It serves what both serve.
    """

    family = "mixed (chains)"
    recorded = True  # where both are
    not_nested = "two kinds of noise, each with a strength of its own"

    def __init__(self, first: Noise, second: Noise) -> None:
        self.first, self.second = first, second
        self.problems, self.needs = first.problems & second.problems, first.needs | second.needs  # type: ignore[misc]
        self.gives = first.gives | second.gives  # type: ignore[misc]
        self.recorded = first.recorded and second.recorded  # type: ignore[misc]
        self.names = first.names or second.names  # type: ignore[misc]
        self.not_local = first.not_local or second.not_local  # type: ignore[misc]
        self.version = first.version * 1000 + second.version  # type: ignore[misc]

    def __call__(self, labels: Labels, streams: Streams, context: Context) -> Corruption:
        """Positions, replaced inputs, answers, what is known of the labels, and statistics of both are put together."""
        width = labels.width
        one = self.first(labels, streams, context)
        units = (one.source[:, None] * width + np.arange(width)).reshape(-1)
        ids = streams.ids[units] + _copies(one.source).repeat(width) * (int(streams.ids.max(initial=0)) + 1)
        known = np.isfinite(one.observed) if labels.kind == "continuous" else one.observed >= 0
        between = replace(
            labels, value=one.observed, group=np.arange(len(one.source)).repeat(width), column=labels.column[units], live=labels.live[units] & known
        )
        two = self.second(between, streams.after(between, ids), context.take(one.source, width))
        again = (two.source[:, None] * width + np.arange(width)).reshape(-1)
        assert one.clean is not None
        assert two.clean is not None
        gone = (two.clean < 0) & (two.observed >= 0) if labels.kind == "categorical" else np.zeros(len(again), dtype=bool)
        clean = np.where(gone, -1, one.clean[again])
        source = one.source[two.source]
        final = replace(labels, value=clean, group=np.arange(len(source)).repeat(width), column=labels.column[units][again], live=labels.live[units][again])
        answers = two.answers
        if answers is None and one.answers is not None:
            answers = one.answers.take(again)
        return Corruption(
            two.observed,
            source,
            np.where(two.foreign >= 0, two.foreign, one.foreign[two.source]),
            clean,
            realised_transition(final, two.observed) if labels.kind == "categorical" else None,
            answers,
            two.candidates if two.candidates is not None else None if one.candidates is None else one.candidates[again],
            two.privileged if two.privileged is not None else None if one.privileged is None else one.privileged[two.source],
            soft=two.soft,
            statistics={**one.statistics, **two.statistics},
            true_transition=_product(one.true_transition, two.true_transition),
        )

    def nominal_rate(self) -> float | None:
        """That of the one that has a rate; None where both have one."""
        rates = [noise.nominal_rate() for noise in (self.first, self.second)]
        given = [rate for rate in rates if rate]
        return given[0] if len(given) == 1 else None if given or None in rates else 0.0

    def files(self) -> tuple[Path, ...]:
        """Of both."""
        return (*self.first.files(), *self.second.files())


def _copies(source: np.ndarray) -> np.ndarray:
    """(E,) how often the same example came before: 0 for all of a subset."""
    order = np.argsort(source, kind="stable")
    ordered = source[order]
    start = np.r_[0, np.flatnonzero(ordered[1:] != ordered[:-1]) + 1]
    rank = np.arange(len(source)) - np.repeat(start, np.diff(np.r_[start, len(source)]))
    out = np.empty(len(source), dtype=np.int64)
    out[order] = rank
    return out


def _product(one: np.ndarray | None, two: np.ndarray | None) -> np.ndarray | None:
    """The matrix of both in a row; None where one of them flips by none."""
    return None if one is None or two is None else one @ two
