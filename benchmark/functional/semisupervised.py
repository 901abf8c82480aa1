"""What methods share that go on without some of their labels: refined, guessed and sharpened targets, mixing, contrast."""

from __future__ import annotations

import math
from collections.abc import Sequence

import torch
from torch import Tensor
from torch.nn import functional as F  # noqa: N812


def sharpen(p: Tensor, temperature: float) -> Tensor:
    """p^(1 / T) / sum p^(1 / T) of distributions (U, K); T -> 0 is the arg-max.

    >>> sharpen(torch.tensor([[0.8, 0.2]]), 0.5)
    tensor([[0.9412, 0.0588]])
    """
    power = p ** (1 / temperature)
    return power / power.sum(1, keepdim=True)


def refine(label: Tensor, p: Tensor, weight: Tensor) -> Tensor:
    """w label + (1 - w) p: labels (U, ...) that are believed with weight w (U,), predictions otherwise.

    >>> refine(torch.tensor([[1.0, 0.0]]), torch.tensor([[0.0, 1.0]]), torch.tensor([0.75]))
    tensor([[0.7500, 0.2500]])
    """
    w = weight.reshape(-1, *[1] * (label.dim() - 1))
    return w * label + (1 - w) * p


def co_guess(predictions: Sequence[Tensor]) -> Tensor:
    """Mean over networks and views of predictions (U, K).

    >>> co_guess([torch.tensor([[1.0, 0.0]]), torch.tensor([[0.5, 0.5]])])
    tensor([[0.7500, 0.2500]])
    """
    return torch.stack(tuple(predictions)).mean(0)


def mix_targets(target: Tensor, partner: Tensor, lam: float | Tensor) -> Tensor:
    """lam t_i + (1 - lam) t_partner(i) for targets (U, ...), ``partner`` (U,) positions among them, lam a number or (U,).

    >>> mix_targets(torch.tensor([0.0, 1.0]), torch.tensor([1, 0]), 0.75)
    tensor([0.2500, 0.7500])
    """
    weight = lam.reshape(-1, *[1] * (target.dim() - 1)) if isinstance(lam, Tensor) else lam
    return weight * target + (1 - weight) * target[partner]


def uniform_penalty(p: Tensor) -> Tensor:
    """KL(uniform || mean of p) of predictions (U, K), a scalar: against networks that give everybody the same class.

    >>> uniform_penalty(torch.tensor([[1.0, 0.0], [0.0, 1.0]])).abs()
    tensor(0.)
    """
    return -p.mean(0).clamp(min=1e-12).log().mean() - math.log(p.shape[1])


def negative_entropy(output: Tensor) -> Tensor:
    """sum_k p_k log p_k of outputs (U, K), (U,): as a penalty it keeps predictions from being sure.

    >>> negative_entropy(torch.zeros(1, 2))
    tensor([-0.6931])
    """
    logp = output.log_softmax(1)
    return (logp.exp() * logp).sum(1)


def contrast(first: Tensor, second: Tensor, temperature: float = 0.07) -> Tensor:
    """NT-Xent of two views' features (B, D), a scalar: each is to find its other view among the 2 B - 1 other features.

    -log exp(s(z, z') / t) / sum over others exp(s(z, .) / t), s the cosine (Chen et al., 2020, arXiv:2002.05709).

    >>> contrast(torch.eye(2), torch.eye(2), temperature=1.0)
    tensor(0.5514)
    """
    z = F.normalize(torch.cat([first, second]), dim=1)
    similarity = (z @ z.T / temperature).fill_diagonal_(float("-inf"))
    other = torch.arange(len(z), device=z.device).roll(len(first))
    return F.cross_entropy(similarity, other)
