"""Multi-label scores against scikit-learn and against counting by hand."""

from __future__ import annotations

import numpy as np
import pytest
from sklearn import metrics

from benchmark.data import multilabel_scores as scores
from benchmark.data.problems import MultiLabel

RNG = np.random.default_rng(0)
Y = (RNG.random((300, 5)) < [0.6, 0.3, 0.2, 0.1, 0.02]).astype(np.int64)
SCORE = np.clip(0.3 * Y + RNG.random((300, 5)) * 0.6, 0, 1)


def test_lwlrap_is_weighted_by_labels_not_by_examples_or_classes() -> None:
    some = Y.any(1)
    expected = metrics.label_ranking_average_precision_score(Y[some], SCORE[some], sample_weight=Y[some].sum(1))
    assert scores.lwlrap(SCORE, Y) == pytest.approx(expected, abs=1e-12)
    assert scores.lwlrap(SCORE, Y) != pytest.approx(metrics.label_ranking_average_precision_score(Y[some], SCORE[some]), abs=1e-4)
    hits = []
    for row, right in zip(SCORE, Y, strict=True):
        for c in np.flatnonzero(right):
            above = row >= row[c]
            hits.append((above & (right == 1)).sum() / above.sum())
    assert scores.lwlrap(SCORE, Y) == pytest.approx(np.mean(hits))


def test_lwlrap_of_ties_is_pessimistic_and_unknown_labels_rank_last() -> None:
    assert scores.lwlrap(np.full((1, 4), 0.5), np.array([[1, 0, 0, 0]])) == pytest.approx(0.25)
    y = np.array([[1, 0, -1]])
    assert scores.lwlrap(np.array([[0.5, 0.4, 0.9]]), y) == 1.0
    assert np.isnan(scores.lwlrap(np.zeros((2, 2)), np.zeros((2, 2), dtype=np.int64)))


def test_cf1_is_not_the_mean_of_f1() -> None:
    chosen = SCORE > 0.4
    cf1, of1 = scores.f1_scores(chosen, Y)
    precision, recall = (f(Y, chosen, average="macro", zero_division=0) for f in (metrics.precision_score, metrics.recall_score))
    assert cf1 == pytest.approx(2 * precision * recall / (precision + recall))
    assert cf1 != pytest.approx(metrics.f1_score(Y, chosen, average="macro"), abs=1e-3)
    assert of1 == pytest.approx(metrics.f1_score(Y, chosen, average="micro"))


def test_thresholds_come_from_validation_and_repair_bad_calibration() -> None:
    problem = MultiLabel(list("abcde"))
    shrunk = 0.3 * SCORE  # nothing is above .5
    flat = np.stack([1 - shrunk, shrunk], -1).reshape(-1, 2)
    found = problem.selected_scores(flat, Y, flat, Y)
    best = np.mean([max(metrics.f1_score(Y[:, c], SCORE[:, c] > t) for t in np.unique(SCORE[:, c])) for c in range(5)])
    assert problem.scores(flat, (flat[:, 1] > 0.5).astype(int), Y)["cf1"] == 0
    assert found["cf1_calibrated"] > best - 0.03
    assert scores.thresholds(SCORE, np.zeros_like(Y)).tolist() == [0.5] * 5


def test_each_label_has_its_auroc_interval_and_positives() -> None:
    found = scores.label_scores(SCORE, Y, list("abcde"))
    for c, name in enumerate("abcde"):
        assert found[f"auroc[{name}]"] == pytest.approx(metrics.roc_auc_score(Y[:, c], SCORE[:, c]))
        assert found[f"auroc_low[{name}]"] < found[f"auroc[{name}]"] <= found[f"auroc_high[{name}]"]
        assert found[f"positives[{name}]"] == Y[:, c].sum()
    width = {name: found[f"auroc_high[{name}]"] - found[f"auroc_low[{name}]"] for name in "ae"}
    assert width["e"] > 1.5 * width["a"]  # few positives
    macro = np.mean([found[f"auroc[{name}]"] for name in "abcde"])
    assert found["auroc_low"] < macro < found["auroc_high"]
    mean = np.mean([width["a"], width["e"]])
    assert found["auroc_high"] - found["auroc_low"] < mean  # labels err apart from each other
    assert scores.label_scores(np.zeros((2, 99)), np.zeros((2, 99)), [str(i) for i in range(99)]) == {}


def test_bootstrap_interval_covers_like_the_normal_one() -> None:
    score, positive = RNG.normal(size=400), RNG.random(400) < 0.5
    score = np.round(score + positive, 1)  # ties
    area, low, high = scores.auroc_interval(score, positive, draws=2000)
    assert area == pytest.approx(metrics.roc_auc_score(positive, score))
    n, m = positive.sum(), (~positive).sum()
    q1, q2 = area / (2 - area), 2 * area**2 / (1 + area)
    sd = np.sqrt((area * (1 - area) + (n - 1) * (q1 - area**2) + (m - 1) * (q2 - area**2)) / (n * m))  # Hanley and McNeil, 1982
    assert (high - low) / (2 * 1.96) == pytest.approx(sd, rel=0.2)
    assert np.isnan(scores.auroc_interval(score, np.ones(400, dtype=bool))[0])


def test_the_macro_interval_is_of_means_over_labels_in_the_same_draws() -> None:
    twice = np.stack([SCORE[:, 1], SCORE[:, 1]], 1)
    found = scores.label_scores(twice, Y[:, [1, 1]], ["a", "b"])  # one label twice: nothing averages out
    assert (found["auroc_low"], found["auroc_high"]) == (found["auroc_low[a]"], found["auroc_high[a]"])
    unknown = Y.copy()
    unknown[:50, 0], unknown[:, 1] = -1, 0
    found = scores.label_scores(SCORE[:, :2], unknown[:, :2], ["a", "b"])
    assert np.isnan(found["auroc[b]"])
    assert found["auroc_low"] == found["auroc_low[a]"]
    assert "auroc_low" not in scores.label_scores(SCORE[:, 1:2], unknown[:, 1:2], ["b"])


def test_thirds_by_frequency() -> None:
    y = np.array([[1, 1, 1, 1, 1, 0], [1, 1, 1, 0, 0, 0], [1, 1, 0, 0, 0, 0], [1, 0, 0, 0, 0, 0]])
    found = scores.by_frequency(np.array([0.1, 0.2, 0.3, 0.4, np.nan, 0.6]), y)
    assert found == pytest.approx({"head": 0.15, "middle": 0.35, "tail": 0.6})
    assert scores.by_frequency(np.array([0.1, 0.2]), np.zeros((2, 2))) == {}
