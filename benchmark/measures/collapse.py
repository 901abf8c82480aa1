"""Whether a model has collapsed: it says one thing whatever it is shown."""

from __future__ import annotations

import numpy as np

from benchmark.core.types import Problem

LEAST_SHARE = 0.01  # of the labels that a class needs to be counted as present
LEAST_ENTITIES = 0.05  # predicted entity tokens over expected ones
LEAST_SPREAD = 0.01  # standard deviation of the predictions over that of the targets


def collapsed(problem: Problem, decision: np.ndarray, y: np.ndarray) -> bool:
    """Return whether decisions are (nearly) the same for all live units although the labels are not.

    Each rule asks for a variety that the labels of the same part have, so that a part that is itself constant convicts nobody:

    - classes: one class gets all decisions, and two classes have at least 1 % of the labels each. A second class that is rarer may rightly
      never be the most probable one;
    - tags: fewer entity tokens are predicted than 5 % of those that are expected. Were all of them right, token recall would be below .05 and F1 below
      .1; exactly none would miss a tagger that still knows a name or two by heart;
    - labels of a multi-label task: all cells of the task get one value, and both values have at least 1 % of the cells. A single label that is never
      predicted is common and no collapse. Decisions count (F1 is degenerate), a ranking by the scores may still be good: the row's ``map`` says;
    - numbers: the predictions' standard deviation is below 1 % of the targets'. A least-squares fit's share is its correlation: so little spread explains
      less than a ten-thousandth of the variance.

    Args:
        problem: the task's.
        decision: (E * W,) classes, or predicted numbers in the units of ``y``; of dead slots nothing is read.
        y: labels of the part as the task gives them, (E,) or (E, W).
    """
    labels = problem.labels(y)
    said, value = decision[labels.live], labels.value[labels.live]
    if not len(value):
        return False
    if problem.kind == "continuous":
        return bool(said.std() < LEAST_SPREAD * value.std())
    if problem.name == "tagging":
        outside = problem.names.index("O")
        return bool((said != outside).sum() < LEAST_ENTITIES * (value != outside).sum())
    present = np.bincount(value) >= LEAST_SHARE * len(value)
    return bool(present.sum() >= 2 and (said == said[0]).all())
