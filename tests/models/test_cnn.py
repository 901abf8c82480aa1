"""Convolutions on images of any size."""

from __future__ import annotations

import pytest
import torch
from support.models import OUTPUTS

from benchmark.config.build import build, load
from benchmark.models.base import InputShape


@pytest.mark.parametrize("shape", [(1, 8, 8), (3, 7, 5), (1, 1, 1)])
def test_cnn_takes_images_of_odd_sizes(shape: tuple[int, int, int]) -> None:
    network = build(load("model", "cnn", channels=[2, 3], hidden=4), "model", inputs=InputShape(shape, torch.float32), outputs=OUTPUTS)
    assert network(torch.zeros(2, *shape)).shape == (2, OUTPUTS)
