"""Frozen features: computed once, kept by content, verified on load, and never those that noise reads."""

from __future__ import annotations

from collections.abc import Callable
from dataclasses import replace
from pathlib import Path
from typing import Any

import numpy as np
import pytest
import torch
from support.ownfiles import WRITERS

from benchmark.commands.features import compute
from benchmark.config.build import build, load, option
from benchmark.config.grid import expand
from benchmark.config.registry import names
from benchmark.core.errors import ConfigError
from benchmark.core.paths import Paths
from benchmark.core.types import Examples, Task
from benchmark.data.problems import Multiclass
from benchmark.models import features
from benchmark.models.encoder import Encoder
from benchmark.models.features import encoder
from benchmark.noise.cache import corrupt
from benchmark.running.conditions import load_task
from benchmark.running.runner import run_cell


class Means(Encoder):
    """Channel means and their squares; counts the images that it saw."""

    seen = 0

    def __init__(self, factor: float = 1.0) -> None:
        self.factor = factor

    def identity(self) -> str:
        return f"means{self.factor}"

    def load(self) -> Callable[[torch.Tensor], torch.Tensor]:
        def encode(images: torch.Tensor) -> torch.Tensor:
            Means.seen += len(images)
            mean = self.factor * images.mean((2, 3))
            return torch.cat([mean, mean**2], 1)

        return encode


ENCODERS = {"means": Means(1.0), "twice": Means(2.0)}


@pytest.fixture(autouse=True)
def stubs(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(features, "encoder", ENCODERS.__getitem__)
    Means.seen = 0


def images(size: int = 1100) -> torch.Tensor:
    return torch.from_numpy(np.random.default_rng(0).integers(0, 256, (size, 3, 4, 4)).astype(np.uint8))


def small(**changes: Any) -> Task:
    x, y = images(40), np.arange(40) % 4
    return replace(Task("small", Multiclass(list("abcd")), Examples(x[:30], y[:30]), Examples(x[30:], y[30:])), **changes)


def computed(task: Task, cache: Path, *by: str) -> None:
    for name in by:
        for side in (task.train, task.test):
            features.encoded(side.x, ENCODERS[name], cache)


def test_features_are_computed_once_in_shares_and_survive_a_kill(tmp_path: Path) -> None:
    x, calls = images(), list[int]()
    first = features.encoded(x, Means(), tmp_path, progress=calls.append)
    assert (Means.seen, calls) == (1100, [1000, 1100])
    mean = x.float().div(255).mean((2, 3)).numpy()
    np.testing.assert_allclose(first, np.concatenate([mean, mean**2], 1), atol=5e-4)  # half precision
    assert first.dtype == np.float32
    (tmp_path / "features" / sorted(p.name for p in (tmp_path / "features").glob("*.npz"))[0]).unlink()
    assert np.array_equal(features.encoded(x, Means(), tmp_path), first)
    assert Means.seen in (1200, 2100)  # only the share that is gone
    again = Means.seen
    features.encoded(x, Means(2.0), tmp_path)
    assert Means.seen == again + 1100


def test_a_flipped_byte_is_found_and_built_again(tmp_path: Path, caplog: pytest.LogCaptureFixture) -> None:
    x = images(20)
    first = features.encoded(x, Means(), tmp_path)
    (path,) = (tmp_path / "features").glob("*.npz")
    content = bytearray(path.read_bytes())
    content[-200] ^= 1
    path.write_bytes(bytes(content))
    assert np.array_equal(features.encoded(x, Means(), tmp_path), first)
    assert Means.seen == 40
    assert "altered" in caplog.text


def test_features_replace_images_and_are_standardized_by_the_pool(tmp_path: Path) -> None:
    task = small()
    computed(task, tmp_path, "means")
    found = features.with_features(task, "means", None, tmp_path)
    assert found.train.x.shape == (30, 6)
    torch.testing.assert_close(found.train.x.mean(0), torch.zeros(6), atol=1e-5, rtol=0)
    torch.testing.assert_close(found.train.x.std(0, correction=0), torch.ones(6), atol=1e-4, rtol=0)
    assert np.array_equal(found.test.y, task.test.y)
    raw = features.encoded(task.test.x, Means(), tmp_path)
    pool = features.encoded(task.train.x, Means(), tmp_path)
    np.testing.assert_allclose(found.test.x, ((raw - pool.mean(0)) / pool.std(0)).clip(-5, 5), atol=1e-4)
    assert features.with_features(task, None, None, tmp_path) is task


def test_a_validation_part_of_its_own_is_encoded_too(tmp_path: Path) -> None:
    task = small(val=Examples(images(8), np.arange(8) % 2))
    computed(task, tmp_path, "means")
    assert task.val is not None
    features.encoded(task.val.x, Means(), tmp_path)
    found = features.with_features(task, "means", None, tmp_path)
    assert found.val is not None
    assert found.val.x.shape == (8, 6)
    assert [len(found.train), len(found.test)] == [30, 10]


def test_noise_reads_pixels_or_another_encoder_but_never_the_methods(tmp_path: Path) -> None:
    task = small()
    computed(task, tmp_path, "means", "twice")
    pixels = features.with_features(task, "means", None, tmp_path)
    assert pixels.features is not None
    assert np.array_equal(pixels.features(), task.train.x.flatten(1).numpy())
    other = features.with_features(task, "means", "twice", tmp_path)
    assert other.features is not None
    np.testing.assert_allclose(other.features(), features.encoded(task.train.x, Means(2.0), tmp_path))
    labels = [corrupt(one, load("noise", "instance_projection"), 0, tmp_path)[0].observed for one in (task, pixels, other)]
    assert np.array_equal(labels[0], labels[1])  # images or features: the noise is the same
    assert not np.array_equal(labels[1], labels[2])
    with pytest.raises(ConfigError, match=r"is the encoder of task\.features"):
        features.with_features(task, "means", "means", tmp_path)


def test_noise_never_reads_the_backbone_that_a_model_begins_as(monkeypatch: pytest.MonkeyPatch) -> None:
    """The weights decide: whatever the name is, and whatever size images are scaled to."""
    torch.manual_seed(0)
    weights = {"one": torch.nn.Linear(2, 2), "other": torch.nn.Linear(2, 2)}
    weights["copy"] = weights["one"]
    monkeypatch.setattr("benchmark.models.encoders.transformer._model", weights.__getitem__)
    monkeypatch.setattr(features, "encoder", lambda name: build(load("encoder", "transformer", backbone=name), "encoder"))
    model = load("model", "pretrained", backbone="one", size=64)
    for same in ("one", "copy"):
        with pytest.raises(ConfigError, match=f"task.noise_features={same} is the encoder of model"):
            features.check_model(same, model)
    features.check_model("other", model)
    features.check_model(None, model)
    features.check_model("one", load("model", "cnn3"))


def test_what_cannot_be_is_one_line(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    with pytest.raises(ConfigError, match="of small by means were not computed yet: run 'make features ENCODER=means TASK='"):
        features.with_features(small(), "means", None, tmp_path)
    flat = small(train=Examples(torch.zeros(4, 3), np.arange(4) % 2))
    with pytest.raises(ConfigError, match="has no images to encode"):
        features.with_features(flat, "means", None, tmp_path)
    monkeypatch.undo()
    with pytest.raises(ConfigError, match="did you mean 'efficientnet_lite0'"):
        features.encoder("efficientnet_lite")
    with pytest.raises(ConfigError, match="features needs task= and encoder="):
        compute([])
    with pytest.raises(ConfigError, match="features does not know 'x=1'"):
        compute(["task=digits", "encoder=efficientnet_lite0", "x=1"])
    assert {"efficientnet_lite0", "transformer"} == set(names("encoder"))


def test_a_linear_cell_on_features_of_a_folder_of_images(
    paths: Paths, tmp_path: Path, monkeypatch: pytest.MonkeyPatch, capsys: pytest.CaptureFixture[str]
) -> None:
    """From make features to a row; a network for images is refused before data are loaded."""
    monkeypatch.setattr("benchmark.commands.features.encoder", ENCODERS.__getitem__)
    monkeypatch.setattr("benchmark.running.conditions.encoder", ENCODERS.__getitem__)
    (tmp_path / "own").mkdir()
    options = ",".join(f"{key}={value}" for key, value in WRITERS["image_folder"](tmp_path / "own").items())
    assert compute([f"task=image_folder({options})", "encoder=means", f"paths.cache={paths.cache}"]) == 0
    assert "6 features each" in capsys.readouterr().out
    product = {"task": f"image_folder({options},features=means)", "noise": "recorded", "method": "erm", "trainer": "smoke(reference_folds=0)"}
    grid = expand([product | {"model": ["linear", "cnn"]}], {}, {}, [])
    assert [cell.choice["model"] for cell in grid.cells] == ["linear"]
    assert grid.skipped == ["cnn reads image inputs, image_folder has vector inputs"]
    (row,) = run_cell(grid.cells[0], [(0, 0, 0)], paths)
    assert row.status == "ok", row.error
    assert row.provenance["features_digest"] == "means1.0"
    assert load_task(grid.cells[0].config["task"], paths).train.x.shape[1] == 6


def test_the_size_is_part_of_an_encoders_identity() -> None:
    plain, small = (build(option("encoder", "efficientnet_lite0") | {"size": size}, "encoder").identity() for size in (128, 64))
    assert encoder("efficientnet_lite0").identity() == plain != small
