"""Labels of many voters: majority, and Dawid and Skene against crowd-kit."""

from __future__ import annotations

import numpy as np

from benchmark import functional


def test_majority_and_dawid_skene() -> None:
    """Against votes of known sources: one that is always right, one that swaps two classes, one that guesses."""
    rng = np.random.default_rng(0)
    right = rng.integers(0, 3, 600)
    votes = np.stack([np.where(rng.random(600) < 0.9, right, (right + 1) % 3) for _ in range(3)] + [(right + 1) % 3, rng.integers(0, 3, 600)], axis=1)
    votes[rng.random(votes.shape) < 0.2] = -1
    majority = functional.majority_vote(votes, 3)
    counted = [[(row == k).sum() for k in range(3)] for row in votes]
    assert majority.tolist() == [int(np.argmax(row)) for row in counted]
    found = functional.dawid_skene(votes, 3)
    np.testing.assert_allclose(found.sum(1), 1)
    assert (found.argmax(1) == right).mean() > max(0.97, (majority == right).mean())  # the source that always errs tells the class
