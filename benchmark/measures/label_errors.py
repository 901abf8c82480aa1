"""Memorization, label-error detection and noise strength: pure functions of arrays.

Every function takes flat arrays over the units of one split: ``right`` (-1 or NaN where nobody knows or no
class is right), ``given`` (the observed label), ``live``, and ``column``.
"""

from __future__ import annotations

from collections.abc import Iterator
from dataclasses import dataclass

import numpy as np
import torch
from scipy.special import ndtri
from scipy.stats import rankdata
from torchmetrics.functional.classification import binary_auroc, binary_average_precision

from benchmark.core.types import Problem
from benchmark.functional import exponential_quality

LEAST_WRONG = 200  # a memorization estimate needs this many wrong validation units
COVERAGES = (0.5, 0.7, 0.9)  # shares of the training set at which selections are compared
LEVELS = (0.1, 0.2, 0.3, 0.4, 0.5, 0.6, 0.7, 0.8, 0.9, 0.95)  # of the intervals whose coverage is checked
LEAST_ERRORS = 10  # a stratum of label errors counts from here


@dataclass(frozen=True)
class Side:
    """The units of one split: right labels, given labels, and what the model decides."""

    right: np.ndarray
    given: np.ndarray
    live: np.ndarray
    column: np.ndarray
    decision: np.ndarray

    @property
    def wrong(self) -> np.ndarray:
        """Live units whose given label is known to be wrong."""
        return self.live & known(self.right) & (self.given != self.right)


def known(right: np.ndarray) -> np.ndarray:
    """Units whose right label is known."""
    return np.isfinite(right) if right.dtype.kind == "f" else right >= 0


def memorization(problem: Problem, train: Side, val: Side) -> dict[str, float]:
    """How much more often the model repeats a wrong label that it was trained on than one that it never saw.

    memorization = P(decision = given | given is wrong, train) - P(same, noisy validation), and
    ceiling = P(decision = given | given is right, train). Multi-label rates are means over the columns;
    tokens and multi-label units are also split into strata (missing, spurious, type). An estimate from
    fewer than 200 wrong validation units is left out.
    """
    if problem.kind == "continuous":
        return _memorization_of_targets(train, val)
    fit = train.live & known(train.right) & (train.given == train.right)
    out = {"ceiling": _repeat_rate(problem, train, fit)}
    for name, of_train, of_val in _strata(problem, train, val):
        if of_val.sum() >= LEAST_WRONG and of_train.any():
            out[name] = _repeat_rate(problem, train, of_train) - _repeat_rate(problem, val, of_val)
    return {name: value for name, value in out.items() if np.isfinite(value)}


def _strata(problem: Problem, train: Side, val: Side) -> Iterator[tuple[str, np.ndarray, np.ndarray]]:
    yield "memorization", train.wrong, val.wrong
    if problem.name in ("tagging", "multilabel"):
        outside = problem.names.index("O") if problem.name == "tagging" else 0
        rules = {"missing": (False, True), "spurious": (True, False), "type": (False, False)}
        for name, (right_out, given_out) in rules.items():
            sides = [s.wrong & ((s.right == outside) == right_out) & ((s.given == outside) == given_out) for s in (train, val)]
            yield f"memorization_{name}", sides[0], sides[1]


def _repeat_rate(problem: Problem, side: Side, chosen: np.ndarray) -> float:
    same = (side.decision == side.given)[chosen]
    if problem.name != "multilabel":
        return float(same.mean()) if len(same) else float("nan")
    total = np.bincount(side.column[chosen], minlength=problem.width)
    hits = np.bincount(side.column[chosen], weights=same, minlength=problem.width)
    return float((hits[total > 0] / total[total > 0]).mean()) if total.any() else float("nan")


def _memorization_of_targets(train: Side, val: Side) -> dict[str, float]:
    """Coefficient of the given target in a regression of the prediction on (1, right, given) over corrupted units, train minus validation.

    A constant bias makes right and given collinear: then the mean residual's difference, divided by the bias.
    """
    if val.wrong.sum() < LEAST_WRONG or train.wrong.sum() < 3:
        return {}
    error = (train.given - train.right)[train.wrong]
    if error.std() < 1e-9 * max(1.0, abs(error.mean())):
        residual = [(s.decision - s.right)[s.wrong].mean() for s in (train, val)]
        return {"memorization": float((residual[0] - residual[1]) / error.mean())}
    weight = []
    for side in (train, val):
        design = np.column_stack([np.ones(side.wrong.sum()), side.right[side.wrong], side.given[side.wrong]])
        weight.append(np.linalg.lstsq(design, side.decision[side.wrong], rcond=None)[0][2])
    return {"memorization": float(weight[0] - weight[1])}


def parts_of_training(problem: Problem, side: Side) -> dict[str, float]:
    """Tokens: span F1 of the decisions against right labels, on the training sentences whose given labels are all right and on the others.

    A model that memorizes is worse on the others; one that has seen through the noise is as good.
    """
    if problem.name != "tagging":
        return {}
    shape = (-1, problem.width)
    right = np.where(side.live & known(side.right), side.right, -1).reshape(shape)
    counts = problem.span_counts(side.decision.reshape(shape), right)  # type: ignore[attr-defined]
    wrong = side.wrong.reshape(shape).any(1)
    chosen = {"f1_right": ~wrong, "f1_wrong": wrong}
    return {name: problem.f1_of(counts[rows]) for name, rows in chosen.items() if rows.any()}  # type: ignore[attr-defined]


def detection(problem: Problem, suspicion: np.ndarray, side: Side) -> dict[str, float]:
    """How well suspicion ranks wrong labels first: AP* = (AP - pi) / (1 - pi), AUROC, precision at pi N, and that over pi (lift); pi = share of wrong labels.

    Tokens: the mean over units given O and units given an entity. Multi-label: the mean over columns and given
    values with 10 errors. Both: the same measures of wrong examples, a sentence for tokens (``detection_example_ap``), see ``example_suspicion``. Targets:
    wrong = |error| > .05 IQR of the right targets, and the error residual ratio ERR(c) = mean error of the c least suspicious units over the
    mean error of all: its values at three coverages c and its area over all of them (1 = random order).
    """
    right, given, column = side.right, side.given, side.column
    use = side.live & known(right)
    if problem.kind == "continuous":
        error = np.abs(given - right)
        low, high = np.quantile(right[use], [0.25, 0.75])
        wrong = error > 0.05 * (high - low)
        group = np.zeros_like(column)
    else:
        wrong = given != right
        group = strata(problem, given, column)
    found = []
    for g in np.unique(group[use]):
        chosen = use & (group == g)
        if wrong[chosen].sum() >= LEAST_ERRORS and not wrong[chosen].all():
            found.append(_ranking(suspicion[chosen], wrong[chosen]))
    if not found:
        return {}
    out = {name: float(np.mean([f[name] for f in found])) for name in found[0]}
    if problem.name in ("multilabel", "tagging"):
        out |= _wrong_examples(suspicion, wrong & use, use, group, problem.width)
    if problem.kind == "continuous":
        out |= error_residuals(suspicion[use], error[use])
    return out


def _wrong_examples(suspicion: np.ndarray, wrong: np.ndarray, use: np.ndarray, group: np.ndarray, width: int) -> dict[str, float]:
    known_rows, wrong_rows = (np.any(cells.reshape(-1, width), axis=1) for cells in (use, wrong))
    target = wrong_rows[known_rows]
    if target.sum() < LEAST_ERRORS or target.all():
        return {}
    found = _ranking(example_suspicion(suspicion, use, group, width)[known_rows], target)
    return {name.replace("detection", "detection_example"): value for name, value in found.items()}


def example_suspicion(suspicion: np.ndarray, use: np.ndarray, group: np.ndarray, width: int) -> np.ndarray:
    """(E,) how suspicious an example is, from its units (E * width,): 1 minus cleanlab's exponential mean of qualities, whose smallest weighs .8.

    Scores of different labels and given values are not comparable: the quality of a unit is 1 minus its rank among the units of its
    ``group``; units that are not in ``use`` have quality 1.
    """
    quality = np.ones(len(suspicion))
    for g in np.unique(group[use]):
        at = use & (group == g)
        quality[at] = 1 - rankdata(suspicion[at]) / (at.sum() + 1)
    found: np.ndarray = 1 - exponential_quality(torch.from_numpy(quality.reshape(-1, width))).numpy()
    return found


def strata(problem: Problem, given: np.ndarray, column: np.ndarray) -> np.ndarray:
    """(U,) numbers of the parts in which suspicion is looked at: tokens given O or an entity, each column's given values, else all as one."""
    if problem.name == "tagging":
        return (given != problem.names.index("O")).astype(int)
    return column * 2 + given if problem.name == "multilabel" else np.zeros_like(column)


def _ranking(suspicion: np.ndarray, wrong: np.ndarray) -> dict[str, float]:
    share, number = wrong.mean(), int(wrong.sum())
    top = np.argsort(-suspicion, kind="stable")[:number]
    # torchmetrics takes scores outside [0, 1] for logits; ranks keep the order and are inside
    score = torch.from_numpy(rankdata(suspicion) / len(suspicion))
    target = torch.from_numpy(wrong.astype(np.int64))
    return {
        "detection_ap": float((binary_average_precision(score, target, validate_args=False) - share) / (1 - share)),
        "detection_auroc": float(binary_auroc(score, target, validate_args=False)),
        "detection_precision": float(wrong[top].mean()),
        "detection_lift": float(wrong[top].mean() / share),
    }


def error_residuals(suspicion: np.ndarray, error: np.ndarray) -> dict[str, float]:
    """ERR(c) at coverages .5, .7 and .9, and ``err_area``, its mean over c in (0, 1]; 1 = random, {} where there is no error.

    >>> found = error_residuals(np.array([0.0, 0.1, 0.2, 0.9]), np.array([0.0, 0.0, 0.0, 4.0]))
    >>> {name: round(value, 2) for name, value in found.items()}
    {'err_50': 0.0, 'err_70': 0.0, 'err_90': 1.0, 'err_area': 0.25}
    """
    if not error.mean() > 0:
        return {}
    kept = np.cumsum(error[np.argsort(suspicion, kind="stable")]) / np.arange(1, len(error) + 1) / error.mean()
    at = {f"err_{100 * c:.0f}": float(kept[max(int(np.ceil(c * len(error) - 1e-9)), 1) - 1]) for c in COVERAGES}
    return at | {"err_area": float(kept.mean())}


def interval_scores(prediction: np.ndarray, deviation: np.ndarray, target: np.ndarray) -> dict[str, float]:
    """Calibration of the intervals prediction +- z deviation of a normal, all (N,).

    coverage_50, coverage_90: share of targets inside the intervals of these levels; interval_error: mean |coverage - level| over ten levels;
    interval_width: mean width of the 90 % intervals over the targets' sd. NaN targets do not count.
    """
    live = np.isfinite(target)
    distance = np.abs(target - prediction)[live] / deviation[live]
    covered = {level: float((distance <= ndtri((1 + level) / 2)).mean()) for level in LEVELS}
    return {
        "coverage_50": covered[0.5],
        "coverage_90": covered[0.9],
        "interval_error": float(np.mean([abs(found - level) for level, found in covered.items()])),
        "interval_width": float(2 * ndtri(0.95) * deviation[live].mean() / target[live].std()),
    }


def kept_quality(suspicion: np.ndarray, side: Side) -> dict[str, float]:
    """Precision and recall of right labels among the (1 - pi) N least suspicious ones, pi = share of wrong labels. {} without a wrong label."""
    use = side.live & known(side.right)
    right, wrong = (side.given == side.right)[use], int(side.wrong.sum())
    if not wrong or not right.any():
        return {}
    kept = np.argsort(suspicion[use], kind="stable")[: len(right) - wrong]
    return {"selection_precision": float(right[kept].mean()), "selection_recall": float(right[kept].sum() / right.sum())}


def vote_scores(probability: np.ndarray, decision: np.ndarray, votes: np.ndarray) -> dict[str, float]:
    """Scores against several people's labels: the mean share of them that the decision agrees with, and -sum_k share_k log p_k.

    Args:
        probability: (E, K).
        decision: (E,).
        votes: (E, K) counts; examples without a vote do not count.
    """
    total = votes.sum(1)
    asked = total > 0
    share = votes[asked] / total[asked, None]
    return {
        "agreement": float(share[np.arange(len(share)), decision[asked]].mean()),
        "cross_entropy": float(-(share * np.log(np.clip(probability[asked], 1e-12, None))).sum(1).mean()),
    }
