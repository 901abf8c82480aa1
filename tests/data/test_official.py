"""Parts of sets whose authors say how they are split."""

from __future__ import annotations

import numpy as np

from benchmark.data.official import at_most


def test_at_most_takes_the_same_share_of_every_target_and_always_the_same_ones() -> None:
    label = np.random.default_rng(1).integers(0, 5, 400)
    keep = at_most("a", label, 30)
    assert np.bincount(label[keep]).tolist() == [30] * 5
    assert np.array_equal(keep, at_most("a", label, 30))
    assert not np.array_equal(keep, at_most("b", label, 30))
    assert at_most("a", label, 1000).all()
    assert np.bincount(label[at_most("a", label, 10)]).tolist() == [10] * 5
    assert not (at_most("a", label, 10) & ~keep).any()
