"""Nine convolutions, and images that are too small for them."""

from __future__ import annotations

import pytest
import torch

from benchmark.config.build import build, load
from benchmark.core.errors import ConfigError
from benchmark.models.base import InputShape


def test_small_images_are_one_line_for_cnn9() -> None:
    with pytest.raises(ConfigError, match="at least 28 pixels, these have 27 x 40"):
        build(load("model", "cnn9"), "model", inputs=InputShape((3, 27, 40), torch.uint8), outputs=10)
