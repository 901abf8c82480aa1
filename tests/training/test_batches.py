"""Which examples a batch holds, and in which order."""

from __future__ import annotations

import itertools

import pytest
import torch
from support.tiny import make_conditions

from benchmark.training.batches import batches, cycle, epoch_order


@pytest.mark.parametrize("problem", ["multiclass", "tagging"])
def test_an_epoch_holds_every_example_once_in_an_order_of_its_axes(problem: str) -> None:
    part = make_conditions(problem).data.train
    first, again, other = (epoch_order(part, 8, "train", 0, epoch) for epoch in (1, 1, 2))
    assert sorted(first.tolist()) == list(range(len(part)))
    assert torch.equal(first, again)
    assert not torch.equal(first, other)


def test_sentences_of_a_batch_are_of_like_length_and_batches_come_in_any_order() -> None:
    part = make_conditions("tagging").data.train
    assert part.lengths is not None
    size = 8
    order = epoch_order(part, size, "train", 0, 1)
    whole = len(part) // size * size
    lengths = part.lengths[order[:whole]].reshape(-1, size)
    assert bool((lengths.diff(dim=1) >= 0).all())
    bounds = sorted((row.min().item(), row.max().item()) for row in lengths)
    assert all(high <= low for (_, high), (low, _) in itertools.pairwise(bounds))  # one pool: no two batches overlap
    assert lengths[:, 0].tolist() != sorted(lengths[:, 0].tolist())


def test_a_last_batch_of_one_example_is_left_out() -> None:
    assert [len(batch) for batch in batches(torch.arange(9), 4)] == [4, 4]
    assert [len(batch) for batch in batches(torch.arange(10), 4)] == [4, 4, 2]


def test_a_cycle_uses_every_example_before_it_begins_again() -> None:
    drawn = cycle(torch.arange(10, 15), 2, 5, seed=3)
    assert [len(batch) for batch in drawn] == [2] * 5
    flat = torch.cat(drawn).tolist()
    assert sorted(flat[:5]) == sorted(flat[5:]) == list(range(10, 15))
    assert flat[:5] != flat[5:]
    assert [len(batch) for batch in cycle(torch.arange(3), 2, 0, seed=3)] == []
