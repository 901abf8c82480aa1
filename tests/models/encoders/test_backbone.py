"""Images as pretrained networks saw them."""

from __future__ import annotations

import torch

from benchmark.models.encoders.backbone import Scaled


def test_images_are_scaled_as_pretrained_networks_saw_them() -> None:
    scale = Scaled(8, [0.2, 0.4, 0.6], [0.5, 0.25, 0.5])
    out = scale(torch.full((2, 1, 4, 4), 0.4))
    assert out.shape == (2, 3, 8, 8)
    torch.testing.assert_close(out[0, :, 3, 3], torch.tensor([0.4, 0.0, -0.4]))
