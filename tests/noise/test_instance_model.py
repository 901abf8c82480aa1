"""Noise of a model: what is doubtful, alike or misled flips first."""

from __future__ import annotations

from pathlib import Path

import numpy as np
from support.instances import K, N, made

from benchmark.core.types import Labels
from benchmark.data.problems import Multiclass


def test_confidence_flips_the_most_doubtful_to_their_best_wrong_class(labels: Labels, probabilities: np.ndarray, tmp_path: Path) -> None:
    np.save(tmp_path / "p.npy", probabilities)
    given = made("instance_confidence", labels, rate=0.25, probabilities=str(tmp_path / "p.npy")).observed
    wrong = probabilities * (np.arange(K) != labels.value[:, None])
    flipped = given != labels.value
    assert flipped.sum() == round(0.25 * N)
    assert np.array_equal(given[flipped], wrong.argmax(1)[flipped])
    assert wrong.max(1)[flipped].min() >= wrong.max(1)[~flipped].max()


def test_model_based_noise_prefers_what_looks_alike() -> None:
    """Four classes on a line: models confuse neighbours, and flips sit near the border."""
    rng = np.random.default_rng(0)
    y = np.arange(2000) % 4
    features = np.stack([y + rng.normal(0, 0.4, 2000), (y - 1.5) ** 2 + rng.normal(0, 0.4, 2000)], 1).astype(np.float32)
    labels = Multiclass(list("abcd")).labels(y)
    for name in ("instance_confidence", "instance_margin", "instance_semantic"):
        found = made(name, labels, features)
        wrong = found.observed != y
        assert 0.05 < wrong.mean() < 0.6
        assert (np.abs(found.observed - y) == 1)[wrong].mean() > 0.8, name
    bad = made("adversarial", labels, features)
    wrong = bad.observed != y
    assert abs(wrong.mean() - 0.3) < 1e-3
    assert (np.abs(bad.observed - y) > 1)[wrong].mean() > 0.8  # the least likely class, not the next best


def test_a_weaker_model_is_wrong_more_often(labels: Labels, pixels: np.ndarray) -> None:
    small, large = (made("instance_semantic", labels, pixels, fraction=fraction, epochs=5).observed != labels.value for fraction in (0.01, 0.5))
    assert small.mean() > large.mean() + 0.03
