"""Yeast: functional classes of 2,417 genes from micro-array expressions and phylogenetic profiles, 14 labels."""

from __future__ import annotations

import io

import numpy as np
import pandas as pd

from benchmark.core.paths import Paths
from benchmark.core.types import Task
from benchmark.data.problems import MultiLabel
from benchmark.data.reading import fixed_test
from benchmark.data.wheels import Wheel, carried

WHEEL = Wheel(
    "river",
    "0.26.1",
    "6a11e1a9749beec3ea138efeb0205b2c5cea8d424e9deee306c8980faec01bef",
    tag="cp311-cp311-manylinux_2_28_x86_64",
    megabytes=2.7,
)
WHEELS = (WHEEL,)
TABLE = "river/datasets/yeast.csv.gz"
SHA256 = "2969cb4bab877a27adcbe17871fa0b378a1e54b98816cd6106b542ee450a1c09"
TEST, VAL_FRACTION = 617, 0.25


def load(paths: Paths) -> Task:
    """103 features, standardised; 14 labels."""
    table = pd.read_csv(io.BytesIO(carried(WHEEL, TABLE, SHA256, paths)), compression="gzip")
    names = [name for name in table.columns if name.startswith("Class")]
    x = table.drop(columns=names).to_numpy(np.float32)
    train, test, groups = fixed_test("yeast", x, table[names].to_numpy(np.int64), TEST, numeric=x.shape[1])
    return Task("yeast", MultiLabel(names), train, test, groups, val_fraction=VAL_FRACTION)
