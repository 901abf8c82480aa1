"""No noise, and labels that a task brings along."""

from __future__ import annotations

from dataclasses import replace

from benchmark.core.errors import ConfigError, choices
from benchmark.core.types import Corruption, Labels
from benchmark.noise.base import Context, Noise, corruption
from benchmark.noise.streams import Streams

REDRAW, CLEAN = "redraw", "clean"


class Clean(Noise):
    """The labels as they are."""

    family = "clean"
    recorded = True
    not_drawn = not_nested = "nothing is wrong"

    def __call__(self, labels: Labels, streams: Streams, context: Context) -> Corruption:
        """Observed = right."""
        return corruption(labels, labels.value)

    def nominal_rate(self) -> float:
        """Zero."""
        return 0.0


class Recorded(Noise):
    """Labels that somebody recorded for these very examples, by name: ``noise.set``. The set ``clean`` is the right labels, if nobody recorded one.

    There is one draw: intervals are conditional on this file.
    """

    family = "distant or labelling functions"
    needs = frozenset({"annotations"})
    recorded = True
    not_drawn = not_nested = "the labels were recorded once"

    def __init__(self, set: str | None = None) -> None:
        self.set = set

    def __call__(self, labels: Labels, streams: Streams, context: Context) -> Corruption:
        """Observed = the task's annotations ``set``; the only one, when there is one and ``set`` is not given."""
        name = self.set if self.set is not None or len(context.annotations) != 1 else next(iter(context.annotations))
        if name == CLEAN and name not in context.annotations:
            return corruption(labels, labels.value)
        if name is None or name not in context.sets:
            known = [*context.sets, *([REDRAW] if context.answers is not None else [])]
            raise ConfigError(f"noise.set={name!r} is not recorded for this task: {choices(name, known)}")
        return corruption(labels, context.recorded(name, len(labels.value)))


class Human(Recorded):
    """Labels that people gave, by name: ``noise.set``. One draw, as every recorded set, but for ``redraw``: one annotator of each example at random.

    Where single annotators are recorded, their labels are the answers.
    """

    family = "real (people)"

    def __init__(self, set: str | None = None) -> None:
        super().__init__(set)
        if set == REDRAW:
            self.not_drawn = ""  # type: ignore[misc]

    def __call__(self, labels: Labels, streams: Streams, context: Context) -> Corruption:
        """Observed = the task's set or source ``set``; with ``redraw`` answer floor(u A) of the A answers on a unit, u uniform.

        A unit that nobody answered is unlabelled.
        """
        answers = context.answers
        if answers is None:
            return super().__call__(labels, streams, context)
        if self.set != REDRAW:
            return replace(super().__call__(labels, streams, context), answers=answers)
        return corruption(labels, answers.one_each(streams["annotator"]), answers=answers)
