"""Losses per unit: output (U, K) logits and target (U,) classes, or output (U, 1) and target (U,) numbers, -> (U,)."""

from __future__ import annotations

import math

import torch
from torch import Tensor
from torch.nn import functional as F  # noqa: N812

CLIP = math.log(1e-7)


def log_likelihood(output: Tensor, target: Tensor) -> Tensor:
    """log p_y of the softmax, (U,)."""
    return output.log_softmax(1).gather(1, target.unsqueeze(1)).squeeze(1)


def soft_cross_entropy(output: Tensor, target: Tensor) -> Tensor:
    """-sum_k t_k log p_k for soft targets t (U, K).

    >>> soft_cross_entropy(torch.zeros(1, 2), torch.tensor([[0.5, 0.5]]))
    tensor([0.6931])
    """
    return -(target * output.log_softmax(1)).sum(1)


def prediction_loss(prediction: Tensor, target: Tensor) -> Tensor:
    """-log p_y of class probabilities (U, K), squared error of predictions (U, 1): what a network's evaluation says of each label, (U,).

    Labels below 0 (no label) are read as class 0.

    >>> prediction_loss(torch.tensor([[0.5, 0.5]]), torch.tensor([1]))
    tensor([0.6931])
    """
    if prediction.shape[1] == 1:
        return (prediction[:, 0] - target) ** 2
    return -prediction.gather(1, target.clamp(min=0).unsqueeze(1)).squeeze(1).clamp(min=1e-12).log()


def soft_loss(output: Tensor, target: Tensor) -> Tensor:
    """Cross entropy of logits (U, K) with soft labels (U, K); squared error of predictions (U, 1) and numbers (U, 1), (U,).

    >>> soft_loss(torch.tensor([[3.0]]), torch.tensor([[1.0]]))
    tensor([4.])
    """
    return ((output - target) ** 2)[:, 0] if output.shape[1] == 1 else soft_cross_entropy(output, target)


def gce(output: Tensor, target: Tensor, q: float) -> Tensor:
    """Generalized cross entropy (1 - p_y^q) / q; its limit at q = 0 is cross entropy, q = 1 is 1 - p_y.

    >>> gce(torch.zeros(1, 2), torch.tensor([0]), 1.0)
    tensor([0.5000])
    """
    likelihood = log_likelihood(output, target)
    return -likelihood if q == 0 else -torch.expm1(q * likelihood) / q


def mean_absolute_error(output: Tensor, target: Tensor) -> Tensor:
    """|f - y| of numbers; the L1 distance of p and the one-hot label, 2 (1 - p_y), of classes.

    >>> mean_absolute_error(torch.zeros(1, 2), torch.tensor([0]))
    tensor([1.])
    """
    if output.shape[1] == 1:
        return (output[:, 0] - target).abs()
    return 2 * (1 - log_likelihood(output, target).exp())


def label_smoothing(output: Tensor, target: Tensor, eps: float) -> Tensor:
    """(1 - eps) CE(y) + eps mean_k CE(k). eps is spread over all K classes and may be negative.

    >>> label_smoothing(torch.tensor([[2.0, 0.0]]), torch.tensor([0]), 0.0)
    tensor([0.1269])
    """
    logp = output.log_softmax(1)
    return -(1 - eps) * logp.gather(1, target.unsqueeze(1)).squeeze(1) - eps * logp.mean(1)


def forward_correction(output: Tensor, target: Tensor, transition: Tensor) -> Tensor:
    """-log (p T)_y with T (K, K) or one per unit (U, K, K), T[i, j] = P(observed j | right i).

    Entries of T have a floor of 1e-12, so the loss is at most 27.6 and T = I is cross entropy above p_y = 1e-12.

    >>> forward_correction(torch.zeros(1, 2), torch.tensor([0]), torch.eye(2))
    tensor([0.6931])
    """
    logp = output.log_softmax(1)
    rows = torch.arange(len(target), device=target.device)
    column = transition[:, target].T if transition.dim() == 2 else transition[rows, :, target]
    # log of zero entries is -inf and drops out of the sum; the floor keeps its gradient finite.
    return -torch.logsumexp(logp + column.clamp(min=1e-12).log(), dim=1)


def backward_correction(output: Tensor, target: Tensor, inverse: Tensor) -> Tensor:
    """Row y of T^-1 times the cross entropies of all classes, p clipped at 1e-7; unbiased, and negative for some units.

    Args:
        inverse: T^-1 (K, K), or one per unit (U, K, K).

    >>> backward_correction(torch.zeros(1, 2), torch.tensor([0]), torch.eye(2))
    tensor([0.6931])
    """
    rows = torch.arange(len(target), device=target.device)
    row = inverse[target] if inverse.dim() == 2 else inverse[rows, target]
    return -(row * output.log_softmax(1).clamp(min=CLIP)).sum(1)


def elr_regularizer(probability: Tensor, memory: Tensor) -> Tensor:
    """log(1 - <t, p>): pulls the prediction towards the memory t of earlier predictions, both (U, K); 1 - <t, p> is at least 1e-12.

    >>> elr_regularizer(torch.tensor([[0.5, 0.5]]), torch.tensor([[1.0, 0.0]]))
    tensor([-0.6931])
    """
    return torch.log((1 - (memory * probability).sum(1)).clamp(min=1e-12))


def huber(output: Tensor, target: Tensor, delta: float) -> Tensor:
    """e^2 / 2 for |e| <= delta, else delta (|e| - delta / 2).

    >>> huber(torch.tensor([[3.0]]), torch.tensor([0.0]), 1.0)
    tensor([2.5000])
    """
    return F.huber_loss(output[:, 0], target, reduction="none", delta=delta)


def asymmetric_loss(logit: Tensor, target: Tensor, gamma_negative: float, gamma_positive: float, margin: float) -> Tensor:
    """Asymmetric loss of binary labels: -w [y log p + (1 - y) log q], q = min(1 - p + m, 1), per entry.

    w = (1 - y p - (1 - y) q)^(gamma+ y + gamma- (1 - y)) carries no gradient.

    Args:
        logit, target: any shape; target in {0, 1}.

    >>> asymmetric_loss(torch.zeros(1), torch.ones(1), 4.0, 0.0, 0.05)
    tensor([0.6931])
    """
    p = logit.sigmoid()
    q = (1 - p + margin).clamp(max=1)
    chance = torch.where(target == 1, p, q)
    with torch.no_grad():
        gamma = torch.where(target == 1, gamma_positive, gamma_negative)
        weight = (1 - chance).pow(gamma)
    return -weight * chance.clamp(min=1e-8).log()
