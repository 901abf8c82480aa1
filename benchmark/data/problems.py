"""The four task types: how a batch becomes units and how predictions are scored."""

from __future__ import annotations

import functools
from collections.abc import Sequence

import numpy as np
import torch
from scipy.stats import spearmanr
from torch import Tensor

from benchmark.core.types import Labels, Problem
from benchmark.data import multilabel_scores
from benchmark.data.tags import Spans, Tagset, find_spans, tagset
from benchmark.functional.calibration import expected_calibration_error


def _grid(shape: tuple[int, int]) -> tuple[np.ndarray, np.ndarray]:
    group, column = np.indices(shape)
    return group.reshape(-1), column.reshape(-1)


class Multiclass(Problem):
    """One of K classes per example. ``y`` is (E,) int64."""

    name, kind, primary = "multiclass", "categorical", "accuracy"

    def __init__(self, names: Sequence[str]) -> None:
        self.names = tuple(names)
        self.num_classes = len(self.names)

    def labels(self, y: np.ndarray) -> Labels:
        """One unit per example."""
        group, column = _grid((len(y), 1))
        return Labels(y.astype(np.int64), group, column, y >= 0, self.kind, self.num_classes, self.names, self.name)

    def lift(self, output: Tensor) -> Tensor:
        """(B, K) -> (B, 1, K)."""
        return output.unsqueeze(1)

    def scores(self, probability: np.ndarray, decision: np.ndarray, y: np.ndarray) -> dict[str, float]:
        """Accuracy, mean recall over the classes that occur, and calibration."""
        live = y >= 0
        probability, decision, y = probability[live], decision[live], y[live]
        right = decision == y
        present = np.bincount(y, minlength=self.num_classes)
        recall = np.bincount(y[right], minlength=self.num_classes)[present > 0] / present[present > 0]
        return {
            "accuracy": float(right.mean()),
            "balanced_accuracy": float(recall.mean()),
            "ece": expected_calibration_error(probability.max(1), right),
            "nll": float(-np.log(np.clip(probability[np.arange(len(y)), y], 1e-12, None)).mean()),
        }


class MultiLabel(Problem):
    """Any of C labels per example. ``y`` is (E, C) int64 in {0, 1}, -1 = unknown.

    A unit is an (example, label) pair with logits ``[0, z]``: the softmax of ``[0, z]`` is the sigmoid
    of ``z``, so cross entropy and its gradient equal binary cross entropy exactly.
    """

    name, kind, primary = "multilabel", "categorical", "map"
    num_classes = 2

    def __init__(self, names: Sequence[str]) -> None:
        self.names = tuple(names)
        self.width = len(self.names)

    @property
    def outputs(self) -> int:
        """One logit per label."""
        return self.width

    def labels(self, y: np.ndarray) -> Labels:
        """One unit per (example, label) pair, row by row."""
        group, column = _grid(y.shape)
        flat = y.reshape(-1).astype(np.int64)
        return Labels(flat, group, column, flat >= 0, self.kind, 2, self.names, self.name)

    def lift(self, output: Tensor) -> Tensor:
        """(B, C) -> (B, C, 2)."""
        return torch.stack((torch.zeros_like(output), output), dim=-1)

    def scores(self, probability: np.ndarray, decision: np.ndarray, y: np.ndarray) -> dict[str, float]:
        """Mean average precision and macro AUROC over the labels that have both values; F1 at .5; ranking; calibration.

        ``map_head``, ``map_middle`` and ``map_tail`` are means over thirds of the labels by positives in ``y``.
        """
        score, chosen = probability[:, 1].reshape(y.shape), decision.reshape(y.shape) == 1
        live = y >= 0
        confidence = np.where(chosen, score, 1 - score)[live]
        precision = self._each_label("multilabel_average_precision", score, y)
        cf1, of1 = multilabel_scores.f1_scores(chosen, y)
        return {
            "map": _nanmean(precision),
            "auroc": _nanmean(self._each_label("multilabel_auroc", score, y)),
            "cf1": cf1,
            "of1": of1,
            "lwlrap": multilabel_scores.lwlrap(score, y),
            "ece": expected_calibration_error(confidence, (chosen == (y == 1))[live]),
        } | {f"map_{name}": value for name, value in multilabel_scores.by_frequency(precision, y).items()}

    def selected_scores(self, probability: np.ndarray, y: np.ndarray, val: np.ndarray, y_val: np.ndarray) -> dict[str, float]:
        """CF1 and OF1 after each label got its threshold on noisy validation, and every label by itself."""
        score = probability[:, 1].reshape(y.shape)
        chosen = score > multilabel_scores.thresholds(val[:, 1].reshape(y_val.shape), y_val)
        cf1, of1 = multilabel_scores.f1_scores(chosen, y)
        return {"cf1_calibrated": cf1, "of1_calibrated": of1} | multilabel_scores.label_scores(score, y, self.names)

    def primary_scores(self, probability: np.ndarray, decision: np.ndarray, y: np.ndarray, subsets: Sequence[np.ndarray]) -> list[float]:
        """Mean average precision alone."""
        score = probability[:, 1].reshape(y.shape)
        return [_nanmean(self._each_label("multilabel_average_precision", score[rows], y[rows])) for rows in subsets]

    def _each_label(self, metric: str, score: np.ndarray, y: np.ndarray) -> np.ndarray:
        """(C,) a torchmetrics score of every label, unknown entries left out; NaN without both values."""
        from torchmetrics.functional import classification  # slow to import, and the board needs no scores

        both = ((y == 1).any(0)) & ((y == 0).any(0))
        each = np.full(y.shape[1], np.nan)
        if not both.any():
            return each
        ignore = None if (y >= 0).all() else -1
        found = getattr(classification, metric)(
            torch.from_numpy(score[:, both]),
            torch.from_numpy(y[:, both]),
            num_labels=int(both.sum()),
            average=None,
            thresholds=None,
            ignore_index=ignore,
            validate_args=False,
        )
        each[both] = found.numpy()
        return each


class Tagging(Problem):
    """One IOB2 tag per token. ``y`` is (E, L) int64, -1 = padding."""

    name, kind, primary = "tagging", "categorical", "f1"

    def __init__(self, names: Sequence[str], width: int) -> None:
        self.names = tuple(names)
        self.num_classes = len(self.names)
        self.width = width

    def labels(self, y: np.ndarray) -> Labels:
        """One unit per token slot."""
        group, column = _grid(y.shape)
        flat = y.reshape(-1).astype(np.int64)
        return Labels(flat, group, column, flat >= 0, self.kind, self.num_classes, self.names, self.name)

    def lift(self, output: Tensor) -> Tensor:
        """(B, L, K) as it is."""
        return output

    def scores(self, probability: np.ndarray, decision: np.ndarray, y: np.ndarray) -> dict[str, float]:
        """Micro span F1, precision and recall (seqeval's default mode, equal to conlleval for IOB2), F1 of every type of entity, token accuracy."""
        live, grid = y >= 0, decision.reshape(y.shape)
        hit, predicted, true = self._matched(grid, y)
        precision, recall = (float(_ratio(len(hit), len(side.first))) for side in (predicted, true))
        right = grid[live] == y[live]
        of_type = [np.bincount(kind, minlength=len(self._tags.begin)) for kind in (hit, predicted.kind, true.kind)]
        by_type = _ratio(2 * of_type[0], of_type[1] + of_type[2])
        return {
            "f1": _f1(precision, recall),
            "precision": precision,
            "recall": recall,
            **{f"f1_{self.names[tag][2:]}": float(value) for tag, value in zip(self._tags.begin, by_type, strict=True)},
            "token_accuracy": float(right.mean()),
            "ece": expected_calibration_error(probability.max(1).reshape(y.shape)[live], right),
        }

    def primary_scores(self, probability: np.ndarray, decision: np.ndarray, y: np.ndarray, subsets: Sequence[np.ndarray]) -> list[float]:
        """Span F1; the spans of a sentence are found once."""
        counts = self.span_counts(decision.reshape(y.shape), y)
        return [self.f1_of(counts[rows]) for rows in subsets]

    def span_counts(self, decision: np.ndarray, y: np.ndarray) -> np.ndarray:
        """(E, 3) spans per sentence: right, predicted, true. Entities never cross sentences."""
        hit, predicted, true = self._matched(decision, y, rows=True)
        return np.stack([np.bincount(rows, minlength=len(y)) for rows in (hit, *(side.first // y.shape[1] for side in (predicted, true)))], axis=1)

    @staticmethod
    def f1_of(counts: np.ndarray) -> float:
        """Micro F1 from counts (..., 3) of right, predicted and true spans."""
        hit, predicted, true = counts.reshape(-1, 3).sum(0)
        return float(_ratio(2 * hit, predicted + true))

    @functools.cached_property
    def _tags(self) -> Tagset:
        return tagset(self.names)

    def _matched(self, decision: np.ndarray, y: np.ndarray, rows: bool = False) -> tuple[np.ndarray, Spans, Spans]:
        """Types (or sentences) of the predicted spans that are right, all predicted spans, all true ones."""
        predicted, true = (find_spans(self.labels(np.where(y >= 0, side, -1)), self._tags) for side in (decision, y))
        last, kind = np.full(y.size, -1), np.full(y.size, -1)
        last[true.first], kind[true.first] = true.last, true.kind
        right = (last[predicted.first] == predicted.last) & (kind[predicted.first] == predicted.kind)
        return (predicted.first // y.shape[1] if rows else predicted.kind)[right], predicted, true


class Regression(Problem):
    """A number per example. ``y`` is (E,) float, in the units of the network's target.

    ``to_score`` maps targets and predictions to the units in which errors are reported (exp for a log price).
    """

    name, kind, primary, higher_is_better = "regression", "continuous", "mae", False
    num_classes = 1

    def __init__(self, name: str, to_score: np.ufunc | None = None) -> None:
        self.names = (name,)
        self.to_score = to_score

    def labels(self, y: np.ndarray) -> Labels:
        """One unit per example."""
        group, column = _grid((len(y), 1))
        return Labels(y.astype(np.float64), group, column, np.isfinite(y), self.kind, 1, self.names, self.name)

    def lift(self, output: Tensor) -> Tensor:
        """(B, 1) -> (B, 1, 1)."""
        return output.unsqueeze(1)

    def scores(self, probability: np.ndarray, decision: np.ndarray, y: np.ndarray) -> dict[str, float]:
        """MAE, RMSE and the 95 % quantile of the absolute error in reported units; Spearman correlation; R2 of the target."""
        live = np.isfinite(y)
        target, prediction = y[live], decision[live].astype(np.float64)
        error = prediction - target
        variance = float(target.var())
        # A constant prediction has no rank correlation; scipy would warn and give NaN.
        flat = np.ptp(prediction) == 0 or variance == 0
        rank = 0.0 if flat else float(spearmanr(prediction, target).statistic)
        if self.to_score is not None:
            with np.errstate(over="ignore"):  # a diverged prediction is infinite, and the run fails for it
                error = self.to_score(prediction) - self.to_score(target)
        absolute = np.abs(error)
        return {
            "mae": float(absolute.mean()),
            "rmse": float(np.sqrt((error**2).mean())),
            "q95": float(np.quantile(absolute, 0.95)),
            "spearman": rank,
            "r2": 1 - float(((prediction - target) ** 2).mean()) / variance if variance else float("nan"),
        }


def _ratio(part: np.ndarray | int, whole: np.ndarray | int) -> np.ndarray:
    return np.divide(part, whole, out=np.zeros(np.shape(whole), dtype=float), where=np.asarray(whole) > 0)


def _nanmean(values: np.ndarray) -> float:
    return float(np.nanmean(values)) if np.isfinite(values).any() else float("nan")


def _f1(precision: float, recall: float) -> float:
    total = precision + recall
    return 2 * precision * recall / total if total else 0.0


PROBLEMS: dict[str, type[Problem]] = {cls.name: cls for cls in (Multiclass, Tagging, MultiLabel, Regression)}
