"""Candidate sets of a label: where belief begins, how it moves, what is purified."""

from __future__ import annotations

import torch

from benchmark import functional


def test_candidates_begin_even_and_follow_the_prediction() -> None:
    sets = torch.tensor([[True, False, True, True], [False, True, False, False]])
    q = functional.uniform_confidence(sets)
    torch.testing.assert_close(q, torch.tensor([[1 / 3, 0, 1 / 3, 1 / 3], [0, 1, 0, 0]]))
    p = torch.tensor([[0.1, 0.5, 0.1, 0.3], [0.25, 0.25, 0.25, 0.25]])
    torch.testing.assert_close(functional.progressive_confidence(q, p), torch.tensor([[0.2, 0, 0.2, 0.6], [0, 1, 0, 0]]))
    torch.testing.assert_close(functional.progressive_confidence(q, torch.zeros(2, 4)), q)


def test_purify_compares_with_the_largest_of_the_set() -> None:
    """The ratio rule: .1 leaves at threshold .2 beside .6 (ratio .167), and stays beside .4 (ratio .25); a large class outside the set does not count."""
    mean = torch.tensor([[0.6, 0.1, 0.3], [0.4, 0.1, 0.5]])
    sets = torch.tensor([[True, True, False], [True, True, False]])
    assert functional.purify(mean, sets, 0.2).tolist() == [[True, False, False], [True, True, False]]
    assert functional.purify(mean, sets, 0.0).equal(sets)
    assert functional.purify(mean, sets, 1.0).sum(1).tolist() == [1, 1]
