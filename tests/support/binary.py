"""Logits and labels of examples with several labels, in doubles, and the comparison of a tensor with what numpy gives."""

from __future__ import annotations

import numpy as np
import torch
from torch import Tensor

RNG = np.random.default_rng(0)
Z = torch.from_numpy(RNG.normal(0, 2, (6, 4)))
Y = torch.from_numpy((RNG.random((6, 4)) < 0.4).astype(float))


def sigmoid(z: Tensor) -> np.ndarray:
    return np.asarray(1 / (1 + np.exp(-z.numpy())))


def same(found: Tensor, expected: np.ndarray | float, atol: float = 1e-7) -> None:
    np.testing.assert_allclose(found.detach().numpy(), expected, atol=atol)
