"""Robust losses of classes per unit: output (U, K) logits, target (U,) -> (U,)."""

from __future__ import annotations

import math

import torch
from torch import Tensor

from benchmark.functional.losses import log_likelihood


def reverse_cross_entropy(output: Tensor, target: Tensor, log_zero: float) -> Tensor:
    """-sum_k p_k log q_k with the one-hot label q and log 0 set to ``log_zero`` = A: -A (1 - p_y).

    >>> reverse_cross_entropy(torch.zeros(1, 2), torch.tensor([0]), -4.0)
    tensor([2.])
    """
    return -log_zero * (1 - log_likelihood(output, target).exp())


def normalized_cross_entropy(output: Tensor, target: Tensor) -> Tensor:
    """CE(y) / sum_k CE(k), in [0, 1].

    >>> normalized_cross_entropy(torch.zeros(1, 2), torch.tensor([0]))
    tensor([0.5000])
    """
    logp = output.log_softmax(1)
    return logp.gather(1, target.unsqueeze(1)).squeeze(1) / logp.sum(1)


def normalized_focal(output: Tensor, target: Tensor, gamma: float, detach: bool = False) -> Tensor:
    """FL(y) / sum_k FL(k), FL(k) = -(1 - p_k)^gamma log p_k; gamma = 0 is normalized cross entropy.

    Args:
        detach: no gradient through (1 - p_k)^gamma.

    >>> normalized_focal(torch.zeros(1, 2), torch.tensor([0]), 0.5)
    tensor([0.5000])
    """
    logp = output.log_softmax(1)
    rest = (1 - (logp.detach() if detach else logp).exp()).clamp(min=1e-12)  # the gradient of 0^gamma is infinite
    focal = -(rest**gamma) * logp
    return focal.gather(1, target.unsqueeze(1)).squeeze(1) / focal.sum(1)


def bootstrapped(output: Tensor, target: Tensor, beta: float, hard: bool) -> Tensor:
    """-sum_k [beta q_k + (1 - beta) z_k] log p_k with the one-hot label q; z is p itself, or the one-hot arg-max of p.

    The gradient goes through z = p: the soft version is beta CE + (1 - beta) entropy of p.

    >>> bootstrapped(torch.zeros(1, 2), torch.tensor([0]), 0.8, hard=False)
    tensor([0.6931])
    """
    logp = output.log_softmax(1)
    own = -logp.max(1).values if hard else -(logp.exp() * logp).sum(1)
    return -beta * logp.gather(1, target.unsqueeze(1)).squeeze(1) + (1 - beta) * own


def bounded_cross_entropy(output: Tensor) -> Tensor:
    """-log(p_k + 1e-8) of every class, (U, K): what losses subtract that would have no lower bound otherwise.

    >>> bounded_cross_entropy(torch.tensor([[100.0, -100.0]])).round(decimals=2)
    tensor([[-0.0000, 18.4200]])
    """
    return -torch.logaddexp(output.log_softmax(1), output.new_tensor(math.log(1e-8)))
