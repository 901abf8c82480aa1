"""Noise of small margins follows its polynomial."""

from __future__ import annotations

from dataclasses import replace
from pathlib import Path

import numpy as np
import pytest
from support.instances import N, made

from benchmark.core.types import Labels
from benchmark.noise.instance_margin import margin_rates, top_two


@pytest.mark.parametrize("kind", ["I", "II", "III"])
def test_margin_noise_follows_its_polynomial(kind: str, labels: Labels, probabilities: np.ndarray, tmp_path: Path) -> None:
    np.save(tmp_path / "p.npy", probabilities)
    first = probabilities.argmax(1)
    own = replace(labels, value=first)
    found = made("instance_margin", own, kind=kind, factor=1.0, probabilities=str(tmp_path / "p.npy"))
    ordered = np.sort(probabilities, axis=1)
    gap = ordered[:, -1] - ordered[:, -2]
    tau = {"I": 0.5 - gap**2 / 2, "II": 1 - gap**3, "III": 1 - (gap**3 + gap**2 + gap) / 3}[kind]
    wrong = found.observed != first
    for low, high in ((0, 0.2), (0.2, 0.6), (0.6, 1.01)):
        here = (gap >= low) & (gap < high)
        assert abs(wrong[here].sum() - tau[here].sum()) < 4 * np.sqrt((tau * (1 - tau))[here].sum())
    assert np.array_equal(found.observed[wrong], probabilities.argsort(1)[wrong, -2])


def test_margin_noise_has_the_rate_asked_for_and_keeps_right_labels_at_zero(labels: Labels, probabilities: np.ndarray, tmp_path: Path) -> None:
    np.save(tmp_path / "p.npy", probabilities)
    for kind in ("I", "II", "III"):
        for rate in (0.0, 0.1, 0.6):
            given = made("instance_margin", labels, kind=kind, rate=rate, probabilities=str(tmp_path / "p.npy")).observed
            assert abs((given != labels.value).mean() - rate) <= 4 * np.sqrt(rate * (1 - rate) / N)
    first, second, gap = top_two(probabilities)
    assert np.array_equal(np.stack([second, first], 1), probabilities.argsort(1)[:, -2:])
    assert (margin_rates(gap, "III") <= 1).all()
