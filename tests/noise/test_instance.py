"""Noise that depends on the instance: which ones flip, where to, and what the manifest says of it."""

from __future__ import annotations

import logging
from dataclasses import replace
from pathlib import Path
from typing import Any

import numpy as np
import pytest
import torch
from scipy.stats import kstest
from support.tiny import make_task

from benchmark.api import load_noise
from benchmark.config.build import load
from benchmark.core.errors import ConfigError, DataError
from benchmark.core.types import Corruption, Examples, Labels
from benchmark.data.problems import Multiclass
from benchmark.noise.base import Context
from benchmark.noise.cache import corrupt
from benchmark.noise.instance_margin import margin_rates, top_two
from benchmark.noise.instance_projection import instance_rates
from benchmark.noise.streams import Streams

K, N = 10, 3000


@pytest.fixture(scope="module")
def labels() -> Labels:
    return Multiclass([str(i) for i in range(K)]).labels(np.arange(N) % K)


@pytest.fixture(scope="module")
def pixels(labels: Labels) -> np.ndarray:
    """Raw pixels 0..255 with what all images share, what a class shares, and noise."""
    rng = np.random.default_rng(0)
    shared, of_class = rng.normal(120, 20, 768), rng.normal(0, 15, (K, 768))
    made: np.ndarray = np.clip(shared + of_class[labels.value] + rng.normal(0, 40, (N, 768)), 0, 255).astype(np.uint8)
    return made


@pytest.fixture(scope="module")
def probabilities() -> np.ndarray:
    made: np.ndarray = np.random.default_rng(1).dirichlet(np.full(K, 0.3), N)
    return made


def made(name: str, labels: Labels, features: np.ndarray | None = None, seed: int = 0, **options: Any) -> Corruption:
    return load_noise(name, **options)(labels, Streams(labels, seed), Context(features=features))


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


def test_bounded_rates_stay_below_the_bound_and_have_their_mean(labels: Labels, pixels: np.ndarray) -> None:
    found = made("bounded", labels, pixels, rate=0.3, bound=0.45)
    wrong = found.observed != labels.value
    assert abs(wrong.mean() - 0.3) < 4 * np.sqrt(0.21 / N)
    assert 0.3 < found.statistics["highest_instance_rate"] <= 0.45
    step = np.bincount((found.observed - labels.value)[wrong] % K, minlength=K)[1:] / wrong.sum()
    np.testing.assert_allclose(step, 1 / 9, atol=4 * np.sqrt(0.1 / wrong.sum()))
    with pytest.raises(ConfigError, match=r"noise\.rate=0\.5 is outside \[0, 0\.45\]"):
        load_noise("bounded", rate=0.5, bound=0.45)


@pytest.mark.parametrize("damage", ["shape", "rows", "nan", "missing", "text"])
def test_probabilities_that_are_none_are_refused_in_one_line(damage: str, labels: Labels, probabilities: np.ndarray, tmp_path: Path) -> None:
    path = tmp_path / "p.npy"
    bad = {"shape": probabilities[:-1], "rows": probabilities * 2, "nan": np.where(np.arange(K) == 0, np.nan, probabilities)}
    if damage in bad:
        np.save(path, bad[damage])
    elif damage == "text":
        path.write_text("no array")
    with pytest.raises(DataError) as caught:
        made("instance_margin", labels, probabilities=str(path))
    assert "noise.probabilities=" in str(caught.value) or "noise.probabilities is no matrix" in str(caught.value)
    assert "\n" not in str(caught.value)


def test_probabilities_and_features_are_part_of_the_key(probabilities: np.ndarray, tmp_path: Path) -> None:
    task = make_task("multiclass")
    path = tmp_path / "p.npy"
    config = load("noise", "instance_margin", rate=0.5, probabilities=str(path))
    seen = set()
    for shift in (0, 1):
        np.save(path, np.roll(probabilities[:160, :4] / probabilities[:160, :4].sum(1, keepdims=True), shift, axis=1))
        seen.add(corrupt(task, config, 0, tmp_path)[1]["observed"])
    for shift in (0.0, 1.0):
        bent = torch.sin(task.train.x * (1 + shift))
        seen.add(corrupt(replace(task, train=Examples(bent, task.train.y)), load("noise", "bounded"), 0, tmp_path)[1]["observed"])
    assert len(seen) == 4


def test_tasks_without_features_are_refused_in_one_line(tmp_path: Path) -> None:
    words = replace(make_task("multiclass"), train=Examples(torch.ones(160, 6, 2, dtype=torch.int64), np.arange(160) % 4))
    with pytest.raises(ConfigError, match="depends on features, which tiny-multiclass does not have"):
        corrupt(words, load("noise", "bounded"), 0, tmp_path)
    short = replace(make_task("multiclass"), features=lambda: np.zeros((5, 2), np.float32))
    with pytest.raises(ConfigError, match="has 160 examples, but features of 5"):
        corrupt(short, load("noise", "bounded"), 0, tmp_path)


@pytest.mark.parametrize(
    ("name", "options", "hint"),
    [
        ("instance_projection", {"temperature": 0.0}, r"noise\.temperature=0\.0 must be positive"),
        ("instance_projection", {"input_transform": "scale"}, r"noise\.input_transform='scale' is unknown"),
        ("instance_margin", {"factor": -1.0}, r"noise\.factor=-1\.0 must be positive"),
        ("instance_confidence", {"epochs": 0}, r"noise\.epochs=0"),
        ("instance_semantic", {"fraction": 0.0}, r"noise\.fraction=0\.0"),
        ("adversarial", {"step": 0.0}, r"noise\.step=0\.0"),
        ("bounded", {"bound": 0.0, "rate": 0.0}, r"noise\.bound=0\.0 must be positive"),
    ],
)
def test_settings_that_are_none_are_refused(name: str, options: dict[str, Any], hint: str) -> None:
    with pytest.raises(ConfigError, match=hint):
        load_noise(name, **options)
