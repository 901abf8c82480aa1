"""What batch-norm layers gather, and when they must not."""

from __future__ import annotations

from collections.abc import Iterator
from contextlib import contextmanager

from torch import nn


def _norms(network: nn.Module) -> list[nn.modules.batchnorm._BatchNorm]:
    return [layer for layer in network.modules() if isinstance(layer, nn.modules.batchnorm._BatchNorm)]


@contextmanager
def fixed_statistics(network: nn.Module) -> Iterator[None]:
    """Batch-norm layers use what they have gathered, and gather no more."""
    layers = [layer for layer in _norms(network) if layer.training]
    for layer in layers:
        layer.eval()
    try:
        yield
    finally:
        for layer in layers:
            layer.train()


@contextmanager
def kept_statistics(network: nn.Module) -> Iterator[None]:
    """Batch-norm layers use the statistics of the batch, and gather nothing."""
    layers = _norms(network)
    momentum = [layer.momentum for layer in layers]
    for layer in layers:
        layer.momentum = 0.0
    try:
        yield
    finally:
        for layer, value in zip(layers, momentum, strict=True):
            layer.momentum = value
