"""The weak model behind model-based noise."""

from __future__ import annotations

import numpy as np

from benchmark.data.problems import Multiclass
from benchmark.noise.probe import epoch_probabilities, moments


def test_moments_are_those_of_a_sample_and_constant_features_have_deviation_one() -> None:
    x = np.random.default_rng(0).normal(3, 2, (500, 4))
    x[:, 2] = 7
    mean, spread = moments(x)
    np.testing.assert_allclose(mean, x.mean(0), rtol=1e-5)
    np.testing.assert_allclose(spread, [*x.std(0)[:2], 1, x.std(0)[3]], rtol=1e-4)
    few, _ = moments(x, most=100)
    np.testing.assert_allclose(few, x[::5].mean(0), rtol=1e-5)


def test_it_learns_from_the_examples_that_it_may_see() -> None:
    rng = np.random.default_rng(1)
    y = np.arange(600) % 3
    x = rng.normal(size=(600, 3)) + 3 * np.eye(3)[y]
    x = x.astype(np.float32)
    labels = Multiclass(list("abc")).labels(y)
    epochs = list(epoch_probabilities(x, labels, np.random.default_rng(2), 15))
    assert len(epochs) == 15
    np.testing.assert_allclose(epochs[-1].sum(1), 1, rtol=1e-5)
    right = [float((found.argmax(1) == y).mean()) for found in epochs]
    assert right[-1] > 0.9
    assert epochs[-1][np.arange(600), y].mean() > epochs[0][np.arange(600), y].mean()
    seen, wrong = np.arange(300), np.where(np.arange(600) < 300, y, (y + 1) % 3)
    *_, found = epoch_probabilities(x, Multiclass(list("abc")).labels(wrong), np.random.default_rng(2), 15, train=seen)
    assert float((found.argmax(1) == y)[300:].mean()) > 0.9  # whose labels it did not see
