"""Logits, labels and matrices for formulas of losses, and the comparison of a function of tensors with its formula in numpy."""

from __future__ import annotations

from collections.abc import Callable
from typing import Any

import numpy as np
import torch
from torch import Tensor

UNITS, CLASSES = 7, 5
RNG = np.random.default_rng(3)
LOGITS = 3 * RNG.normal(size=(UNITS, CLASSES))
TARGET = np.array([0, 1, 2, 3, 4, 0, 2])
SOFT = RNG.dirichlet(np.ones(CLASSES), UNITS)
TRANSITION = RNG.dirichlet(np.ones(CLASSES), CLASSES)
INVERSE = np.linalg.inv(TRANSITION)
SCALED = np.arange(1.0, 6.0)[:, None] * TRANSITION
PER_UNIT = RNG.dirichlet(np.ones(CLASSES), (UNITS, CLASSES))
PREDICTION, NUMBER = 2 * RNG.normal(size=(UNITS, 1)), RNG.normal(size=UNITS)
BINARY_LOGIT, BINARY = 2 * RNG.normal(size=(UNITS, 3)), RNG.integers(0, 2, (UNITS, 3))
AT = np.arange(UNITS)


def tensor(array: np.ndarray) -> Tensor:
    return torch.from_numpy(np.array(array))


def softmax(z: np.ndarray) -> np.ndarray:
    e = np.exp(z - z.max(-1, keepdims=True))
    found: np.ndarray = e / e.sum(-1, keepdims=True)
    return found


def sigmoid(z: np.ndarray) -> np.ndarray:
    return 1 / (1 + np.exp(-z))


PROBABILITY = softmax(LOGITS)
CE = -np.log(PROBABILITY[AT, TARGET])
Case = tuple[Callable[..., Tensor], tuple[Any, ...], np.ndarray]


def check_formula(case: Case) -> None:
    """Whether a function of tensors gives the numbers that numpy gives."""
    function, inputs, expected = case
    found = function(*map(tensor, inputs))
    assert found.dtype == torch.float64
    np.testing.assert_allclose(found.numpy(), expected, rtol=1e-8)


def check_gradient(case: Case) -> None:
    """Whether its gradient is that of finite differences."""
    function, inputs, _ = case
    given = [tensor(x).requires_grad_(np.asarray(x).dtype == np.float64) for x in inputs]
    assert torch.autograd.gradcheck(function, given, fast_mode=True)
