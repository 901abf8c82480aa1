"""How strong a noise is, in measures that can be compared between families."""

from __future__ import annotations

import numpy as np

from benchmark.core.types import Labels, Problem
from benchmark.measures.label_errors import known
from benchmark.noise.base import realised_transition

NO_RATE = 0.99  # where more targets than this moved, the share of moved ones says nothing


def noise_strength(problem: Problem, labels: Labels, observed: np.ndarray) -> dict[str, object]:
    """What the noise does to these labels, beyond its nominal rate. ``labels.value`` is right.

    rate: share of wrong live units; None where all but a few targets moved (Gaussian, biased): such noise has no rate.
    information_kept: I(right; given) / H(right), or the squared correlation of targets. margin: min_i (T_ii - max_j T_ij).
    Tokens: shares among units observed as entity and as O, span precision and recall.
    Multi-label: FPR, FNR and PPV per column, share of wrong examples. Targets: RMS error / sd, share beyond range / 8.
    """
    use = labels.live & known(labels.value) & (np.isfinite(observed) if labels.kind == "continuous" else observed >= 0)
    right, given = labels.value[use], observed[use]
    wrong = right != given
    out: dict[str, object] = {"rate": float(wrong.mean()), "units": int(use.sum()), "wrong": int(wrong.sum())}
    if labels.kind == "continuous":
        error, spread = given - right, right.std()
        out["rate"] = None if wrong.mean() > NO_RATE else out["rate"]
        out["information_kept"] = float(np.corrcoef(right, given)[0, 1] ** 2)
        out["error_rms"] = float(np.sqrt((error**2).mean()) / spread)
        out["beyond_eighth"] = float((np.abs(error) > np.ptp(right) / 8).mean())
        return out
    transition = realised_transition(labels, observed)
    layer = labels.column[use] if len(transition) > 1 else np.zeros(len(right), dtype=int)
    out["information_kept"] = float(np.mean([information_kept(right[layer == c], given[layer == c]) for c in np.unique(layer)]))
    diagonal = np.diagonal(transition, axis1=1, axis2=2)
    out["margin"] = float((diagonal - (transition - 2 * np.eye(labels.num_classes)).max(2)).min())
    if problem.name == "tagging":
        outside = labels.names.index("O")
        out["rate_given_entity"] = _mean(wrong[given != outside])
        out["rate_given_outside"] = _mean(wrong[given == outside])
        shape = (-1, labels.width)
        grid = np.where(use, labels.value, -1).reshape(shape)
        counts = problem.span_counts(np.where(use, observed, -1).reshape(shape), grid).sum(0)  # type: ignore[attr-defined]
        out["span_precision"], out["span_recall"] = float(counts[0] / max(counts[1], 1)), float(counts[0] / max(counts[2], 1))
    if problem.name == "multilabel":
        out["fpr"], out["fnr"] = transition[:, 0, 1].tolist(), transition[:, 1, 0].tolist()
        out["ppv"] = [_mean((right == 1)[(layer == c) & (given == 1)]) for c in range(labels.width)]
        out["example_rate"] = float(len(np.unique(labels.group[use][wrong])) / len(np.unique(labels.group[use])))
    return out


def information_kept(right: np.ndarray, given: np.ndarray) -> float:
    """I(right; given) / H(right) of two integer arrays; 1 if right is constant."""
    joint = np.zeros((right.max() + 1, given.max() + 1))
    np.add.at(joint, (right, given), 1 / len(right))
    a, b = joint.sum(1, keepdims=True), joint.sum(0, keepdims=True)
    some = joint > 0
    mutual = (joint[some] * np.log(joint[some] / (a @ b)[some])).sum()
    entropy = -(a[a > 0] * np.log(a[a > 0])).sum()
    return float(mutual / entropy) if entropy > 0 else 1.0


def systematic_share(problem: Problem, decision: np.ndarray, labels: Labels, observed: np.ndarray, redrawn: np.ndarray) -> float | None:
    """psi = P(out-of-fold erm decides for the given label | it is wrong) - the same for labels redrawn from the realised T.

    Zero in expectation under class-conditional noise, positive where mistakes follow the input.
    """
    use = labels.live & known(labels.value)
    rates = []
    for given in (observed, redrawn):
        wrong = use & (given != labels.value)
        if not wrong.any():
            return None
        rates.append(float((decision == given)[wrong].mean()))
    return rates[0] - rates[1]


def _mean(values: np.ndarray) -> float | None:
    return float(values.mean()) if len(values) else None
