"""Scores of multi-label predictions beyond the means: rankings, thresholds, and each label with its uncertainty. Pure functions of arrays.

``score`` is (E, C) probabilities, ``y`` (E, C) in {0, 1}, -1 = unknown.
"""

from __future__ import annotations

from collections.abc import Sequence

import numpy as np
import torch

from benchmark.core.seeds import seed_for
from benchmark.functional import best_threshold

DRAWS, LEVEL = 200, 0.95  # of the bootstrap over examples
MOST_LABELS = 64  # a row lists its labels up to here


def lwlrap(score: np.ndarray, y: np.ndarray) -> float:
    """Label-weighted label-ranking average precision: over all (example, right label) pairs, the precision at the label's rank.

    Examples without a right label do not count, unknown labels rank last. Ties are pessimistic, as in scikit-learn, whose ranking precision
    weighted by the number of labels this is.
    """
    from sklearn.metrics import label_ranking_average_precision_score

    some = (y == 1).any(1)
    if not some.any():
        return float("nan")
    known = np.where(y >= 0, score, score.min() - 1)[some]
    right = (y == 1)[some]
    if right.shape[1] == 1:
        return 1.0
    return float(label_ranking_average_precision_score(right, known, sample_weight=right.sum(1)))


def f1_scores(chosen: np.ndarray, y: np.ndarray) -> tuple[float, float]:
    """CF1 = 2 CP CR / (CP + CR) from the label means of precision and recall (not the mean of F1), and OF1 from summed counts."""
    live, positive = y >= 0, y == 1
    hit, given, true = ((a & live).sum(0) for a in (chosen & positive, chosen, positive))
    by_label = [np.divide(hit, whole, out=np.zeros(len(hit)), where=whole > 0).mean() for whole in (given, true)]
    total = [hit.sum() / max(whole.sum(), 1) for whole in (given, true)]
    cf1, of1 = (float(2 * p * r / (p + r)) if p + r else 0.0 for p, r in (by_label, total))
    return cf1, of1


def thresholds(score: np.ndarray, y: np.ndarray) -> np.ndarray:
    """(C,) threshold of largest F1 for each label; .5 where ``y`` has no positive."""
    found = []
    for c in range(score.shape[1]):
        live = y[:, c] >= 0
        found.append(best_threshold(torch.from_numpy(score[live, c]), torch.from_numpy(y[live, c] == 1)))
    return np.array(found)


def auroc_interval(score: np.ndarray, positive: np.ndarray, draws: int = DRAWS, seed: int = 0) -> tuple[float, float, float]:
    """AUROC of (N,) scores and its bootstrap percentile interval over examples; NaN without both values."""
    return _interval(_areas(score, positive, _draws(len(score), draws, seed)))


def _draws(examples: int, draws: int, seed: int) -> np.ndarray:
    """(draws + 1, E) how often each example is drawn; the first line is the sample itself."""
    rng = np.random.Generator(np.random.Philox(key=seed_for("bootstrap", seed)))
    return np.concatenate([np.ones((1, examples)), rng.multinomial(examples, np.full(examples, 1 / examples), size=draws)])


def _areas(score: np.ndarray, positive: np.ndarray, weight: np.ndarray) -> np.ndarray:
    """(D,) AUROC under each line of weights (D, N); NaN where a value is missing."""
    if positive.all() or not positive.any():
        return np.full(len(weight), np.nan)
    level, place = np.unique(score, return_inverse=True)
    sums = np.zeros((2, len(weight), len(level)))
    for side, chosen in enumerate((positive, ~positive)):
        at = np.argsort(place[chosen], kind="stable")
        starts = np.flatnonzero(np.diff(place[chosen][at], prepend=-1))
        sums[side][:, place[chosen][at][starts]] = np.add.reduceat(weight[:, chosen][:, at], starts, axis=1)
    below = np.cumsum(sums[1], axis=1) - sums[1] / 2
    total = sums.sum(2)
    with np.errstate(invalid="ignore", divide="ignore"):
        area: np.ndarray = (sums[0] * below).sum(1) / (total[0] * total[1])
    return area


def _interval(areas: np.ndarray) -> tuple[float, float, float]:
    if np.isnan(areas[1:]).all():
        return float("nan"), float("nan"), float("nan")
    low, high = np.nanquantile(areas[1:], [(1 - LEVEL) / 2, (1 + LEVEL) / 2])
    return float(areas[0]), float(low), float(high)


def label_scores(score: np.ndarray, y: np.ndarray, names: Sequence[str]) -> dict[str, float]:
    """Of each label: AUROC, its 95 % bootstrap interval, positives, calibration: ``auroc[Edema]``, ``auroc_low``, ``auroc_high``, ``positives``, ``ece``.

    ``auroc_low`` and ``auroc_high`` without a label are of the macro AUROC: the mean over labels in each draw of examples.
    """
    from benchmark.functional.calibration import expected_calibration_error

    if len(names) > MOST_LABELS:
        return {}
    out: dict[str, float] = {}
    weight, each = _draws(len(score), DRAWS, 0), []
    for c, name in enumerate(names):
        live = y[:, c] >= 0
        s, positive = score[live, c], y[live, c] == 1
        areas = _areas(s, positive, weight[:, live])
        each.append(areas)
        confidence, right = np.maximum(s, 1 - s), (s > 0.5) == positive
        values = (*_interval(areas), float(positive.sum()), expected_calibration_error(confidence, right))
        keys = ("auroc", "auroc_low", "auroc_high", "positives", "ece")
        out |= {f"{key}[{name}]": value for key, value in zip(keys, values, strict=True)}
    both = np.array([areas for areas in each if np.isfinite(areas[0])])
    if len(both):
        with np.errstate(invalid="ignore"):
            mean = np.nansum(both, axis=0) / np.isfinite(both).sum(0)
        _, out["auroc_low"], out["auroc_high"] = _interval(mean)
    return out


def by_frequency(each: np.ndarray, y: np.ndarray) -> dict[str, float]:
    """Means of a score per label (C,), NaN = none, over thirds of the labels by positives in ``y``: ``head``, ``middle``, ``tail``."""
    at = np.argsort(-(y == 1).sum(0), kind="stable")
    at = at[np.isfinite(each[at])]
    if len(at) < 3:
        return {}
    return {name: float(each[part].mean()) for name, part in zip(("head", "middle", "tail"), np.array_split(at, 3), strict=True)}
