"""Losses of multi-label classification on the (examples, labels) layout: logits, labels and what comes of them are (B, C)."""

from __future__ import annotations

import torch
from torch import Tensor
from torch.nn import functional as F  # noqa: N812

EPSILON = 1e-5  # of the code base of Cole et al. (2021), which its successors share

LEAST = 1e-12  # the gradient of 0^gamma is infinite below gamma = 1


def negative_log(p: Tensor) -> Tensor:
    """-log(p + 1e-5).

    >>> negative_log(torch.tensor([1.0, 0.5])).abs().round(decimals=3)
    tensor([0.0000, 0.6930])
    """
    return -(p + EPSILON).log()


def soft_binary(p: Tensor, target: Tensor) -> Tensor:
    """t nl(p) + (1 - t) nl(1 - p) for targets t in [0, 1], nl = ``negative_log``.

    >>> soft_binary(torch.tensor([0.5]), torch.tensor([0.25])).round(decimals=3)
    tensor([0.6930])
    """
    return target * negative_log(p) + (1 - target) * negative_log(1 - p)


def binary_entropy(p: Tensor) -> Tensor:
    """-p log p - (1 - p) log(1 - p), with 1e-5 inside the logarithms.

    >>> binary_entropy(torch.tensor([0.5])).round(decimals=3)
    tensor([0.6930])
    """
    return p * negative_log(p) + (1 - p) * negative_log(1 - p)


def expected_positives(p: Tensor, positives: float) -> Tensor:
    """((mean_i sum_k p_ik) - positives)^2 / C^2: how far the number of predicted labels is from the expected one.

    >>> expected_positives(torch.full((3, 2), 0.5), 2.0)
    tensor(0.2500)
    """
    return (p.sum(1).mean() - positives) ** 2 / p.shape[1] ** 2


def focal_loss(output: Tensor, target: Tensor, gamma: float) -> Tensor:
    """(1 - p_y)^gamma CE of units (U, K) and classes (U,); the weight has a gradient.

    >>> focal_loss(torch.zeros(1, 2), torch.tensor([1]), 2.0)
    tensor([0.1733])
    """
    logp = output.log_softmax(1).gather(1, target.unsqueeze(1)).squeeze(1)
    return -((1 - logp.exp()).clamp(min=LEAST) ** gamma) * logp


def hill_loss(logit: Tensor, label: Tensor, lam: float, margin: float, gamma: float) -> Tensor:
    """(lam - p) p^2 of negatives; -(1 - p_m)^gamma log p_m of positives, p_m = sigmoid(z - margin).

    >>> hill_loss(torch.zeros(2), torch.tensor([0.0, 1.0]), 1.5, 0.0, 2.0)
    tensor([0.2500, 0.1733])
    """
    p, shifted = logit.sigmoid(), logit - margin
    positive = -((1 - shifted.sigmoid()).clamp(min=LEAST) ** gamma) * F.logsigmoid(shifted)
    return torch.where(label == 1, positive, (lam - p) * p**2)


def splc_loss(logit: Tensor, label: Tensor, threshold: float, margin: float, gamma: float) -> Tensor:
    """Focal binary loss with positives at z - margin, in which negatives with p > ``threshold`` count as positives without a margin.

    >>> splc_loss(torch.tensor([2.0, 2.0]), torch.tensor([0.0, 0.0]), 0.6, 1.0, 0.0)
    tensor([0.1269, 0.1269])
    """
    shifted = torch.where(label == 1, logit - margin, logit)
    target = torch.where(shifted.sigmoid() > threshold, torch.ones_like(label), label)
    return focal_binary(shifted, target, gamma)


def focal_binary(logit: Tensor, target: Tensor, gamma: float) -> Tensor:
    """(1 - p_t)^gamma BCE, p_t the probability of the given value.

    >>> focal_binary(torch.zeros(1), torch.ones(1), 2.0)
    tensor([0.1733])
    """
    signed = torch.where(target == 1, logit, -logit)
    return -((1 - signed.sigmoid()).clamp(min=LEAST) ** gamma) * F.logsigmoid(signed)


def known_share_weight(share: Tensor, gamma: float = 1.0, alpha: float = -4.45, beta: float = 5.45) -> Tensor:
    """g(r) = alpha r^gamma + beta: the weight of an example of whose labels the share r is known; 1 at r = 1, 5 at r = .1.

    >>> known_share_weight(torch.tensor([0.1, 1.0])).round(decimals=2)
    tensor([5., 1.])
    """
    return alpha * share**gamma + beta


def sparsemax(logit: Tensor) -> tuple[Tensor, Tensor]:
    """Projection of each row on the simplex, p = max(z - tau, 0), and tau (B, 1).

    tau = (sum over S of z - 1) / |S|, S the longest prefix of the sorted row with 1 + k z_(k) > sum of the first k.

    >>> sparsemax(torch.tensor([[2.0, 1.5, -1.0]]))[0]
    tensor([[0.7500, 0.2500, 0.0000]])
    """
    ordered = logit.sort(dim=1, descending=True).values
    number = torch.arange(1, logit.shape[1] + 1, device=logit.device, dtype=logit.dtype)
    total = ordered.cumsum(1)
    size = (1 + number * ordered > total).sum(1, keepdim=True)
    tau = (total.gather(1, size - 1) - 1) / size
    return (logit - tau).clamp(min=0), tau


def sparsemax_loss(logit: Tensor, target: Tensor) -> Tensor:
    """-q'z + 1/2 sum over S of (z^2 - tau^2) + 1/2 |q|^2 per row, (B,), for target distributions q; its gradient is p - q.

    >>> sparsemax_loss(torch.tensor([[3.0, 0.0]]), torch.tensor([[1.0, 0.0]]))
    tensor([0.])
    """
    p, tau = sparsemax(logit)
    support = (p.detach() > 0).to(logit.dtype)
    return -(target * logit).sum(1) + 0.5 * (support * (logit**2 - tau**2)).sum(1) + 0.5 * (target**2).sum(1)


def positive_unlabelled(logit: Tensor, positive: Tensor, scale: float, gamma: float) -> Tensor:
    """Variational risk of positive and unlabelled data, summed over labels; the unlabelled set of a label is the whole batch.

    tau_k = min(1, scale sd(z_k)), phi = sigmoid(z / tau), w_k = (mean phi_k)^gamma, tau and w without gradient:
    sum_k [w_k log mean phi_k - mean over positives of log phi_k]. A label without a positive has no second term.

    >>> positive_unlabelled(torch.tensor([[1.0], [-1.0]]), torch.tensor([[True], [False]]), 1.0, 0.0)
    tensor(-0.3799)
    """
    spread = (scale * logit.detach().std(0, correction=0)).clamp(min=1e-3, max=1.0)
    phi = (logit / spread).sigmoid()
    mean = phi.mean(0)
    log_phi = F.logsigmoid(logit / spread)
    count = positive.sum(0)
    of_positives = (log_phi * positive).sum(0) / count.clamp(min=1)
    return (mean.detach() ** gamma * mean.clamp(min=1e-12).log() - of_positives).sum()


def recover_positives(logit: Tensor, label: Tensor, threshold: float) -> Tensor:
    """(B, C) bool: entries without a positive label whose p is above ``threshold`` and above the batch mean of their label.

    >>> recover_positives(torch.tensor([[3.0], [1.0], [3.0]]), torch.tensor([[0.0], [0.0], [1.0]]), 0.7).flatten()
    tensor([ True, False, False])
    """
    p = logit.sigmoid()
    return (p > threshold) & (p > p.mean(0)) & (label != 1)


def multi_focal(logit: Tensor, label: Tensor, weight: Tensor, gamma_negative: float, gamma_positive: float, margin: float = 0.05) -> Tensor:
    """Multi-focal modifier: w_k [y log p + (1 - y) log q] with the focus (1 - p_t)^(gamma+ y + (gamma- + w_k)(1 - y)), q = min(1 - p + margin, 1).

    ``weight`` (C,) multiplies and enters the exponent; the focus has no gradient.

    >>> multi_focal(torch.zeros(1, 1), torch.ones(1, 1), torch.ones(1), 4.0, 0.0)
    tensor([[0.6931]])
    """
    p = logit.sigmoid()
    chance = torch.where(label == 1, p, (1 - p + margin).clamp(max=1))
    with torch.no_grad():
        focus = (1 - chance) ** torch.where(label == 1, torch.full_like(p, gamma_positive), gamma_negative + weight.expand_as(p))
    return -weight * focus * chance.clamp(min=1e-8).log()


def cooccurrence_focal(logit: Tensor, label: Tensor, weight: Tensor, near: Tensor, gamma_negative: float) -> Tensor:
    """Multi-focal modifier with co-occurrence: where ``near`` > 0, p of positives is multiplied by 1 - near and q of negatives by 1.2, at most 1.

    ``near`` (B, C) is the share that a label has in what occurs with the positives of the example; gamma+ is 0; the focus has no gradient.

    >>> cooccurrence_focal(torch.zeros(1, 1), torch.ones(1, 1), torch.ones(1), torch.zeros(1, 1), 3.0)
    tensor([[0.6931]])
    """
    p = logit.sigmoid()
    q = (1 - p + 0.05).clamp(max=1)
    q = torch.where(near > 0, (1.2 * q).clamp(max=1), q)
    chance = torch.where(label == 1, p * (1 - near), q)
    with torch.no_grad():
        focus = (1 - chance) ** torch.where(label == 1, torch.zeros_like(p), gamma_negative + weight.expand_as(p))
    return -weight * focus * chance.clamp(min=1e-8).log()
