"""Noise that depends on the instance: which ones flip, where to, and what the manifest says of it."""

from __future__ import annotations

from dataclasses import replace
from pathlib import Path
from typing import Any

import numpy as np
import pytest
import torch
from support.instances import K, made
from support.tiny import make_task

from benchmark.api import load_noise
from benchmark.config.build import load
from benchmark.core.errors import ConfigError, DataError
from benchmark.core.types import Examples, Labels
from benchmark.noise.cache import corrupt


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
