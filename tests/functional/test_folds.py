"""Folds that no group is in twice."""

from __future__ import annotations

import math

import numpy as np
import pytest

from benchmark import functional


@pytest.mark.parametrize("sizes", [[1] * 23, [5, 1, 1, 9, 2, 2, 3], [20, 1, 1]])
def test_folds_are_parts_of_about_one_size_that_no_group_is_in_twice(sizes: list[int]) -> None:
    groups = np.random.default_rng(5).permutation(np.repeat(np.arange(len(sizes)), sizes))
    folds = functional.group_folds(groups, 4, np.random.default_rng(6))
    assert np.array_equal(np.sort(np.concatenate(folds)), np.arange(len(groups)))
    assert sum(len(np.unique(groups[fold])) for fold in folds) == len(sizes)
    assert all(0 < len(fold) < math.ceil(len(groups) / 4) + max(sizes) for fold in folds)
    if max(sizes) == 1:
        plain = np.array_split(np.random.default_rng(6).permutation(len(groups)), 4)
        assert all(np.array_equal(*pair) for pair in zip(folds, plain, strict=True))
