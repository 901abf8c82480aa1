"""Splits: groups stay together, and what belongs to an example goes with it."""

from __future__ import annotations

from dataclasses import replace

import numpy as np
import torch
from support.tiny import make_conditions, make_task

from benchmark.api import load_noise
from benchmark.data.splits import assemble, choose, foreign_inputs, halved
from benchmark.noise.base import Context
from benchmark.noise.streams import Streams


def test_equal_inputs_are_in_one_half() -> None:
    conditions = make_conditions("multiclass")
    whole = conditions.data.val
    whole.x[1::2] = whole.x[::2]
    data, rest, _ = halved(conditions.data, conditions.truth, "name")
    assert not {tuple(x) for x in data.val.x.tolist()} & {tuple(x) for x in rest.x.tolist()}


def test_copies_of_an_example_stay_on_one_side_of_the_split() -> None:
    task = make_task("multiclass")
    found = load_noise("dilution", copies=3)(task.problem.labels(task.train.y), Streams(task.problem.labels(task.train.y), 0), Context())
    data, truth = assemble(task, task.train, found, seed=0)
    assert len(data.train) + len(data.val) == 4 * len(task.train)
    sides = [{row.numpy().tobytes() for row in part.x} for part in (data.train, data.val)]
    assert not sides[0] & sides[1]
    assert truth.train is not None
    assert (truth.train != data.train.value.numpy().reshape(-1)).any()


def test_a_task_without_a_pool_lends_its_features_one_by_one() -> None:
    task = make_task("multiclass")
    pool = foreign_inputs(task, task.train)
    assert pool.shape == (160, 8)
    own = {row.numpy().tobytes() for row in task.train.x}
    assert not any(row.numpy().tobytes() in own for row in pool)
    for feature in range(8):
        assert np.isin(pool[:, feature].numpy(), task.train.x[:, feature].numpy()).all()
    assert torch.equal(pool, foreign_inputs(task, task.train))


def test_a_subset_is_balanced_on_observed_labels_and_nested() -> None:
    task = make_task("multiclass")
    labels = task.problem.labels(task.train.y)
    made = load_noise("pairflip", rate=0.3)(labels, Streams(labels, 0), Context())
    small, large = (choose(task, made, size, None, 0) for size in (40, 80))
    assert np.bincount(made.observed[small], minlength=4).tolist() == [10] * 4
    assert np.bincount(task.train.y[small], minlength=4).tolist() != [10] * 4  # never on the right ones
    assert set(small) < set(large)
    assert set(choose(task, made, 40, None, 1)) != set(small)
    assert choose(task, made, None, 50, 0).tolist() == list(range(50))


def test_unlabelled_examples_keep_their_share_of_a_subset() -> None:
    task = make_task("multiclass")
    labels = task.problem.labels(task.train.y)
    made = load_noise("clean")(labels, Streams(labels, 0), Context())
    hidden = np.arange(160) % 8 == 0  # an eighth
    made = replace(made, observed=np.where(hidden, -1, made.observed))
    for size in (40, 80, 120):
        chosen = choose(task, made, size, None, 0)
        assert abs((made.observed[chosen] < 0).sum() - size / 8) <= 1
    counts = np.bincount(made.observed[chosen][made.observed[chosen] >= 0], minlength=4)
    assert counts.max() - counts.min() <= 10
