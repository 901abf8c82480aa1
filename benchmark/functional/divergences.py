"""Divergences between predictions, per unit and in nats."""

from __future__ import annotations

import torch
from torch import Tensor


def kl_divergence(output: Tensor, other: Tensor) -> Tensor:
    """KL(p || q) = sum_k p_k log(p_k / q_k) of the softmax of two outputs (U, K), (U,).

    >>> kl_divergence(torch.zeros(1, 2), torch.tensor([[0.0, 2.0]]))
    tensor([0.4338])
    """
    logp, logq = output.log_softmax(1), other.log_softmax(1)
    return (logp.exp() * (logp - logq)).sum(1)


def symmetric_kl(output: Tensor, other: Tensor) -> Tensor:
    """KL(p || q) + KL(q || p), (U,); the gradient reaches both outputs.

    >>> symmetric_kl(torch.zeros(1, 2), torch.zeros(1, 2))
    tensor([0.])
    """
    return kl_divergence(output, other) + kl_divergence(other, output)


def jensen_shannon(p: Tensor, q: Tensor) -> Tensor:
    """(KL(p || m) + KL(q || m)) / 2 with m = (p + q) / 2 for distributions (U, K): in [0, log 2], (U,).

    >>> jensen_shannon(torch.tensor([[1.0, 0.0], [0.5, 0.5]]), torch.tensor([[0.0, 1.0], [0.5, 0.5]]))
    tensor([0.6931, 0.0000])
    """
    m = (p + q) / 2
    return (_p_log_p(p) + _p_log_p(q)).sum(1) / 2 - _p_log_p(m).sum(1)


def _p_log_p(p: Tensor) -> Tensor:
    """Return p log p, 0 at p = 0, where the gradient is finite: that of the logarithm has a floor of 1e-30."""
    return torch.xlogy(p, p.clamp(min=1e-30))
