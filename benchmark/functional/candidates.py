"""Partial labels: distributions over candidate sets, one of whose members is right."""

from __future__ import annotations

import torch
from torch import Tensor


def uniform_confidence(candidates: Tensor) -> Tensor:
    """1 / |S_i| on the candidates (U, K) of each unit, 0 elsewhere; a unit without candidates has zeros.

    >>> uniform_confidence(torch.tensor([[True, True, False, False]]))
    tensor([[0.5000, 0.5000, 0.0000, 0.0000]])
    """
    inside = candidates.float()
    return inside / inside.sum(1, keepdim=True).clamp(min=1)


def progressive_confidence(confidence: Tensor, p: Tensor) -> Tensor:
    """PRODEN's update: p restricted to the classes that still have confidence, normalised, (U, K).

    Where p is zero on all of them the confidence stays as it was.

    >>> progressive_confidence(torch.tensor([[0.5, 0.5, 0.0]]), torch.tensor([[0.2, 0.3, 0.5]]))
    tensor([[0.4000, 0.6000, 0.0000]])
    """
    inside = torch.where(confidence > 0, p, torch.zeros_like(p))
    mass = inside.sum(1, keepdim=True)
    return torch.where(mass > 0, inside / mass.clamp(min=1e-38), confidence)


def purify(mean: Tensor, candidates: Tensor, threshold: float) -> Tensor:
    """POP's ratio rule: candidate j leaves when mean_j / max over the set < threshold, (U, K) bool; the most likely one always stays.

    Args:
        mean: (U, K) confidence, averaged over epochs.
        candidates: (U, K) bool.

    >>> purify(torch.tensor([[0.7, 0.2, 0.1]]), torch.tensor([[True, True, False]]), 0.5)
    tensor([[ True, False, False]])
    """
    inside = torch.where(candidates, mean, torch.zeros_like(mean))
    return candidates & (inside >= threshold * inside.amax(1, keepdim=True))
