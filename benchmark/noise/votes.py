"""Labels that several recorded sources agree on."""

from __future__ import annotations

from collections.abc import Sequence
from typing import Any, ClassVar, Literal

import numpy as np

from benchmark.core.errors import ConfigError, choices
from benchmark.core.seeds import stream
from benchmark.core.types import Corruption, Labels
from benchmark.data.tags import find_spans, tagset, write_spans
from benchmark.noise.aggregation import aggregated, check_balance
from benchmark.noise.base import Context, Noise, corruption
from benchmark.noise.class_conditional import CLASSES
from benchmark.noise.streams import Streams

VALIDATION = 0.2  # share of the examples that stands for a validation set with ground-truth labels


class Votes(Noise):
    """One label of each unit from the recorded labels of several sources, such as labeling functions: ``by`` names the rule (``aggregation``).

    Of tagged tokens an O is no vote (``outside=abstains``): a source that knows few names says O of all others, and a majority that counts it finds
    almost nothing. With ``outside=votes`` it counts, for rules that learn what an O of each source is worth. An I- that continues nothing begins an entity.
    The votes (N, A) are kept; there is one draw.

    Args:
        by: a rule of ``aggregation.RULES``.
        sources: names of recorded label sets; null = the task's single sources, or all of its sets.
        outside: abstains | votes.
        balance: what ``snorkel`` takes for the shares of the classes. null = all alike, as its fit has them by default; a list = these shares,
            which somebody knows; validation = shares counted on ground-truth labels of a fifth of the examples, as WRENCH (Zhang et al., 2021,
            arXiv:2109.11377) counts them on its clean validation set. The last one needs ground-truth labels: the manifest says so, a line
            is logged, and it is part of the name that rows and boards show.
    """

    family = "distant or labelling functions"
    problems = CLASSES
    needs = frozenset({"annotations"})
    not_drawn = not_nested = "the votes were recorded once"
    not_local = "how far a source is trusted depends on all of its votes"
    needs_where: ClassVar[dict[str, tuple[str, str]]] = {"right": ("balance", "validation")}  # need beside recorded labels -> option, value

    def __init__(
        self,
        by: str = "majority",
        sources: list[str] | None = None,
        outside: Literal["abstains", "votes"] = "abstains",
        balance: list[float] | Literal["validation"] | None = None,
    ) -> None:
        self.by, self.sources, self.outside, self.balance = by, sources, outside, balance

    def __call__(self, labels: Labels, streams: Streams, context: Context) -> Corruption:
        """Observed = what the rule makes of the live units' votes."""
        names: Sequence[str] = self.sources or context.annotators or tuple(context.annotations)
        for name in names:
            if name not in context.annotations:
                raise ConfigError(f"noise.sources names {name!r}, which is not recorded for this task: {choices(name, context.annotations)}")
        if not names:
            raise ConfigError("noise votes needs recorded labels of several sources, and this task has none: take another noise")
        votes = np.stack([context.annotations[name] for name in names], axis=1)
        votes[~labels.live] = -1
        tags = tagset(labels.names) if labels.problem == "tagging" else None
        cast = np.where(votes == tags.outside, -1, votes) if tags is not None and self.outside == "abstains" else votes
        observed = labels.value.copy()
        shares = validation_shares(labels) if self.balance == "validation" else self.balance
        if shares is not None:
            check_balance(self.by, shares, labels.num_classes)
        observed[labels.live] = aggregated(self.by, cast[labels.live], labels.num_classes, 0 if tags is None else tags.outside, shares)
        if tags is not None:
            given = Labels(observed, labels.group, labels.column, labels.live, labels.kind, labels.num_classes, labels.names, labels.problem)
            write_spans(observed, find_spans(given, tags), tags)
        statistics: dict[str, Any] = {}
        if self.balance == "validation":
            statistics = {
                "balance": shares,
                "needs": "right",
                "warning": f"noise.balance=validation: the shares of the classes were counted on ground-truth labels of {VALIDATION:.0%} of the examples",
            }
        return corruption(labels, observed, votes=votes, statistics=statistics)


def validation_shares(labels: Labels) -> list[float]:
    """Return the share of each class among ground-truth labels of a fixed fifth of the examples.

    Every class counts once more than it occurs, so that no share is 0.
    """
    chosen = labels.live & (labels.value >= 0) & (stream(labels.group, "validation") < VALIDATION)
    count = np.bincount(labels.value[chosen], minlength=labels.num_classes) + 1
    shares: list[float] = (count / count.sum()).tolist()
    return shares
