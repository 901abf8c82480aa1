"""What tests of instance-dependent noise share: ten classes, raw pixels and drawn probabilities."""

from __future__ import annotations

import numpy as np
import pytest
from support.instances import drawn_probabilities, raw_pixels, ten_classes

from benchmark.core.types import Labels


@pytest.fixture(scope="module")
def labels() -> Labels:
    return ten_classes()


@pytest.fixture(scope="module")
def pixels() -> np.ndarray:
    return raw_pixels()


@pytest.fixture(scope="module")
def probabilities() -> np.ndarray:
    return drawn_probabilities()
