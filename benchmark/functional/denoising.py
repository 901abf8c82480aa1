"""Targets and weights for units whose labels are doubted: agreement of networks and neighbours, sharpened predictions."""

from __future__ import annotations

from collections.abc import Sequence

import torch
from torch import Tensor
from torch.nn import functional as F  # noqa: N812


def agreement(outputs: Tensor) -> Tensor:
    """(U,) mean over networks of KL(p || p_k) with p their mean prediction.

    Args:
        outputs: (N, U, K) logits of N networks.

    >>> agreement(torch.zeros(2, 1, 3))
    tensor([0.])
    """
    logs = outputs.log_softmax(2)
    mean = logs.exp().mean(0)
    return (mean * (mean.clamp(min=1e-12).log() - logs)).sum(2).mean(0)


def squared_targets(probability: Tensor) -> Tensor:
    """(U, K) q_k = p_k^2 / f_k, renormalised, with f_k = sum of p_k over the units: sharper, and less so towards frequent classes.

    >>> squared_targets(torch.tensor([[0.5, 0.5], [0.9, 0.1]])).round(decimals=3)
    tensor([[0.3000, 0.7000],
            [0.9720, 0.0280]])
    """
    weight = probability**2 / probability.sum(0).clamp(min=1e-12)
    return weight / weight.sum(1, keepdim=True).clamp(min=1e-12)


def believed(probability: Tensor, label: Tensor, live: Tensor, tau: float, most: float = 0.9) -> Tensor:
    """(U,) bool: labels with p(label) > tau; all of a class if more than ``most`` of its live labels would go.

    >>> believed(torch.tensor([[0.9, 0.1], [0.2, 0.8], [0.9, 0.1]]), torch.tensor([0, 0, 1]), torch.ones(3, dtype=torch.bool), 0.7)
    tensor([ True, False,  True])
    """
    label = label.clamp(min=0)
    keep = probability.gather(1, label.unsqueeze(1)).squeeze(1) > tau
    total = torch.bincount(label[live], minlength=probability.shape[1])
    gone = torch.bincount(label[live & ~keep], minlength=probability.shape[1])
    return keep | (gone > most * total)[label]


def neighbor_share(features: Tensor, kind: Tensor, bank: Tensor, bank_kind: Tensor, neighbors: int, same: Tensor | None = None, chunk: int = 2048) -> Tensor:
    """(U,) share of the nearest bank members, by cosine of features, that have the unit's own kind.

    Args:
        features, kind: (U, D), (U,).
        bank, bank_kind: (B, D), (B,).
        same: (U, B) bool, members that are the unit itself.

    >>> neighbor_share(torch.eye(2), torch.tensor([0, 1]), torch.eye(2), torch.tensor([0, 0]), 1)
    tensor([1., 0.])
    """
    unit, reference, out = F.normalize(features, dim=1), F.normalize(bank, dim=1), []
    for start in range(0, len(unit), chunk):
        near = unit[start : start + chunk] @ reference.T
        if same is not None:
            near = near.masked_fill(same[start : start + chunk].to(near.device), -torch.inf)
        found = near.topk(min(neighbors, near.shape[1]), dim=1).indices
        out.append((bank_kind.to(found.device)[found] == kind.to(found.device)[start : start + chunk, None]).float().mean(1))
    return torch.cat(out)


def class_weights(share: Tensor, kind: Tensor, slope: float) -> Tensor:
    """(U,) sigmoid(slope (s - mean of the kind)) with s = share / largest of the kind, divided by the largest of the kind.

    >>> class_weights(torch.tensor([0.5, 1.0]), torch.tensor([0, 0]), 6.0).round(decimals=3)
    tensor([0.2230, 1.0000])
    """
    kind = kind.to(share.device)
    size = int(kind.max()) + 1
    count = torch.bincount(kind, minlength=size).clamp(min=1)

    def largest(value: Tensor) -> Tensor:
        return torch.zeros(size, device=value.device).scatter_reduce(0, kind, value, "amax").clamp(min=1e-12)[kind]

    scaled = share / largest(share)
    mean = torch.zeros(size, device=share.device).index_add(0, kind, scaled) / count
    weight = torch.sigmoid(slope * (scaled - mean[kind]))
    return weight / largest(weight)


def nearest_similarity(features: Tensor, bank: Sequence[Tensor]) -> Tensor:
    """(U, T) largest -|u - v|^2 over the members v of each of T banks; features and members have length 1; -4, the least possible, for an empty bank.

    >>> nearest_similarity(torch.eye(2), [torch.eye(2)[:1], torch.zeros(0, 2)])
    tensor([[ 0., -4.],
            [-2., -4.]])
    """
    found = [(2 * (features @ members.T).amax(1) - 2) if len(members) else features.new_full((len(features),), -4.0) for members in bank]
    return torch.stack(found, dim=1)


def chain_marginals(score: Tensor, transition: Tensor, live: Tensor) -> Tensor:
    """(B, L, T) P(type at each place) of a chain with emissions ``score`` (B, L, T) and log ``transition`` (T, T); live places come first.

    >>> chain_marginals(torch.zeros(1, 2, 2), torch.zeros(2, 2), torch.ones(1, 2, dtype=torch.bool))[0, 1]
    tensor([0.5000, 0.5000])
    """
    forward, backward = [score[:, 0]], [torch.zeros_like(score[:, 0])]
    for t in range(1, score.shape[1]):
        step = torch.logsumexp(forward[-1].unsqueeze(2) + transition, dim=1) + score[:, t]
        forward.append(torch.where(live[:, t, None], step, forward[-1]))
    for t in range(score.shape[1] - 2, -1, -1):
        step = torch.logsumexp(transition + (score[:, t + 1] + backward[0]).unsqueeze(1), dim=2)
        backward.insert(0, torch.where(live[:, t + 1, None], step, backward[0]))
    return (torch.stack(forward, dim=1) + torch.stack(backward, dim=1)).softmax(2)
