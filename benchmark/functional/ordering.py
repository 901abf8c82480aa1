"""Features that follow the order and the distances of their targets."""

from __future__ import annotations

from typing import Any, Literal

import torch
from torch import Tensor
from torch.nn import functional as F  # noqa: N812


def descending_ranks(value: Tensor) -> Tensor:
    """Rank of every entry in its row (B, M), the largest first, divided by M: 1 / M to 1.

    >>> descending_ranks(torch.tensor([[0.1, 0.9, 0.5]]))
    tensor([[1.0000, 0.3333, 0.6667]])
    """
    place = torch.arange(1, value.shape[1] + 1, dtype=value.dtype, device=value.device) / value.shape[1]
    order = value.argsort(dim=1, descending=True, stable=True)
    return torch.empty_like(value).scatter_(1, order, place.expand_as(value))


class BlackboxRanks(torch.autograd.Function):
    """``descending_ranks`` with the gradient of Vlastelica et al., 2020 (arXiv:1912.02175): -(rank(v) - rank(v + lam dL/drank)) / lam."""

    @staticmethod
    def forward(ctx: Any, value: Tensor, lam: float) -> Tensor:
        """value (B, M)."""
        ranks = descending_ranks(value)
        ctx.lam = lam
        ctx.save_for_backward(value, ranks)
        return ranks

    @staticmethod
    def backward(ctx: Any, grad: Tensor) -> tuple[Tensor, None]:
        """Ranks of the value that was moved along the gradient."""
        value, ranks = ctx.saved_tensors
        return -(ranks - descending_ranks(value + ctx.lam * grad)) / ctx.lam, None


def rank_similarity(feature: Tensor, target: Tensor, lam: float, one_each: Tensor) -> Tensor:
    """Sum the mean squared differences between the ranks of feature similarities and of label similarities -|y_i - y_j|, row by row.

    Every one of the M examples has a row, so the value grows with M (Gong et al., 2022, released code).

    Args:
        feature: (B, D); similar = large cosine.
        target: (B,).
        lam: interpolation of the ranks' gradient.
        one_each: positions (M,) of one example of each distinct target, so that ties do not make ranks.
    """
    z, y = F.normalize(feature[one_each], dim=1), target[one_each]
    if len(y) < 2:
        return feature.sum() * 0
    wanted = descending_ranks(-(y[:, None] - y).abs())
    ranks: Tensor = BlackboxRanks.apply(z @ z.T, lam)
    return F.mse_loss(ranks, wanted, reduction="none").mean(1).sum()


def ordinal_entropy(feature: Tensor, target: Tensor, centers: Literal["released", "paper"] = "released") -> tuple[Tensor, Tensor]:
    """Measure how far apart the features of different targets are, weighted by the targets' distance, and how tight those of equal targets.

    Features (B, D) are normalized. The weight of a pair is w_ij = (d_ij - min d) / max d with
    d_ij = |y_i - y_j| over the pairs of M distinct targets, so that the nearest pair weighs nothing
    and the farthest one less than 1. Zhang et al., 2023, arXiv:2301.08915, with the arithmetic of
    the code that they released.

    Args:
        feature: (B, D).
        target: (B,).
        centers: ``released`` = the normalized mean of the features of each distinct target;
            ``paper`` = the mean of their normalized features, which is shorter than 1.

    Returns:
        The mean over pairs of w_ij ||c_i - c_j||, and the mean ||z - c_y|| over the examples that are
        not their own center; each is 0 where there is nothing to average.

    >>> ordinal_entropy(torch.eye(3), torch.tensor([0.0, 1.0, 3.0]))
    (tensor(0.4714), tensor(0.))
    """
    z = F.normalize(feature, dim=1)
    values, group = target.unique(return_inverse=True)
    count = torch.bincount(group, minlength=len(values)).to(z.dtype)
    averaged = feature if centers == "released" else z
    total = z.new_zeros(len(values), z.shape[1]).index_add(0, group, averaged)
    center = total / count[:, None]
    if centers == "released":
        center = F.normalize(center, dim=1)
    deviation = _root((z - center[group]).square().sum(1))
    tightness = deviation.sum() / (deviation > 0).sum().clamp(min=1)
    if len(values) < 2:
        return feature.sum() * 0, tightness
    apart = (values[:, None] - values).abs()
    others = ~torch.eye(len(values), dtype=torch.bool, device=z.device)
    weight = (apart - apart[others].min()) / apart.max() * others
    squared = center.square().sum(1)
    distance = _root(squared[:, None] + squared - 2 * center @ center.T)
    return (weight * distance).sum() / others.sum(), tightness


def _root(squared: Tensor) -> Tensor:
    """Square root whose gradient at 0 is 0."""
    positive = squared > 1e-12
    return torch.where(positive, squared, 1.0).sqrt() * positive
