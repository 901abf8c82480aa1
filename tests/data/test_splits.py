"""Splits: groups stay together, and what belongs to an example goes with it."""

from __future__ import annotations

import numpy as np
import torch
from support.tiny import make_conditions, make_task

from benchmark.api import load_noise
from benchmark.data.splits import Part, assemble, foreign_inputs, halved
from benchmark.noise.base import Context
from benchmark.noise.streams import Streams


def test_bytes_become_numbers_in_batches() -> None:
    part = Part(torch.tensor([[[[0, 255]]]], dtype=torch.uint8), torch.zeros(1, 1), torch.ones(1, 1, dtype=torch.bool))
    x, _, _ = part.rows(torch.tensor([0]))
    assert x.tolist() == [[[[0.0, 1.0]]]]
    assert part.x.tolist() == [[[[0, 255]]]]


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


def test_an_unlabelled_token_does_not_cut_its_sentence() -> None:
    live = torch.tensor([[True, False, True, False], [True, False, False, False]])
    x = torch.arange(8).reshape(2, 4, 1)
    part = Part(x, torch.zeros(2, 4, dtype=torch.int64), live)
    assert part.lengths is not None
    assert part.lengths.tolist() == [3, 1]
    assert part.rows(torch.arange(2))[0].shape == (2, 3, 1)
