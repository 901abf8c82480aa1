"""scikit-learn's digits: 1,797 real 8 x 8 images of handwritten digits, 10 classes."""

from __future__ import annotations

import numpy as np
from sklearn.datasets import load_digits

from benchmark.core.paths import Paths
from benchmark.core.types import Task
from benchmark.data.problems import Multiclass
from benchmark.data.reading import fixed_test

TEST, VAL_FRACTION = 397, 0.4  # 560 of 1,400 validate: a memorization estimate needs 200 wrong ones at 40 % noise


def load(paths: Paths) -> Task:
    """Images (1, 8, 8) in [0, 1]."""
    bunch = load_digits()
    train, test, groups = fixed_test("digits", bunch.images[:, None] / 16, bunch.target.astype(np.int64), TEST)
    return Task("digits", Multiclass([str(i) for i in range(10)]), train, test, groups, val_fraction=VAL_FRACTION)
