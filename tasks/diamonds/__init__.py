"""Diamonds: the price of 53,940 cut diamonds from four measures and three grades; duplicates stay on one side of every split."""

from __future__ import annotations

import io

import numpy as np
import pandas as pd

from benchmark.core.paths import Paths
from benchmark.core.types import Task
from benchmark.data.problems import Regression
from benchmark.data.reading import fixed_test
from benchmark.data.wheels import Wheel, carried

WHEEL = Wheel("plotnine", "0.15.9", "36f4526235b3ddd9ea379dd677093ea2ee1b58ab98adec1bde891930283448cd", megabytes=1.6)
WHEELS = (WHEEL,)
TABLE = "plotnine/data/diamonds.csv"
SHA256 = "9574730b03aba241d899c4a97511c5061b19358fab89510774fb6c24168345c4"
TEST, VAL_FRACTION = 5940, 0.2
GRADES = {
    "cut": ["Fair", "Good", "Very Good", "Premium", "Ideal"],
    "color": list("JIHGFED"),
    "clarity": ["I1", "SI2", "SI1", "VS2", "VS1", "VVS2", "VVS1", "IF"],
}


def load(paths: Paths) -> Task:
    """Six standardised numbers and one-hot grades; the target is the log price, errors are in dollars."""
    table = pd.read_csv(io.BytesIO(carried(WHEEL, TABLE, SHA256, paths)))
    numbers = table[["carat", "depth", "table", "x", "y", "z"]].to_numpy(np.float64)
    grades = [pd.Categorical(table[name], categories=levels).codes[:, None] == np.arange(len(levels)) for name, levels in GRADES.items()]
    y = np.log(table["price"].to_numpy(np.float64))
    train, test, groups = fixed_test("diamonds", np.concatenate([numbers, *grades], axis=1), y, TEST, numeric=numbers.shape[1])
    return Task("diamonds", Regression("log price", to_score=np.exp), train, test, groups, val_fraction=VAL_FRACTION)
