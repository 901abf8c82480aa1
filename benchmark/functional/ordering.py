"""Features that follow the order and the distances of their targets."""

from __future__ import annotations

from typing import Any

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
    """Mean squared difference between the ranks of feature similarities and of label similarities -|y_i - y_j|, row by row.

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
    return F.mse_loss(ranks, wanted)


def ordinal_entropy(feature: Tensor, target: Tensor) -> tuple[Tensor, Tensor]:
    """How far apart the features of different targets are, weighted by the targets' distance, and how tight those of equal targets.

    Features (B, D) are normalized; centers c are their means over each distinct target, M of them.

    Returns:
        mean over pairs of w_ij ||c_i - c_j||, w_ij = |y_i - y_j| scaled to [0, 1], and mean ||z - c_y||.

    >>> ordinal_entropy(torch.tensor([[1.0, 0.0], [0.0, 1.0]]), torch.tensor([0.0, 1.0]))
    (tensor(1.4142), tensor(0.))
    """
    z = F.normalize(feature, dim=1)
    values, group = target.unique(return_inverse=True)
    count = torch.bincount(group, minlength=len(values)).to(z.dtype)
    center = z.new_zeros(len(values), z.shape[1]).index_add(0, group, z) / count[:, None]
    tightness = _root((z - center[group]).square().sum(1)).mean()
    if len(values) < 2:
        return feature.sum() * 0, tightness
    apart = (values[:, None] - values).abs()
    others = ~torch.eye(len(values), dtype=torch.bool, device=z.device)
    least, most = apart[others].min(), apart.max()
    weight = ((apart - least) / (most - least) if most > least else torch.ones_like(apart)) * others
    squared = center.square().sum(1)
    distance = _root(squared[:, None] + squared - 2 * center @ center.T)
    return (weight * distance).sum() / others.sum(), tightness


def _root(squared: Tensor) -> Tensor:
    """Square root whose gradient at 0 is 0."""
    positive = squared > 1e-12
    return torch.where(positive, squared, 1.0).sqrt() * positive
