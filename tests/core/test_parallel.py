"""Gradients on two processes are those of the whole batch."""

from __future__ import annotations

import numpy as np
import torch
from support.twoprocesses import together
from torch import Tensor

from benchmark.core import parallel


def joint_loss(features: Tensor, head: torch.nn.Module) -> Tensor:
    """Something that no share of the batch can tell."""
    output = head(features)
    return output.logsumexp(0).square().sum() + features.std() + output.sort(0).values[: len(features) // 2].sum()


def gradients() -> dict[str, np.ndarray]:
    """Of a loss on the whole of an uneven batch, and of two that were added up."""
    torch.manual_seed(0)
    encoder, head, x = torch.nn.Linear(5, 4), torch.nn.Linear(4, 3), torch.randn(7, 5)
    named = {f"{part}.{name}": p for part, layer in (("encoder", encoder), ("head", head)) for name, p in layer.named_parameters()}
    backward = parallel.averaging(named.values()) if parallel.size() > 1 else torch.Tensor.backward
    found = {}
    for when in ("first", "both"):
        features = parallel.encoded(lambda x: encoder(x).tanh(), x)
        assert features.shape == (7, 4)
        backward(joint_loss(features, head))
        assert parallel.encoded(encoder, x[:1]).shape == (1, 4)
        found |= {f"{when} {name}": p.grad.numpy().copy() for name, p in named.items() if p.grad is not None}
    return found | {"features": features.detach().numpy()}


def test_gradients_are_those_of_the_whole_batch() -> None:
    alone, (first, second) = gradients(), together(gradients)
    assert len(alone) == 9
    for name, value in alone.items():
        np.testing.assert_allclose(first[name], value, rtol=1e-4, atol=1e-6, err_msg=name)
        np.testing.assert_array_equal(first[name], second[name], err_msg=name)
