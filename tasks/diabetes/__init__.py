"""Diabetes: progression of the disease of 442 patients a year after ten measurements."""

from __future__ import annotations

import numpy as np
from sklearn.datasets import load_diabetes

from benchmark.core.paths import Paths
from benchmark.core.types import Task
from benchmark.data.problems import Regression
from benchmark.data.reading import fixed_test

TEST, VAL_FRACTION = 88, 0.2


def load(paths: Paths) -> Task:
    """Ten standardized measurements; the target is a score of 25 to 346."""
    bunch = load_diabetes(scaled=False)
    x, y = bunch.data.astype(np.float64), bunch.target.astype(np.float64)
    train, test, groups = fixed_test("diabetes", x, y, TEST, numeric=x.shape[1])
    return Task("diabetes", Regression("progression"), train, test, groups, val_fraction=VAL_FRACTION)
