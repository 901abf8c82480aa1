"""Measured rates of chest X-ray labels."""

from __future__ import annotations

from typing import Any

import numpy as np
import pytest

from benchmark.api import load_noise
from benchmark.core.errors import ConfigError
from benchmark.core.types import Corruption, Labels
from benchmark.data.problems import MultiLabel
from benchmark.noise.base import Context
from benchmark.noise.report import Report
from benchmark.noise.report_rates import MEASURED
from benchmark.noise.streams import Streams


def labels_of(names: list[str], shares: list[float], size: int = 6000) -> Labels:
    rng = np.random.default_rng(0)
    return MultiLabel(names).labels((rng.random((size, len(names))) < shares).astype(np.int64))


def made(labels: Labels, **options: Any) -> Corruption:
    return load_noise("report", **options)(labels, Streams(labels, 0), Context())


def counted(labels: Labels, observed: np.ndarray) -> tuple[np.ndarray, np.ndarray]:
    right, given = labels.value.reshape(-1, labels.width), observed.reshape(-1, labels.width)
    return ((given == 1) & (right == 0)).sum(0) / (right == 0).sum(0), ((given == 0) & (right == 1)).sum(0) / (right == 1).sum(0)


def test_each_finding_has_the_rates_that_were_measured_for_it_and_others_stay_right() -> None:
    labels = labels_of(["Pneumothorax", "Nodule", "Infiltration", "Hernia", "happiness"], [0.5, 0.3, 0.2, 0.6, 0.5])
    found = made(labels)
    fpr, fnr = counted(labels, found.observed)
    np.testing.assert_allclose(fpr, [0.031, 0.053, 0.194, 0.001, 0], atol=4 * 0.4 / np.sqrt(2400))
    np.testing.assert_allclose(fnr, [0.542, 0.577, 0.491, 0, 0], atol=4 * 0.5 / np.sqrt(1100))
    assert fpr[4] == fnr[4] == 0
    assert found.statistics["without_measurement"] == ["happiness"]
    half = counted(labels, made(labels, scale=0.5).observed)[1]
    assert abs(half[0] - 0.271) < 4 * 0.5 / np.sqrt(2900)


def test_sources_are_asked_in_order() -> None:
    assert Report().rates("Pneumonia") == Report().rates("EDEMA") == MEASURED["film"]["airspace opacity"]
    assert Report(against=["text"]).rates("Pleural_Thickening") == MEASURED["text"]["pleural thickening"]
    assert Report(against=["rater", "film"]).rates("Pneumothorax") == MEASURED["rater"]["pneumothorax"]
    assert Report(against=["film"]).rates("Cardiomegaly") is None


def test_the_measured_prevalence_gives_the_measured_precision() -> None:
    """Pneumothorax: 5.4 % positives; of those that the reports give, .458 are right."""
    labels = labels_of(["pneumothorax"], [0.054], 60_000)
    given = made(labels).observed
    precision = (labels.value == 1)[given == 1].mean()
    assert abs(precision - 0.458) < 4 * 0.5 / np.sqrt((given == 1).sum()) + 0.01


@pytest.mark.parametrize(("options", "words"), [({"scale": 1.8}, r"noise\.scale=1\.8"), ({"against": ["films"]}, "did you mean 'film'")])
def test_strengths_and_sources_that_are_none_are_refused(options: dict[str, Any], words: str) -> None:
    with pytest.raises(ConfigError, match=words):
        made(labels_of(["mass"], [0.5], 20), **options)
