"""What the protocol fixes; a change is a new version, and rows of different versions never meet on a board."""

from __future__ import annotations

AXES = ("task", "noise", "method", "model", "trainer")
PROJECT = "labelnoise-bench"

PROTOCOL_VERSION = 1
CHECKPOINTS = 11  # of every run
SELECTIONS = ("last", "noisy_val", "clean_val", "oracle")  # tracks recorded from the same run
PRIMARY = SELECTIONS[:2]
DEVELOPMENT = ("digits", "yeast", "newswire", "diamonds(subset=10000)")  # hyper-parameters are tuned on these tasks: they are shown, never ranked
TRIALS = 16  # of a tuning; the first has the yaml's defaults


def checkpoints(epochs: int) -> list[int]:
    """Epochs (from 0) after which a run is evaluated: 10 evenly spaced and the last; fewer in shorter runs.

    >>> checkpoints(22)
    [1, 3, 5, 7, 9, 11, 13, 15, 17, 19, 21]
    """
    return sorted({-(-epochs * i // CHECKPOINTS) - 1 for i in range(1, CHECKPOINTS + 1)})


def is_development(task: str) -> bool:
    """Whether a task, as labeled, is a development task or a part of one.

    >>> [is_development(task) for task in ("digits(subset=500)", "diamonds(subset=500)", "diamonds", "digits2")]
    [True, True, False, False]
    """
    heads = {known.partition("=")[0] for known in DEVELOPMENT}
    return task.partition("(")[0] in heads or task.partition("=")[0] in heads
