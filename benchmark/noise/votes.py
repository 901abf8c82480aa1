"""Labels that several recorded sources agree on."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import replace
from typing import Any, ClassVar, Literal

import numpy as np

from benchmark.config.build import build, load
from benchmark.config.registry import names
from benchmark.core.answers import Answers
from benchmark.core.errors import ConfigError, choices
from benchmark.core.seeds import stream
from benchmark.core.types import Corruption, Labels
from benchmark.data.tags import Tagset, find_spans, tagset, write_spans
from benchmark.functional.votes import Voting
from benchmark.noise.base import Context, Noise, corruption
from benchmark.noise.class_conditional import CLASSES
from benchmark.noise.label_models.base import LabelModel
from benchmark.noise.streams import Streams

VALIDATION = 0.2  # share of the examples that stands for a validation set with ground-truth labels
EQUAL = 1e-9  # probabilities that differ by less are a tie


class Votes(Noise):
    """Make one label of each unit from what several sources say, such as people or labelling functions.

    ``by`` names the rule, an option of ``conf/label_model``. A unit that nobody voted on is unlabelled. Of
    classes that are equally probable the unit's own random number takes one; ``soft`` keeps the
    probabilities beside the labels. A rule that gives every unit one class, where the sources name
    several, is refused. There is one draw, but for ties.

    Of tagged tokens an O is no vote (``outside=abstains``): a source that knows few names says O of all
    others, and a majority that counts it finds almost nothing; a token that sources say O of and nothing
    else is O. With ``outside=votes`` it counts, for rules that learn what an O of each source is worth. An
    I- that continues nothing begins an entity.

    Args:
        by: a label model.
        sources: names of recorded label sets or single sources; null = the single sources, or all sets.
        outside: abstains | votes.
        abstain: outcome = silence is an answer too, for rules that read it: a source that only ever
            votes for one class says all that it knows by *whether* it votes; missing = silence says
            nothing; null = outcome where the rule reads it and a source votes for fewer than two classes.
        soft: keep the class probabilities, on which ``method=erm method.soft=true`` trains.
        balance: shares of the classes for rules that take them (snorkel, flying_squid). null = all alike,
            as Snorkel's fit has them by default; a list = these shares, which somebody knows; validation
            = shares counted on ground-truth labels of a fifth of the examples, as WRENCH (Zhang et al.,
            2021, arXiv:2109.11377) counts them on its clean validation set. The last one needs
            ground-truth labels: the manifest says so, a line is logged, and it is part of the name that
            rows and boards show.
    """

    family = "distant or labelling functions"
    problems = CLASSES
    needs = frozenset({"annotations"})
    gives = frozenset({"votes", "soft"})
    leaves_unknown = True
    version: ClassVar[int] = 2  # 1: silence was class 0 and said nothing, ties went to the first class
    options_of: ClassVar[dict[str, str]] = {"by": "label_model"}
    not_drawn = not_nested = "the votes were recorded once"
    not_local = "how far a source is trusted depends on all of its votes"
    needs_where: ClassVar[dict[str, tuple[str, str]]] = {"right": ("balance", "validation")}  # need beside recorded labels -> option, value

    def __init__(
        self,
        by: str = "majority",
        sources: list[str] | None = None,
        outside: Literal["abstains", "votes"] = "abstains",
        abstain: Literal["outcome", "missing"] | None = None,
        soft: bool = False,
        balance: list[float] | Literal["validation"] | None = None,
    ) -> None:
        self.by = by
        self.sources = sources
        self.outside = outside
        self.abstain = abstain
        self.soft = soft
        self.balance = balance

    def __call__(self, labels: Labels, streams: Streams, context: Context) -> Corruption:
        """Return what the label model makes of the live units' votes.

        Raises:
            ConfigError: no source, an unknown one or an unknown rule, a balance that the rule cannot use,
                or one class for all units.
        """
        if self.by not in names("label_model"):
            raise ConfigError(f"noise.by={self.by!r} is unknown: {choices(self.by, names('label_model'))}")
        model: LabelModel = build(load("label_model", self.by), "label_model")
        answers = self._answers(labels, context)
        tags = tagset(labels.names) if labels.problem == "tagging" else None
        cast = answers
        if tags is not None and self.outside == "abstains":
            cast = answers.where(answers.label != tags.outside)
        shares = validation_shares(labels) if self.balance == "validation" else self.balance
        if shares is not None:
            check_balance(self.by, model, shares, labels.num_classes)
        probability = self._probability(model, cast, labels, shares)
        observed = self._decided(probability, labels, streams)
        if tags is not None:
            self._settle_tags(observed, probability, answers, labels, tags)
        return corruption(
            labels,
            observed,
            answers=answers,
            soft=probability.astype(np.float32) if self.soft else None,
            statistics=self._said_of_balance(shares),
        )

    def _answers(self, labels: Labels, context: Context) -> Answers:
        """Return the answers of the chosen sources on live units."""
        own = context.answers
        sources: Sequence[str] = self.sources or (list(context.annotations) if own is None else own.names)
        for name in sources:
            if name not in context.sets:
                raise ConfigError(f"noise.sources names {name!r}, which is not recorded for this task: {choices(name, context.sets)}")
        if not sources:
            raise ConfigError("noise votes needs recorded labels of several sources, and this task has none: take another noise")
        if own is not None and set(sources) <= set(own.names):
            answers = own.only(sources)
        else:
            units = len(labels.value)
            answers = Answers.from_votes(np.stack([context.recorded(name, units) for name in sources], axis=1), sources)
        return answers.where(labels.live[answers.unit])

    def _probability(self, model: LabelModel, answers: Answers, labels: Labels, balance: Sequence[float] | None) -> np.ndarray:
        """Return (N, K) class probabilities; rows of zeros where nobody voted."""
        probability = np.zeros((len(labels.value), labels.num_classes))
        covered, unit = np.unique(answers.unit, return_inverse=True)
        if not len(covered):
            return probability
        voting = Voting(unit, answers.source, answers.label, len(covered), len(answers.names), labels.num_classes)
        if self.abstain == "outcome" and not model.reads_abstention:
            raise ConfigError(f"noise.by={self.by} takes silence for a missing answer: leave noise.abstain=null, or take dawid_skene or one_coin")
        outcome = self.abstain == "outcome" or (self.abstain is None and bool(voting.single_class_sources().any()))
        found = model(voting, outcome and model.reads_abstention, None if balance is None else np.array(balance, dtype=float) / np.sum(balance))
        self._refuse_one_class(found, voting, labels)
        probability[covered] = found / np.maximum(found.sum(1, keepdims=True), 1e-300)
        return probability

    def _refuse_one_class(self, probability: np.ndarray, voting: Voting, labels: Labels) -> None:
        """Refuse one class for all units where the majority of the votes names several.

        Raises:
            ConfigError: naming the class.
        """
        best = probability.argmax(1)
        if (best == best[0]).all() and len(np.unique(voting.counts().argmax(1))) > 1:
            said = str(best[0]) if labels.problem == "multilabel" else labels.names[best[0]]
            raise ConfigError(
                f"noise.by={self.by} gives the class {said!r} to all {len(best)} units that have a vote, though the majority of the votes names several: "
                "take noise.abstain=outcome or another rule"
            )

    def _decided(self, probability: np.ndarray, labels: Labels, streams: Streams) -> np.ndarray:
        """Return (N,) the most probable class, of equal ones the one that the unit's random number takes; -1 without votes."""
        best = probability >= probability.max(1, keepdims=True) - EQUAL
        place = np.floor(streams["tie"] * best.sum(1)).astype(np.int64)
        chosen = (best.cumsum(1) > place[:, None]).argmax(1)
        return np.where(labels.live, np.where(probability.any(1), chosen, -1), labels.value)

    def _settle_tags(self, observed: np.ndarray, probability: np.ndarray, answers: Answers, labels: Labels, tags: Tagset) -> None:
        """Make O of what sources say nothing but O of, and let an I- that continues nothing begin an entity."""
        quiet = np.zeros(len(observed), dtype=bool)
        quiet[answers.unit] = True
        quiet &= observed < 0
        observed[quiet] = tags.outside
        probability[quiet, tags.outside] = 1
        given = replace(labels, value=observed, live=labels.live & (observed >= 0))
        write_spans(observed, find_spans(given, tags), tags)

    def _said_of_balance(self, shares: Sequence[float] | None) -> dict[str, Any]:
        """Return what the manifest says of a balance that was counted on ground-truth labels."""
        if self.balance != "validation":
            return {}
        return {
            "balance": shares,
            "needs": "right",
            "warning": f"noise.balance=validation: the shares of the classes were counted on ground-truth labels of {VALIDATION:.0%} of the examples",
        }


def check_balance(by: str, model: LabelModel, balance: Sequence[float], num_classes: int) -> None:
    """Refuse shares of classes that a rule cannot use.

    Raises:
        ConfigError: a rule that takes none, another number of shares than classes, or a share that is not above 0.
    """
    if not model.takes_balance:
        raise ConfigError(
            f"noise.balance is for by=snorkel and flying_squid; by={by} learns the shares of the classes from the votes, or needs none: leave balance=null"
        )
    if len(balance) != num_classes:
        raise ConfigError(f"noise.balance has {len(balance)} shares, the task has {num_classes} classes: give one for each")
    if not all(isinstance(share, int | float) and 0 < share < float("inf") for share in balance):
        raise ConfigError(f"noise.balance={list(balance)} has a share that is not above 0: a class that never occurs cannot be voted for")


def validation_shares(labels: Labels) -> list[float]:
    """Return the share of each class among ground-truth labels of a fixed fifth of the examples.

    Every class counts once more than it occurs, so that no share is 0.
    """
    chosen = labels.live & (labels.value >= 0) & (stream(labels.group, "validation") < VALIDATION)
    count = np.bincount(labels.value[chosen], minlength=labels.num_classes) + 1
    shares: list[float] = (count / count.sum()).tolist()
    return shares
