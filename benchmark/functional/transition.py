"""Estimates of the transition matrix T[i, j] = P(observed j | right i) from noisy posteriors, or from neighbours.

Everything has a leading layer axis L: one matrix per label of a multi-label task, else L = 1.
"""

from __future__ import annotations

import math

import numpy as np
import torch
from torch import Tensor
from torch.nn import functional as F  # noqa: N812


def anchor_transition(posterior: Tensor, percentile: float | None = 97.0) -> Tensor:
    """(K, K): row i is the noisy posterior of the anchor point of class i, argmax_x p(i | x).

    With a percentile the anchor is the unit of largest p(i | x) below that percentile (interpolation "higher"), which
    leaves outliers aside; without one, or if all are equal, the largest. The posterior is not written to.

    Args:
        posterior: (N, K) P(observed label | x).

    >>> anchor_transition(torch.tensor([[0.7, 0.3], [0.4, 0.6]]), None)
    tensor([[0.7000, 0.3000],
            [0.4000, 0.6000]])
    """
    candidates = posterior
    if percentile is not None:
        limit = posterior.kthvalue(math.ceil(percentile / 100 * (len(posterior) - 1)) + 1, dim=0).values
        below = posterior < limit
        candidates = torch.where(below | ~below.any(0), posterior, -1.0)
    return posterior[candidates.argmax(0)]


def dual_transition(posterior: Tensor, label: Tensor, percentile: float | None = 97.0) -> Tensor:
    """(K, K): T = A C with the anchors' A[i, l] = P(predicted l | right i) and C[l, j] = share of the units predicted l that carry label j.

    A class that is never predicted has the identity's row in C.

    >>> dual_transition(torch.tensor([[0.8, 0.2], [0.8, 0.2], [0.3, 0.7]]), torch.tensor([0, 1, 1]), None)
    tensor([[0.4000, 0.6000],
            [0.1500, 0.8500]])
    """
    k = posterior.shape[1]
    counts = torch.bincount(posterior.argmax(1) * k + label, minlength=k * k).reshape(k, k).to(posterior.dtype)
    total = counts.sum(1, keepdim=True)
    carried = torch.where(total > 0, counts / total.clamp(min=1), torch.eye(k, dtype=counts.dtype, device=counts.device))
    return anchor_transition(posterior, percentile) @ carried


def nearest_two(features: Tensor, chunk: int = 1024) -> Tensor:
    """(N, 2) the two nearest other units by cosine similarity of features (N, D).

    >>> nearest_two(torch.tensor([[1.0, 0.0], [1.0, 0.1], [0.0, 1.0], [1.0, 0.3]]))[0]
    tensor([1, 3])
    """
    unit, found = F.normalize(features, dim=1), []
    for start in range(0, len(unit), chunk):
        near = unit[start : start + chunk] @ unit.T
        near[torch.arange(len(near)), torch.arange(start, start + len(near))] = -torch.inf
        found.append(near.topk(2, dim=1).indices)
    return torch.cat(found)


def consensus(labels: Tensor, num_classes: int) -> tuple[Tensor, Tensor, Tensor]:
    """Frequencies of the labels of a unit and its two neighbours: (L, K) of the first, (L, K, K) of two, (L, K, K, K) of all three.

    Args:
        labels: (L, N, 3).

    >>> [c.sum().item() for c in consensus(torch.tensor([[[0, 0, 1], [1, 1, 1]]]), 2)]
    [1.0, 1.0, 1.0]
    """
    k, (layers, n, _) = num_classes, labels.shape
    code = (labels[..., 0] * k + labels[..., 1]) * k + labels[..., 2]
    offset = torch.arange(layers, device=labels.device)[:, None] * k**3
    third = torch.bincount((code + offset).reshape(-1), minlength=layers * k**3).reshape(layers, k, k, k).double() / n
    return third.sum((2, 3)), third.sum(3), third


def neighbor_consensus(
    features: Tensor, label: Tensor, num_classes: int, rng: np.random.Generator, size: int = 15_000, rounds: int = 50
) -> tuple[Tensor, Tensor, Tensor]:
    """``consensus`` of every unit and its two nearest neighbours, without the layer axis; of more than ``size`` units the mean over ``rounds`` random subsets.

    Args:
        features: (N, D).
        label: (N,).
    """
    found = []
    for _ in range(rounds if len(label) > size else 1):
        at = torch.from_numpy(rng.choice(len(label), size, replace=False)) if len(label) > size else torch.arange(len(label))
        own = label[at]
        triple = torch.cat([own[:, None], own[nearest_two(features[at])]], dim=1)
        found.append(consensus(triple[None], num_classes))
    first, second, third = (torch.stack(parts).mean(0)[0] for parts in zip(*found, strict=True))
    return first, second, third


def consensus_transition(first: Tensor, second: Tensor, third: Tensor, steps: int = 1500, lr: float = 0.1) -> tuple[Tensor, Tensor]:
    """The T (L, K, K) and prior p (L, K) whose consensus is nearest to the observed one: the method of moments of HOC.

    Given the right class i, the three labels are independent draws from T[i]: E[j] = sum_i p_i T_ij, E[j, k] = sum_i p_i T_ij T_ik,
    and so on. Adam minimises the sum of the three Euclidean distances over row-wise softmaxes, from T near the identity; the best step counts.
    """
    layers, k = first.shape
    with torch.enable_grad():
        rows = (5 * torch.eye(k, dtype=torch.float64, device=first.device)).repeat(layers, 1, 1).requires_grad_()
        prior = torch.zeros(layers, k, dtype=torch.float64, device=first.device).requires_grad_()
        optimizer = torch.optim.Adam([rows, prior], lr=lr)
        best = torch.full((layers,), torch.inf, dtype=torch.float64, device=first.device)
        found = rows.detach().softmax(2), prior.detach().softmax(1)
        for _ in range(steps):
            t, p = rows.softmax(2), prior.softmax(1)
            weighted = p[:, :, None] * t
            pairs = torch.einsum("lij,lik->ljk", weighted, t)
            triples = torch.einsum("lij,lik,lim->ljkm", weighted, t, t)
            parts = [(weighted.sum(1), first), (pairs, second), (triples, third)]
            distance = torch.stack([(a - b).flatten(1).square().sum(1).clamp(min=1e-24).sqrt() for a, b in parts]).sum(0)
            better = distance.detach() < best
            best = torch.where(better, distance.detach(), best)
            found = torch.where(better[:, None, None], t.detach(), found[0]), torch.where(better[:, None], p.detach(), found[1])
            optimizer.zero_grad()
            distance.sum().backward()
            optimizer.step()
    return found


def importance_weight(probability: Tensor, target: Tensor, transition: Tensor) -> Tensor:
    """p_y / (p T)_y, (U,): how much more likely the label is to be right than to be observed. T (K, K) or one per unit (U, K, K).

    >>> importance_weight(torch.tensor([[0.5, 0.5]]), torch.tensor([0]), torch.tensor([[0.8, 0.2], [0.4, 0.6]]))
    tensor([0.8333])
    """
    rows = torch.arange(len(target), device=target.device)
    column = transition[:, target].T if transition.dim() == 2 else transition[rows, :, target]
    return probability.gather(1, target.unsqueeze(1)).squeeze(1) / (probability * column).sum(1).clamp(min=1e-12)


def row_normalized(matrix: Tensor) -> Tensor:
    """Rows (..., K, K) divided by their own sums, negative entries set to zero.

    >>> row_normalized(torch.tensor([[3.0, 1.0], [-1.0, 2.0]]))
    tensor([[0.7500, 0.2500],
            [0.0000, 1.0000]])
    """
    positive = matrix.clamp(min=0)
    return positive / positive.sum(-1, keepdim=True).clamp(min=1e-12)
