"""Every model on inputs of a kind, small enough for a test."""

from __future__ import annotations

from typing import Any

import torch
from torch import Tensor, nn

from benchmark.config.build import build, load
from benchmark.models.base import InputShape, Network
from support.networks import SMALL

INPUTS = {"vector": InputShape((6,), torch.float32), "image": InputShape((2, 9, 10), torch.float32), "tokens": InputShape((9, 2), torch.int64, (12, 5))}
LARGER = {"cnn9": InputShape((2, 32, 33), torch.float32)}  # it reads no smaller ones
OUTPUTS, BATCH = 3, 4


def shape_of(name: str, kind: str) -> InputShape:
    return LARGER.get(name, INPUTS[kind])


def made(name: str, kind: str, **options: Any) -> Network:
    with torch.random.fork_rng(devices=[]):
        torch.manual_seed(0)
        network: Network = build(load("model", name, **(SMALL.get(name, {}) | options)), "model", inputs=shape_of(name, kind), outputs=OUTPUTS)
        for parameter in network.parameters():
            if float(parameter.detach().abs().max()) == 0:  # a chain starts at zero; a test of it does not
                nn.init.normal_(parameter)
    return network


def inputs(kind: str, size: int = BATCH, name: str = "") -> Tensor:
    """Random inputs; sentences of lengths 9, 6, 3, ... with id 0 behind their end."""
    rng = torch.Generator().manual_seed(1)
    shape = shape_of(name, kind)
    if kind != "tokens":
        return torch.randn(size, *shape.shape, generator=rng)
    x = torch.stack([torch.randint(1, n, (size, shape.shape[0]), generator=rng) for n in shape.vocabulary], dim=2)
    for row in range(size):
        x[row, max(1, shape.shape[0] - 3 * row) :] = 0
    return x
