"""The task types: units and their way back, and scores against scikit-learn and seqeval."""

from __future__ import annotations

import json
import warnings

import numpy as np
import pytest
import torch
from scipy.stats import spearmanr
from seqeval.metrics import f1_score, precision_score, recall_score
from sklearn import metrics
from support.problems import TAGS, grid, made, probabilities, sentences
from support.tiny import PROBLEMS

from benchmark.data.problems import PROBLEMS as CLASSES
from benchmark.data.problems import Multiclass, MultiLabel, Regression, Tagging


def test_every_problem_is_in_the_table() -> None:
    assert set(CLASSES) == set(PROBLEMS)
    assert all(CLASSES[name].name == name for name in CLASSES)


@pytest.mark.parametrize("name", PROBLEMS)
def test_labels_flatten_and_restore(name: str) -> None:
    problem, y, _, _ = made(name)
    labels = problem.labels(y)
    assert labels.value.shape == labels.group.shape == labels.column.shape == labels.live.shape == (y.size,)
    assert np.array_equal(problem.restore(labels.value, y), y, equal_nan=True)
    assert problem.restore(labels.value, y).dtype == y.dtype
    assert np.array_equal(labels.group * problem.width + labels.column, np.arange(y.size))
    assert np.array_equal(labels.live, np.isfinite(y.reshape(-1)) if name == "regression" else y.reshape(-1) >= 0)
    assert (labels.width, labels.num_classes, labels.problem) == (problem.width, problem.num_classes, name)


@pytest.mark.parametrize("name", PROBLEMS)
def test_primary_scores_are_the_scores_of_the_subsets(name: str) -> None:
    problem, y, probability, decision = made(name)
    rng = np.random.default_rng(0)
    subsets = [np.ones(len(y), dtype=bool), rng.random(len(y)) < 0.5, np.arange(len(y)) < 7]
    found = problem.primary_scores(probability, decision, y, subsets)
    for value, rows in zip(found, subsets, strict=True):
        slots = np.repeat(rows, problem.width)
        assert value == pytest.approx(problem.scores(probability[slots], decision[slots], y[rows])[problem.primary])


@pytest.mark.parametrize("name", PROBLEMS)
def test_unknown_entries_do_not_count(name: str) -> None:
    """Whatever is predicted where the label is unknown, the scores stay."""
    problem, y, probability, decision = made(name)
    rng, dead = np.random.default_rng(5), ~problem.labels(y).live
    assert dead.any()
    other = probability.copy(), decision.copy()
    other[0][dead] = probability[rng.permutation(len(probability))][dead]
    other[1][dead] = other[0][dead].argmax(1) if problem.kind == "categorical" else 1e6
    assert problem.scores(*other, y) == pytest.approx(problem.scores(probability, decision, y))


def test_multiclass_scores_equal_scikit_learn() -> None:
    problem, y, probability, decision = made("multiclass")
    live = y >= 0
    found = problem.scores(probability, decision, y)
    assert found["accuracy"] == pytest.approx(metrics.accuracy_score(y[live], decision[live]))
    assert found["balanced_accuracy"] == pytest.approx(metrics.balanced_accuracy_score(y[live], decision[live]))
    assert found["nll"] == pytest.approx(metrics.log_loss(y[live], probability[live], labels=range(4)))


def test_balanced_accuracy_is_the_mean_over_classes_that_occur() -> None:
    y, decision = np.array([0, 0, 0, 0, 2, 2]), np.array([0, 0, 0, 1, 2, 1])
    found = Multiclass(list("abcd")).scores(np.full((6, 4), 0.25), decision, y)
    assert found["balanced_accuracy"] == pytest.approx((3 / 4 + 1 / 2) / 2)


def test_a_certain_mistake_costs_a_finite_likelihood() -> None:
    found = Multiclass(list("ab")).scores(np.array([[1.0, 0.0]]), np.array([0]), np.array([1]))
    assert found["nll"] == pytest.approx(-np.log(1e-12))


def test_multilabel_scores_equal_scikit_learn() -> None:
    problem, y, probability, decision = made("multilabel", size=200)
    y = np.abs(y)
    score, chosen = probability[:, 1].reshape(y.shape), decision.reshape(y.shape)
    found = problem.scores(probability, decision, y)
    assert found["map"] == pytest.approx(metrics.average_precision_score(y, score, average="macro"), abs=1e-5)
    assert found["auroc"] == pytest.approx(metrics.roc_auc_score(y, score, average="macro"), abs=1e-5)
    precision, recall = metrics.precision_score(y, chosen, average="macro"), metrics.recall_score(y, chosen, average="macro")
    assert found["cf1"] == pytest.approx(2 * precision * recall / (precision + recall))
    assert found["of1"] == pytest.approx(metrics.f1_score(y, chosen, average="micro"))


def test_multilabel_scores_with_unknown_entries_equal_scikit_learn_per_column() -> None:
    problem, y, probability, decision = made("multilabel", size=200)
    score = probability[:, 1].reshape(y.shape)
    assert (y == -1).sum() > 20
    found = problem.scores(probability, decision, y)
    for name, metric in (("map", metrics.average_precision_score), ("auroc", metrics.roc_auc_score)):
        each = [metric(y[y[:, c] >= 0, c], score[y[:, c] >= 0, c]) for c in range(4)]
        assert found[name] == pytest.approx(np.mean(each), abs=1e-5)


def test_multilabel_scores_with_ties_equal_scikit_learn() -> None:
    rng = np.random.default_rng(1)
    y, score = rng.integers(0, 2, (100, 3)), rng.integers(0, 5, (100, 3)) / 5
    probability = np.stack([1 - score, score], axis=-1).reshape(-1, 2)
    found = MultiLabel(list("pqr")).scores(probability, (score > 0.5).astype(int).reshape(-1), y)
    assert found["map"] == pytest.approx(metrics.average_precision_score(y, score, average="macro"), abs=1e-5)
    assert found["auroc"] == pytest.approx(metrics.roc_auc_score(y, score, average="macro"), abs=1e-5)


def test_labels_without_both_values_leave_the_mean() -> None:
    y = np.array([[1, 0, 1], [0, 0, 1], [1, 0, 1]])
    score = np.array([[0.9, 0.5, 0.1], [0.2, 0.6, 0.2], [0.1, 0.7, 0.3]])
    probability = np.stack([1 - score, score], axis=-1).reshape(-1, 2)
    found = MultiLabel(list("pqr")).scores(probability, (score > 0.5).astype(int).reshape(-1), y)
    assert found["map"] == pytest.approx((1 + 2 / 3) / 2)
    assert found["auroc"] == pytest.approx(0.5)
    only = MultiLabel(list("pqr")).scores(probability[:3], np.zeros(3, dtype=int), y[:1])
    assert np.isnan(only["map"])


def test_span_scores_equal_seqeval_on_invalid_sequences() -> None:
    rng = np.random.default_rng(3)
    for size, width in ((1, 5), (40, 9), (200, 4)):
        y, decision = sentences(rng, size, width), rng.integers(0, len(TAGS), (size, width))
        decision = np.where(rng.random(y.shape) < 0.6, np.maximum(y, 0), decision)  # often right, so that spans match
        true = [[TAGS[t] for t in row[row >= 0]] for row in y]
        predicted = [[TAGS[t] for t in row[live >= 0]] for row, live in zip(decision, y, strict=True)]
        found = Tagging(TAGS, width).scores(probabilities(rng, y.size, len(TAGS)), decision.reshape(-1), y)
        with warnings.catch_warnings():
            warnings.simplefilter("ignore")  # nothing predicted
            expected = {"f1": f1_score(true, predicted), "precision": precision_score(true, predicted), "recall": recall_score(true, predicted)}
        assert {name: found[name] for name in expected} == pytest.approx(expected)
        assert found["token_accuracy"] == pytest.approx(np.mean((decision == y)[y >= 0]))
        assert json.loads(json.dumps(found)) == found
        for kind in {tag[2:] for tag in TAGS if tag != "O"}:
            of_kind = [[[tag if tag[2:] == kind else "O" for tag in row] for row in side] for side in (true, predicted)]
            with warnings.catch_warnings():
                warnings.simplefilter("ignore")
                assert found[f"f1_{kind}"] == pytest.approx(f1_score(*of_kind))


def test_spans_do_not_cross_sentences_and_padding_is_no_span() -> None:
    problem = Tagging(TAGS, 3)
    y = np.array([[0, 1, -1], [2, 0, 0]])  # a name at the end, then one that begins with an inner tag
    assert problem.span_counts(y, y).tolist() == [[1, 1, 1], [1, 1, 1]]
    assert problem.span_counts(np.array([[0, 1, 1], [2, 0, 0]]), y).tolist() == [[1, 1, 1], [1, 1, 1]]
    assert problem.span_counts(np.zeros_like(y), y).tolist() == [[0, 0, 1], [0, 0, 1]]


def test_f1_of_nothing_found_is_zero() -> None:
    y = np.zeros((2, 3), dtype=int)
    found = Tagging(TAGS, 3).scores(np.full((6, 5), 0.2), np.zeros(6, dtype=int), y)
    assert (found["f1"], found["precision"], found["recall"], found["token_accuracy"]) == (0.0, 0.0, 0.0, 1.0)


@pytest.mark.parametrize("to_score", [None, np.exp])
def test_regression_scores_equal_scikit_learn_in_reported_units(to_score: np.ufunc | None) -> None:
    _, y, _, decision = made("regression")
    live = np.isfinite(y)
    target, prediction = (to_score(v[live]) if to_score is not None else v[live] for v in (y, decision))
    found = Regression("z", to_score).scores(decision[:, None], decision, y)
    assert found["mae"] == pytest.approx(metrics.mean_absolute_error(target, prediction))
    assert found["rmse"] == pytest.approx(metrics.root_mean_squared_error(target, prediction))
    assert found["q95"] == pytest.approx(np.quantile(np.abs(target - prediction), 0.95))
    assert found["spearman"] == pytest.approx(spearmanr(y[live], decision[live]).statistic)
    assert found["r2"] == pytest.approx(metrics.r2_score(y[live], decision[live]))  # of the network's target


def test_constant_predictions_and_targets_score_without_a_warning() -> None:
    y = np.array([1.0, 2.0, 4.0])
    with warnings.catch_warnings():
        warnings.simplefilter("error")
        assert Regression("z").scores(np.ones((3, 1)), np.ones(3), y)["spearman"] == 0.0
        flat = Regression("z").scores(y[:, None], y, np.ones(3))
    assert flat["spearman"] == 0.0
    assert np.isnan(flat["r2"])
    assert not Regression("z").higher_is_better


def test_a_diverged_prediction_is_infinite_and_silent() -> None:
    y = np.linspace(0, 1, 40)
    with warnings.catch_warnings():
        warnings.simplefilter("error")
        found = Regression("z", np.exp).scores(np.zeros((40, 1)), np.append(y[:-1], 1e5), y)
    assert np.isinf([found["mae"], found["rmse"]]).all()


def test_padded_tokens_are_cut_at_the_longest_sentence_and_keep_their_ids() -> None:
    y = np.array([[0, 1, -1, -1], [2, -1, -1, -1], [0, 1, 2, 0]])
    step, output, live = grid(Tagging(TAGS, 4), y, np.array([1, 0]))
    assert live.tolist() == [[True, False], [True, True]]
    units = step.flatten(output)
    assert units.shape == (2, 2)
    assert units.index.tolist() == [4, 0, 1]
    assert units.row.tolist() == [0, 1, 1]
    assert units.column.tolist() == [0, 0, 1]
    assert units.target.tolist() == [2, 0, 1]
    assert torch.equal(torch.stack(step.slots()), torch.stack([units.index, units.row, units.column]))


def test_a_chunk_of_one_length_is_as_wide_as_its_sentences() -> None:
    y = np.array([[0, 1, -1, -1], [2, 0, -1, -1], [0, 1, 2, 0]])
    step, output, live = grid(Tagging(TAGS, 4), y, np.array([1, 0]))
    assert step.width == 2
    assert bool(live.all())
    assert torch.stack(step.slots()).tolist() == [[4, 5, 0, 1], [0, 0, 1, 1], [0, 1, 0, 1]]
    assert step.flatten(output).target.tolist() == step.targets().tolist() == [2, 0, 0, 1]
    assert step.size == 4
    with pytest.raises(ValueError, match="output of 4 slots a row for a batch of 2"):
        step.flatten(torch.zeros(2, 4, len(TAGS)))
