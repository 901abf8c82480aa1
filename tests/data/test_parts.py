"""One split: what its rows are, which of its units have a label, and what moves with an example."""

from __future__ import annotations

import numpy as np
import torch

from benchmark.core.answers import Answers
from benchmark.data.parts import Part, has_label


def test_bytes_become_numbers_in_batches() -> None:
    part = Part(torch.tensor([[[[0, 255]]]], dtype=torch.uint8), torch.zeros(1, 1), torch.ones(1, 1, dtype=torch.bool))
    x, _, _ = part.rows(torch.tensor([0]))
    assert x.tolist() == [[[[0.0, 1.0]]]]
    assert part.x.tolist() == [[[[0, 255]]]]


def test_an_unlabelled_token_does_not_cut_its_sentence() -> None:
    live = torch.tensor([[True, False, True, False], [True, False, False, False]])
    x = torch.arange(8).reshape(2, 4, 1)
    part = Part(x, torch.zeros(2, 4, dtype=torch.int64), live)
    assert part.lengths is not None
    assert part.lengths.tolist() == [3, 1]
    assert part.rows(torch.arange(2))[0].shape == (2, 3, 1)


def test_what_is_known_of_an_example_is_taken_with_it() -> None:
    votes = np.array([[0, -1], [1, 1], [-1, 2], [2, 0]])
    labelled = torch.tensor([[True], [False], [True], [True]])
    part = Part(
        torch.arange(4.0)[:, None],
        torch.tensor([[0], [-1], [2], [1]]),
        torch.ones(4, 1, dtype=torch.bool),
        extras={"soft": torch.arange(12).reshape(4, 1, 3)},
        labelled=labelled,
        answers=Answers.from_votes(votes),
    )
    some = part.take(torch.tensor([3, 1]))
    assert some.value.flatten().tolist() == [1, -1]
    assert some.taught.flatten().tolist() == [True, False]
    assert some.observed().live.tolist() == [True, False]
    everything = some.observed(unlabelled=True)
    assert everything.live.tolist() == [True, True]
    assert everything.labelled is not None
    assert everything.labelled.tolist() == [True, False]
    assert some.extras["soft"][:, 0, 0].tolist() == [9, 3]
    assert some.answers is not None
    np.testing.assert_array_equal(some.answers.votes(2), votes[[3, 1]])
    assert some.x.flatten().tolist() == [3, 1]


def test_classes_from_zero_on_and_finite_numbers_are_labels() -> None:
    assert has_label(torch.tensor([0, -1, 3])).tolist() == [True, False, True]
    assert has_label(torch.tensor([0.0, torch.nan, -1.0])).tolist() == [True, False, True]
