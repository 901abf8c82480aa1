"""Noise by projection: which ones flip, and where pixels make it degenerate."""

from __future__ import annotations

import logging
from dataclasses import replace
from pathlib import Path

import numpy as np
import pytest
import torch
from scipy.stats import kstest
from support.instances import K, N, made
from support.tiny import make_task

from benchmark.config.build import load
from benchmark.core.types import Examples, Labels
from benchmark.data.problems import Multiclass
from benchmark.noise.cache import corrupt
from benchmark.noise.instance_projection import instance_rates
from benchmark.noise.streams import Streams


@pytest.mark.parametrize("projection", ["per_class", "shared"])
def test_projection_of_raw_pixels_degenerates_and_standardized_inputs_do_not(projection: str, labels: Labels, pixels: np.ndarray) -> None:
    raw = made("instance_projection", labels, pixels, projection=projection, input_transform="raw", temperature=1.0).statistics
    assert raw["instance_top"] > 0.999
    assert raw["instance_entropy"] < 0.01
    assert raw["largest_target_share"] > 0.5
    assert "is degenerate" in raw["warning"]
    fine = made("instance_projection", labels, pixels, projection=projection).statistics
    assert fine["instance_top"] < 0.6
    assert fine["instance_entropy"] > 0.7 * fine["instance_entropy_limit"]
    assert "warning" not in fine


def test_scaling_pixels_to_one_does_not_help(labels: Labels, pixels: np.ndarray) -> None:
    found = made("instance_projection", labels, pixels, input_transform="unit", temperature=1.0).statistics
    assert found["instance_top"] > 0.9


def test_the_manifest_warns_of_degenerate_noise(labels: Labels, pixels: np.ndarray, tmp_path: Path, caplog: pytest.LogCaptureFixture) -> None:
    task = replace(make_task("multiclass"), problem=Multiclass(list(labels.names)), train=Examples(torch.from_numpy(pixels), labels.value))
    with caplog.at_level(logging.WARNING):
        built, manifest = corrupt(task, load("noise", "instance_projection", input_transform="raw", temperature=1.0), 0, tmp_path)
    assert "degenerate" in manifest["statistics"]["warning"]
    assert "degenerate" in caplog.text
    found, again = corrupt(task, load("noise", "instance_projection", input_transform="raw", temperature=1.0), 0, tmp_path)
    assert found.statistics == again["statistics"] == built.statistics


def test_projection_equals_a_plain_loop(labels: Labels) -> None:
    """The equation, instance by instance, with the generator's own random numbers."""
    features = np.random.default_rng(3).normal(2, 3, (N, 6)).astype(np.float32)
    found = made("instance_projection", labels, features, rate=0.4, temperature=2.0)
    streams = Streams(labels, 0)
    rng = torch.Generator().manual_seed(int(streams.generator("projection").integers(1 << 62)))
    weight = np.stack([torch.randn(6, K, generator=rng).numpy() for _ in range(K)]).astype(float)
    half = features[::2]  # moments are those of at most 2,000 examples
    x = (features - half.mean(0)) / half.std(0)
    rate = instance_rates(streams["rate"], 0.4, 0.1)
    for i in range(0, N, 7):
        y = labels.value[i]
        score = np.exp(x[i] @ weight[y] / 2)
        score[y] = 0
        edges = np.cumsum(score / score.sum())
        expected = np.searchsorted(edges, streams["pick"][i], side="right") if streams["flip"][i] < rate[i] else y
        assert found.observed[i] == expected
    assert found.true_transition is not None
    assert found.transition is not None
    np.testing.assert_allclose(found.transition, found.true_transition, atol=4 * 0.5 / np.sqrt(N / K))


@pytest.mark.parametrize("rate", [0.05, 0.2, 0.5, 0.9])
def test_rates_of_instances_have_the_mean_that_was_asked_for(rate: float) -> None:
    uniform = np.random.default_rng(0).random(20_000)
    rates = instance_rates(uniform, rate, 0.1)
    assert abs(rates.mean() - rate) < 4 * 0.1 / np.sqrt(20_000)
    assert rates.min() >= 0
    assert rates.max() <= 1
    assert (instance_rates(uniform, rate * 0.9, 0.1) <= rates + 1e-12).all()
    if rate == 0.5:
        assert kstest((rates - 0.5) / 0.1, "norm").pvalue > 1e-3


def test_a_shared_projection_sends_all_classes_to_the_same_few(labels: Labels, pixels: np.ndarray) -> None:
    most = {}
    for projection in ("shared", "per_class"):
        found = made("instance_projection", labels, pixels, projection=projection, input_transform="raw", temperature=1.0, rate=0.4)
        wrong = found.observed[found.observed != labels.value]
        most[projection] = np.sort(np.bincount(wrong, minlength=K))[-2:].sum() / len(wrong)  # the attractor, and where its own flips go
    assert most["shared"] > 0.6 > most["per_class"]
