"""Multi-label noise beyond independent flips of one rate."""

from __future__ import annotations

from typing import Any

import numpy as np
import pytest
from support.tiny import make_task

from benchmark.api import load_noise
from benchmark.core.errors import ConfigError
from benchmark.core.types import Corruption, Labels
from benchmark.data.problems import MultiLabel
from benchmark.data.splits import assemble
from benchmark.noise.base import Context
from benchmark.noise.streams import Streams

NAMES = ["Pneumothorax", "Nodule", "Infiltration", "Hernia"]


def labels_of(shares: list[float], names: list[str] = NAMES, size: int = 6000) -> Labels:
    rng = np.random.default_rng(0)
    return MultiLabel(names).labels((rng.random((size, len(names))) < shares).astype(np.int64))


@pytest.fixture(scope="module")
def labels() -> Labels:
    return labels_of([0.5, 0.3, 0.2, 0.6])


def made(name: str, labels: Labels, seed: int = 0, **options: Any) -> Corruption:
    return load_noise(name, **options)(labels, Streams(labels, seed), Context())


def rates(labels: Labels, observed: np.ndarray) -> tuple[np.ndarray, np.ndarray]:
    """(L,) FPR and FNR, counted."""
    right, given = labels.value.reshape(-1, labels.width), observed.reshape(-1, labels.width)
    return ((given == 1) & (right == 0)).sum(0) / (right == 0).sum(0), ((given == 0) & (right == 1)).sum(0) / (right == 1).sum(0)


def test_label_flip_takes_a_rate_for_each_label(labels: Labels) -> None:
    fpr, fnr = [0.0, 0.1, 0.3, 0.05], [0.5, 0.0, 0.2, 1.0]
    found = made("label_flip", labels, fpr=fpr, fnr=fnr)
    for counted, asked in zip(rates(labels, found.observed), (fpr, fnr), strict=True):
        np.testing.assert_allclose(counted, asked, atol=4 * 0.5 / np.sqrt(1100))
    assert found.true_transition is not None
    np.testing.assert_allclose(found.true_transition[:, 0, 1], fpr)
    np.testing.assert_allclose(found.true_transition[:, 1, 0], fnr)
    with pytest.raises(ConfigError, match=r"noise\.fnr has 2 entries, the task has 4 labels"):
        made("label_flip", labels, fnr=[0.1, 0.2])
    with pytest.raises(ConfigError, match=r"noise\.fpr=1\.5 is outside"):
        made("label_flip", labels, fpr=[0.1, 1.5, 0.0, 0.0])


def test_single_positive_keeps_one_of_them_with_equal_chance() -> None:
    labels = labels_of([1.0, 1.0, 1.0, 0.0])
    given = made("single_positive", labels).observed.reshape(-1, 4)
    assert (given.sum(1) == 1).all()
    np.testing.assert_allclose(given.mean(0), [1 / 3, 1 / 3, 1 / 3, 0], atol=4 * 0.5 / np.sqrt(6000))


@pytest.mark.parametrize(("rest", "value"), [("negative", 0), ("unknown", -1)])
def test_single_positive_makes_the_rest_negative_or_unknown(rest: str, value: int, labels: Labels) -> None:
    given = made("single_positive", labels, rest=rest).observed.reshape(-1, 4)
    right = labels.value.reshape(-1, 4)
    assert np.array_equal((given == 1).sum(1), np.minimum(right.sum(1), 1))
    assert (right[given == 1] == 1).all()
    assert set(given[given != 1]) == {value}


def test_partial_labels_are_right_or_unknown_and_leave_training(labels: Labels) -> None:
    given = made("partial", labels, rate=0.7).observed
    unknown = given == -1
    assert abs(unknown.mean() - 0.7) < 4 * np.sqrt(0.21 / len(given))
    assert np.array_equal(given[~unknown], labels.value[~unknown])
    task = make_task("multilabel")
    flat = task.problem.labels(task.train.y)
    found = load_noise("partial", rate=0.7)(flat, Streams(flat, 0), Context())
    data, _ = assemble(task, task.train, found, seed=0)
    assert bool(data.train.live.all())  # the unknown ones are units without a label
    assert abs(float(data.train.taught.float().mean()) - 0.3) < 0.1


def test_cooccurring_labels_are_mistaken_for_each_other() -> None:
    rng = np.random.default_rng(1)
    topic = rng.integers(0, 2, 4000)[:, None] == np.array([0, 0, 1, 1])
    labels = MultiLabel(NAMES).labels((topic & (rng.random((4000, 4)) < 0.6)).astype(np.int64))
    right, given = labels.value.reshape(-1, 4), made("cooccurrence", labels, rate=1.0).observed.reshape(-1, 4)
    alone = (right.sum(1) == 1) & (right[:, 0] == 1)
    np.testing.assert_array_equal(given[alone], [[0, 1, 0, 0]] * alone.sum())


def test_cooccurrence_moves_or_adds_and_is_nested() -> None:
    labels = labels_of([0.5, 0.3, 0.2, 0.1])
    right = labels.value.reshape(-1, 4)
    some = (right == 1).any(1) & (right == 0).any(1)
    for mode in ("move", "add"):
        low, high = (made("cooccurrence", labels, rate=rate, mode=mode).observed.reshape(-1, 4) for rate in (0.2, 0.7))
        assert np.array_equal(low[low != right], high[low != right])
        dropped = ((right == 1) & (low == 0))[some].sum() / (right == 1)[some].sum()
        assert abs(dropped - (0.2 if mode == "move" else 0)) < 4 * np.sqrt(0.16 / (right == 1)[some].sum())
        added, one = (right == 0) & (low == 1), right.sum(1) == 1
        assert abs(added[one].sum() / one.sum() - 0.2) < 4 * np.sqrt(0.16 / one.sum())


def test_trace_matrices_have_their_trace_and_are_valid(labels: Labels) -> None:
    found = made("trace", labels, trace=1.5, most=0)
    matrix = found.true_transition
    assert matrix is not None
    np.testing.assert_allclose(np.trace(matrix, axis1=1, axis2=2), 1.5)
    np.testing.assert_allclose(matrix.sum(2), 1)
    assert (matrix[:, 1, 1] > matrix[:, 0, 1]).all()
    assert found.transition is not None
    np.testing.assert_allclose(found.transition, matrix, atol=4 * 0.5 / np.sqrt(1100))
    assert len({tuple(m.reshape(-1).round(9)) for m in matrix}) == 4


def test_trace_flips_no_more_than_the_limit(labels: Labels) -> None:
    wrong = {most: (made("trace", labels, trace=1.2, most=most).observed != labels.value).reshape(-1, 4) for most in (0, 1, 3)}
    assert wrong[0].sum(1).max() == 4
    for most in (1, 3):
        assert np.array_equal(wrong[most].sum(1), np.minimum(wrong[0].sum(1), most))
        assert not (wrong[most] & ~wrong[0]).any()


@pytest.mark.parametrize(("name", "key", "value"), [("trace", "trace", 1.0), ("trace", "trace", 2.1), ("trace", "most", -1)])
def test_strengths_that_are_none_are_refused(name: str, key: str, value: float) -> None:
    with pytest.raises(ConfigError, match=rf"noise\.{key}="):
        load_noise(name, **{key: value})
