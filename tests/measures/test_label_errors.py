"""Memorization, detection and noise strength against calculations by hand and against scikit-learn."""

from __future__ import annotations

import numpy as np
import pytest
from sklearn import metrics
from sklearn.metrics import average_precision_score, roc_auc_score

from benchmark.data.problems import Multiclass, MultiLabel, Regression, Tagging
from benchmark.measures.label_errors import (
    LEAST_ERRORS,
    LEAST_WRONG,
    Side,
    detection,
    error_residuals,
    example_suspicion,
    interval_scores,
    kept_quality,
    memorization,
    parts_of_training,
    vote_scores,
)

RNG = np.random.default_rng(0)
CLASSES = Multiclass(list("abcd"))
TAGS = Tagging(["O", "B-X", "I-X"], 4)


def side(*blocks: tuple[int, float, float, float], column: int = 0) -> Side:
    """Blocks of (how many units, right, given, decision), all of them live."""
    count = [block[0] for block in blocks]
    right, given, decision = (np.repeat([block[i] for block in blocks], count) for i in (1, 2, 3))
    return Side(right, given, np.ones(sum(count), dtype=bool), np.full(sum(count), column), decision)


def joined(*sides: Side) -> Side:
    return Side(*(np.concatenate([getattr(s, name) for s in sides]) for name in ("right", "given", "live", "column", "decision")))


def test_memorization_of_classes() -> None:
    train = side((80, 0, 1, 1), (20, 0, 1, 0), (270, 2, 2, 2), (30, 2, 2, 3))  # 80 of 100 wrong labels repeated, 270 of 300 right ones
    val = side((60, 0, 1, 1), (180, 0, 1, 0), (500, 2, 2, 0))  # 60 of 240
    assert memorization(CLASSES, train, val) == pytest.approx({"ceiling": 0.9, "memorization": 0.8 - 0.25})


def test_memorization_of_a_model_that_memorizes_nothing_is_zero() -> None:
    train, val = (side((30, 0, 1, 1), (270, 0, 1, 0), (100, 3, 3, 3)) for _ in range(2))
    assert memorization(CLASSES, train, val)["memorization"] == 0.0


def test_memorization_needs_200_wrong_validation_units() -> None:
    train = side((50, 0, 1, 1), (50, 2, 2, 2))
    below, enough = (side((n, 0, 1, 0), (900, 2, 2, 2)) for n in (LEAST_WRONG - 1, LEAST_WRONG))
    assert memorization(CLASSES, train, below) == {"ceiling": 1.0}
    assert memorization(CLASSES, train, enough) == {"ceiling": 1.0, "memorization": 1.0}
    assert LEAST_WRONG == 200


def test_memorization_counts_no_dead_and_no_unknown_unit() -> None:
    train, val = side((80, 0, 1, 1), (20, 0, 1, 0), (10, 2, 2, 2)), side((50, 0, 1, 1), (150, 0, 1, 0), (10, 2, 2, 2))
    expected = memorization(CLASSES, train, val)
    nobody_knows = side((500, -1, 1, 0))
    dead = Side(*(np.repeat(v, 500) for v in (0, 1)), np.zeros(500, dtype=bool), np.zeros(500, dtype=int), np.zeros(500, dtype=int))
    assert memorization(CLASSES, joined(train, nobody_knows, dead), joined(val, nobody_knows, dead)) == expected
    assert expected["memorization"] == pytest.approx(0.55)


def test_memorization_of_tokens_by_direction() -> None:
    """Missing: an entity given as O; spurious: O given as an entity; type: another entity tag."""
    train = side((90, 1, 0, 0), (10, 1, 0, 1), (40, 0, 1, 1), (60, 0, 1, 0), (20, 1, 2, 2), (80, 1, 2, 1), (50, 0, 0, 0))
    val = side((100, 1, 0, 0), (100, 1, 0, 1), (20, 0, 2, 2), (180, 0, 2, 0), (199, 1, 2, 1))
    found = memorization(TAGS, train, val)
    assert found == pytest.approx(
        {"ceiling": 1.0, "memorization": 150 / 300 - 120 / 599, "memorization_missing": 0.9 - 0.5, "memorization_spurious": 0.4 - 0.1}
    )  # type has 199 validation units


def test_memorization_of_labels_is_a_mean_over_columns() -> None:
    problem = MultiLabel(["p", "q", "r"])
    train = joined(
        side((90, 1, 0, 0), (10, 1, 0, 1), (30, 0, 0, 0), column=0),  # .9 in 100 units
        side((2, 1, 0, 0), (8, 1, 0, 1), (1, 0, 0, 1), column=1),  # .2 in 10 units
        side((5, 1, 1, 1), column=2),  # no wrong unit: not in the mean
    )
    val = joined(side((100, 1, 0, 0), (100, 1, 0, 1), column=0), side((30, 1, 0, 1), column=1))
    found = memorization(problem, train, val)
    assert found["memorization"] == pytest.approx((0.9 + 0.2) / 2 - (0.5 + 0.0) / 2)
    assert found["memorization_missing"] == pytest.approx(found["memorization"])
    assert found["ceiling"] == pytest.approx((1 + 0 + 1) / 3)
    assert set(found) == {"ceiling", "memorization", "memorization_missing"}


def targets(weight: float, given_minus_right: np.ndarray, seed: int) -> Side:
    """A prediction 3 + .5 right + ``weight`` given, on corrupted units and on as many right ones."""
    rng = np.random.default_rng(seed)
    n = len(given_minus_right)
    right = rng.normal(size=2 * n)
    given = right + np.concatenate([given_minus_right, np.zeros(n)])
    return Side(right, given, np.ones(2 * n, dtype=bool), np.zeros(2 * n, dtype=int), np.where(given != right, 3 + 0.5 * right + weight * given, 100.0))


def test_memorization_of_targets_is_the_coefficient_of_the_given_one() -> None:
    rng = np.random.default_rng(0)
    train, val = targets(0.7, rng.normal(size=400), 1), targets(0.2, rng.normal(size=300), 2)
    assert memorization(Regression("z"), train, val) == pytest.approx({"memorization": 0.5})


def test_memorization_under_a_constant_bias_is_the_difference_of_residuals_over_the_bias() -> None:
    train, val = side((300, 1.0, 3.0, 2.6), (50, 1.0, 1.0, 9.0)), side((250, 4.0, 6.0, 4.4), (50, 4.0, 4.0, 9.0))
    assert memorization(Regression("z"), train, val) == pytest.approx({"memorization": (1.6 - 0.4) / 2})
    turned = [Side(-s.right, -s.given, s.live, s.column, -s.decision) for s in (train, val)]
    assert memorization(Regression("z"), *turned) == pytest.approx({"memorization": 0.6})


def test_memorization_of_targets_needs_200_wrong_validation_units() -> None:
    rng = np.random.default_rng(0)
    train = targets(0.7, rng.normal(size=400), 1)
    assert memorization(Regression("z"), train, targets(0.2, rng.normal(size=199), 2)) == {}
    assert "memorization" in memorization(Regression("z"), train, targets(0.2, rng.normal(size=200), 2))


def wrong_side(n: int = 2000, seed: int = 0) -> Side:
    rng = np.random.default_rng(seed)
    right = rng.integers(0, 4, n)
    given = np.where(rng.random(n) < 0.25, (right + 1) % 4, right)
    return Side(right, given, np.ones(n, dtype=bool), np.zeros(n, dtype=int), right)


def test_perfect_inverted_and_random_detection() -> None:
    this = wrong_side()
    share = this.wrong.mean()
    rng = np.random.default_rng(1)
    perfect = detection(CLASSES, this.wrong + 0.5 * rng.random(2000), this)
    assert perfect == pytest.approx({"detection_ap": 1.0, "detection_auroc": 1.0, "detection_precision": 1.0, "detection_lift": 1 / share})
    inverted = detection(CLASSES, -(this.wrong + 0.5 * rng.random(2000)), this)
    assert inverted["detection_auroc"] == pytest.approx(0.0)
    assert inverted["detection_precision"] == 0.0
    assert inverted["detection_ap"] < 0
    random = [detection(CLASSES, rng.random(2000), this) for _ in range(20)]
    for name, chance in (("detection_ap", 0.0), ("detection_auroc", 0.5), ("detection_precision", share)):
        assert np.mean([found[name] for found in random]) == pytest.approx(chance, abs=0.02)


def test_detection_equals_scikit_learn_on_any_scale() -> None:
    this, rng = wrong_side(), np.random.default_rng(2)
    suspicion = this.wrong + rng.normal(size=2000)
    share = this.wrong.mean()
    expected = {
        "detection_ap": (average_precision_score(this.wrong, suspicion) - share) / (1 - share),
        "detection_auroc": roc_auc_score(this.wrong, suspicion),
        "detection_precision": this.wrong[np.argsort(-suspicion)[: this.wrong.sum()]].mean(),
        "detection_lift": this.wrong[np.argsort(-suspicion)[: this.wrong.sum()]].mean() / share,
    }
    for scale in (1.0, 1e-6, 1e6):
        assert detection(CLASSES, suspicion * scale - 5, this) == pytest.approx(expected, rel=1e-5)


def test_detection_with_ties_equals_scikit_learn() -> None:
    this, rng = wrong_side(), np.random.default_rng(3)
    suspicion = (this.wrong * 2 + rng.integers(0, 4, 2000)).astype(float)
    share, found = this.wrong.mean(), detection(CLASSES, suspicion, this)
    assert found["detection_ap"] == pytest.approx((average_precision_score(this.wrong, suspicion) - share) / (1 - share), rel=1e-5)
    assert found["detection_auroc"] == pytest.approx(roc_auc_score(this.wrong, suspicion), rel=1e-5)


def test_suspicion_that_is_the_same_for_all_detects_nothing() -> None:
    this = wrong_side()
    found = detection(CLASSES, np.zeros(2000), this)
    assert found["detection_ap"] == pytest.approx(0.0, abs=1e-6)
    assert found["detection_auroc"] == pytest.approx(0.5)


def test_detection_sees_no_dead_and_no_unknown_unit() -> None:
    this, rng = wrong_side(), np.random.default_rng(4)
    suspicion = rng.random(2000)
    other = Side(np.array([-1, 0, 0]), np.array([1, 1, 1]), np.array([True, False, False]), np.zeros(3, dtype=int), np.zeros(3, dtype=int))
    assert detection(CLASSES, np.append(suspicion, [9.0, 9.0, -9.0]), joined(this, other)) == detection(CLASSES, suspicion, this)


def test_detection_of_tokens_is_a_mean_over_given_outside_and_given_entity() -> None:
    rng = np.random.default_rng(5)
    right, given = rng.choice(3, 3000, p=[0.8, 0.1, 0.1]), rng.choice(3, 3000, p=[0.8, 0.1, 0.1])
    this = Side(right, given, rng.random(3000) < 0.9, np.arange(3000) % 4, right)
    suspicion = rng.random(3000) + 0.5 * this.wrong
    each = [roc_auc_score(this.wrong[at], suspicion[at]) for at in (this.live & (given == 0), this.live & (given != 0))]
    assert detection(TAGS, suspicion, this)["detection_auroc"] == pytest.approx(np.mean(each), rel=1e-5)


def test_detection_of_labels_is_a_mean_over_columns_and_given_values_with_ten_errors() -> None:
    problem = MultiLabel(["p", "q"])
    rng = np.random.default_rng(6)

    def stratum(column: int, given: int, wrong: int, n: int = 200) -> Side:
        right = np.where(np.arange(n) < wrong, 1 - given, given)
        return Side(right, np.full(n, given), np.ones(n, dtype=bool), np.full(n, column), right)

    strata = [stratum(0, 0, 40), stratum(0, 1, LEAST_ERRORS), stratum(1, 0, LEAST_ERRORS - 1), stratum(1, 1, 200)]  # the last two do not count
    this = joined(*strata)
    suspicion = rng.random(800) + 0.5 * this.wrong
    expected = [roc_auc_score(s.wrong, suspicion[200 * i : 200 * i + 200]) for i, s in enumerate(strata[:2])]
    assert detection(problem, suspicion, this)["detection_auroc"] == pytest.approx(np.mean(expected), rel=1e-5)


def test_detection_is_left_out_where_too_few_labels_are_wrong() -> None:
    this = side((LEAST_ERRORS - 1, 0, 1, 0), (500, 1, 1, 1))
    assert detection(CLASSES, np.arange(509.0), this) == {}


def test_detection_of_targets_calls_a_twentieth_of_the_iqr_wrong() -> None:
    rng = np.random.default_rng(7)
    right = np.linspace(0, 1, 1001)  # IQR .5: wrong = more than .025 off
    error = np.where(rng.random(1001) < 0.3, 0.026, 0.024)
    this = Side(right, right + error, np.ones(1001, dtype=bool), np.zeros(1001, dtype=int), right)
    found = detection(Regression("z"), rng.random(1001) + (error > 0.025), this)
    assert found["detection_auroc"] == pytest.approx(1.0)
    assert found["detection_precision"] == 1.0


def test_error_residual_area_by_hand() -> None:
    error = np.array([4.0, 0.0, 1.0, 3.0])
    by_order = {
        (0, 1, 2, 3): [0, 1 / 2, 4 / 3, 2],
        (3, 2, 1, 0): [4, 7 / 2, 8 / 3, 2],
        (1, 0, 3, 2): [1, 1 / 2, 5 / 3, 2],
    }  # rank in error -> mean of the first c
    rank = np.array([3, 0, 1, 2])
    for order, means in by_order.items():
        suspicion = np.array([order.index(r) for r in rank], dtype=float)
        assert error_residuals(suspicion, error)["err_area"] == pytest.approx(np.mean(means) / 2)
    assert error_residuals(np.arange(3.0), np.zeros(3)) == {}


def test_error_residual_ratio_at_matched_coverage_by_hand() -> None:
    error = np.arange(10.0)
    found = error_residuals(error, error)  # the perfect order
    assert [found[f"err_{c}"] for c in (50, 70, 90)] == pytest.approx([np.mean(error[:k]) / 4.5 for k in (5, 7, 9)])
    assert error_residuals(-error, error)["err_50"] == pytest.approx(7 / 4.5)
    assert error_residuals(np.array([0.0, 1.0]), np.array([0.0, 2.0]))["err_90"] == 1.0  # a coverage of .9 takes both


def test_intervals_of_a_normal_cover_what_they_say_and_too_wide_ones_more() -> None:
    rng = np.random.default_rng(0)
    deviation = rng.uniform(0.5, 2, 20_000)
    prediction = rng.normal(size=20_000) * 3
    target = prediction + deviation * rng.normal(size=20_000)
    right = interval_scores(prediction, deviation, target)
    assert (right["coverage_50"], right["coverage_90"]) == pytest.approx((0.5, 0.9), abs=0.01)
    assert right["interval_error"] < 0.01
    assert right["interval_width"] == pytest.approx(2 * 1.6449 * deviation.mean() / target.std(), rel=1e-3)
    wide = interval_scores(prediction, 2 * deviation, target)
    assert wide["coverage_50"] == pytest.approx(0.823, abs=0.01)  # P(|z| < 1.349)
    assert wide["interval_width"] == pytest.approx(2 * right["interval_width"])
    assert interval_scores(prediction, deviation, np.where(np.arange(20_000) < 9000, target, np.nan))["coverage_90"] == pytest.approx(0.9, abs=0.015)


def test_error_residual_area_of_a_random_order_is_one() -> None:
    rng = np.random.default_rng(8)
    error = rng.gamma(2, size=400)
    assert np.mean([error_residuals(rng.random(400), error)["err_area"] for _ in range(200)]) == pytest.approx(1.0, abs=0.03)


def test_training_sentences_with_wrong_labels_are_scored_apart() -> None:
    """Three sentences: one with right labels, one whose name is missing, one with a spurious name; the model repeats what it was given."""
    problem = Tagging(["O", "B-X", "I-X"], 3)
    right = np.array([1, 2, 0, 0, 1, 2, 1, 0, -1])
    given = np.array([1, 2, 0, 0, 0, 0, 1, 1, -1])
    live = right >= 0
    memorized = parts_of_training(problem, Side(right, given, live, np.arange(9) % 3, given))
    assert memorized == {"f1_right": 1.0, "f1_wrong": pytest.approx(2 * 1 / (2 + 2))}
    assert parts_of_training(problem, Side(right, given, live, np.arange(9) % 3, right)) == {"f1_right": 1.0, "f1_wrong": 1.0}
    assert parts_of_training(problem, Side(right, right, live, np.arange(9) % 3, right)) == {"f1_right": 1.0}


def test_wrong_sentences_are_found_by_their_most_suspicious_tokens() -> None:
    rng = np.random.default_rng(0)
    problem, right = Tagging(["O", "B-X", "I-X"], 5), np.zeros((60, 5), dtype=int)
    right[:, 1] = 1
    given = right.copy()
    given[::3, 1] = 0  # a missing name in every third sentence
    suspicion = rng.random(right.shape) + (given != right)
    flat = [a.reshape(-1) for a in (right, given, np.ones_like(right, dtype=bool), np.tile(np.arange(5), 60), given)]
    found = detection(problem, suspicion.reshape(-1), Side(*flat))
    assert found["detection_example_ap"] > 0.7  # the names themselves are ranked among each other, and some stand high
    assert detection(problem, rng.random(300), Side(*flat))["detection_example_ap"] < 0.5


def test_detection_of_cells_and_of_examples() -> None:
    right = (RNG.random((400, 3)) < 0.5).astype(np.int64)
    wrong = RNG.random((400, 3)) < 0.1
    given = np.where(wrong, 1 - right, right)
    column = np.tile(np.arange(3), 400)
    side = Side(right.reshape(-1), given.reshape(-1), np.ones(1200, dtype=bool), column, right.reshape(-1))
    suspicion = wrong * 1.0 + RNG.random((400, 3)) * 1.2
    found = detection(MultiLabel(list("abc")), suspicion.reshape(-1), side)
    rows = example_suspicion(suspicion.reshape(-1), side.live, column * 2 + given.reshape(-1), 3)
    target = wrong.any(1)
    pi, number = target.mean(), target.sum()
    assert found["detection_example_ap"] == pytest.approx((metrics.average_precision_score(target, rows) - pi) / (1 - pi), abs=1e-5)
    assert found["detection_example_auroc"] == pytest.approx(metrics.roc_auc_score(target, rows), abs=1e-5)
    top = target[np.argsort(-rows, kind="stable")[:number]].mean()
    assert found["detection_example_lift"] == pytest.approx(top / pi)
    assert found["detection_lift"] > 3
    assert found["detection_example_auroc"] > 0.8


def test_units_that_nobody_knows_make_no_example_suspicious() -> None:
    suspicion, use = np.array([0.9, 0.1, 0.5, 0.2]), np.array([False, True, True, True])
    found = example_suspicion(suspicion, use, np.zeros(4, dtype=int), 2)
    assert found[0] < found[1]


def test_vote_scores() -> None:
    probability = np.array([[0.7, 0.2, 0.1], [0.1, 0.1, 0.8], [0.3, 0.3, 0.4]])
    found = vote_scores(probability, probability.argmax(1), np.array([[3, 1, 0], [0, 0, 5], [0, 0, 0]]))
    assert found["agreement"] == pytest.approx((0.75 + 1) / 2)
    assert found["cross_entropy"] == pytest.approx((-0.75 * np.log(0.7) - 0.25 * np.log(0.2) - np.log(0.8)) / 2)


def test_what_is_kept_is_right_as_often_as_it_says() -> None:
    right = np.array([0, 1, 1, 0, 1])
    given = np.array([0, 1, 0, 1, 1])
    side = Side(right, given, np.ones(5, bool), np.zeros(5, int), given)
    found = kept_quality(np.array([0.1, 0.9, 0.2, 0.8, 0.3]), side)  # keeps 0, 2, 4: two right ones of three
    assert found == {"selection_precision": pytest.approx(2 / 3), "selection_recall": pytest.approx(2 / 3)}
    assert kept_quality(np.zeros(5), Side(right, right, np.ones(5, bool), np.zeros(5, int), right)) == {}
