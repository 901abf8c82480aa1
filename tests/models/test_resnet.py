"""Residual blocks."""

from __future__ import annotations

import pytest
import torch
from torch import nn

from benchmark.models.resnet import Block, PreActivationBlock


@pytest.mark.parametrize("kind", [Block, PreActivationBlock])
def test_a_block_whose_last_layer_is_silent_passes_its_input_on(kind: type[nn.Module]) -> None:
    block, x = kind(3, 3, 1).eval(), torch.rand(2, 3, 5, 5)
    last = block.bn2 if kind is Block else block.conv2
    nn.init.zeros_(last.weight)
    torch.testing.assert_close(block(x), x)
