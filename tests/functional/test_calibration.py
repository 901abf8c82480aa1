"""The calibration error by hand and by a loop over bins."""

from __future__ import annotations

import numpy as np
import pytest

from benchmark.functional.calibration import expected_calibration_error


def test_calibration_error_by_hand() -> None:
    """15 bins: .9 and .92 share one, 1.0 falls into the last, .5 stands alone."""
    confidence, right = np.array([0.9, 0.92, 1.0, 0.5]), np.array([True, False, True, False])
    assert expected_calibration_error(confidence, right) == pytest.approx((abs(1 - 1.82) + 0.0 + 0.5) / 4)
    assert expected_calibration_error(np.empty(0), np.empty(0, dtype=bool)) == 0.0


def test_calibration_error_equals_a_loop_over_bins_and_vanishes_when_calibrated() -> None:
    rng = np.random.default_rng(0)
    confidence = rng.random(20_000)
    right = rng.random(20_000) < confidence
    bins = np.minimum((confidence * 15).astype(int), 14)
    loop = sum(abs(right[bins == b].mean() - confidence[bins == b].mean()) * (bins == b).mean() for b in range(15))
    assert expected_calibration_error(confidence, right) == pytest.approx(loop)
    assert loop < 0.03
    assert expected_calibration_error(confidence, ~right) > 0.3
