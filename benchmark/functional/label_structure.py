"""How labels stand to each other and to the vectors of their names: propensities, rankings, distances, thresholds of multi-label tasks."""

from __future__ import annotations

import torch
from torch import Tensor
from torch.nn import functional as F  # noqa: N812


def propensity_loss(logit: Tensor, label: Tensor, propensity: Tensor) -> Tensor:
    """Unbiased BCE under missing positives: [l(z, 1) - (1 - a) l(z, 0)] / a of positives, l(z, 0) of the rest, a = P(observed 1 | right 1).

    >>> propensity_loss(torch.zeros(1), torch.ones(1), torch.tensor([1.0]))
    tensor([0.6931])
    """
    one, zero = F.softplus(-logit), F.softplus(logit)
    return torch.where(label == 1, (one - (1 - propensity) * zero) / propensity, zero)


def exponential_quality(quality: Tensor, alpha: float = 0.8) -> Tensor:
    """Quality of an example from those of its labels (B, C): S_1 = s_(1), S_t = alpha s_(t) + (1 - alpha) S_(t-1), s sorted descending.

    The smallest value comes last and weighs ``alpha`` (Thyagarajan et al., 2022, arXiv:2211.13895).

    >>> exponential_quality(torch.tensor([[0.1, 0.9]])).round(decimals=2)
    tensor([0.2600])
    """
    ordered = quality.sort(dim=1, descending=True).values
    k = quality.shape[1]
    power = torch.arange(k - 1, -1, -1, device=quality.device, dtype=quality.dtype)
    weight = alpha * (1 - alpha) ** power
    weight[0] = (1 - alpha) ** (k - 1)
    return ordered @ weight


def best_threshold(score: Tensor, label: Tensor) -> float:
    """Return the threshold t of largest F1 of ``score`` > t against labels (N,) bool.

    It lies halfway between two neighbouring scores, or between 0 and the lowest one where every
    unit is taken, or further below a lowest score that is not above 0. Without a positive it is .5.

    >>> round(best_threshold(torch.tensor([0.1, 0.2, 0.4]), torch.tensor([False, True, True])), 3)
    0.15
    >>> best_threshold(torch.tensor([0.0, 0.5]), torch.tensor([True, True]))
    -0.5
    """
    if not bool(label.any()):
        return 0.5
    order = score.argsort(descending=True, stable=True)
    ranked, hit = score[order].double(), label[order].cumsum(0)
    f1 = 2 * hit / (torch.arange(1, len(hit) + 1, device=hit.device) + hit[-1])
    last = torch.ones_like(f1, dtype=torch.bool)
    last[:-1] = ranked[:-1] > ranked[1:]  # equal scores are on one side
    at = int(torch.where(last, f1, -1.0).argmax())
    lowest = float(ranked[at])
    ends = torch.cat([ranked, ranked.new_tensor([0.0 if ranked[-1] > 0 else 2 * float(ranked[-1]) - 1])])
    below = float(ends[at + 1])
    middle = (lowest + below) / 2
    return middle if middle < lowest else below  # between neighbouring floats there is none


def bernoulli_divergence(teacher: Tensor, student: Tensor) -> Tensor:
    """KL(Bern(sigmoid(teacher)) || Bern(sigmoid(student))) of logits, per entry.

    >>> bernoulli_divergence(torch.zeros(1), torch.zeros(1))
    tensor([0.])
    """
    p = teacher.sigmoid()
    return p * (F.logsigmoid(teacher) - F.logsigmoid(student)) + (1 - p) * (F.logsigmoid(-teacher) - F.logsigmoid(-student))


def structure_distance(teacher: Tensor, student: Tensor, member: Tensor) -> Tensor:
    """Smooth L1 between pairwise distances of teacher's and student's embeddings inside groups, each divided by the group's mean distance.

    Args:
        teacher, student: (G, M, D) embeddings of M items in G groups; D may differ.
        member: (G, M) bool; groups of fewer than two members count nothing.

    Returns:
        The sum over groups of the sum over their ordered pairs divided by the number of members,
        as in the released code of Yang et al., 2023: twice the members, twice the loss.

    >>> e = torch.tensor([[[0.0], [1.0], [3.0]]])
    >>> structure_distance(e, 2 * e, torch.ones(1, 3, dtype=torch.bool))
    tensor(0.)
    """
    count = member.sum(1)
    use = count > 1
    if not bool(use.any()):
        return student.sum() * 0.0
    teacher, student, member, count = teacher[use], student[use], member[use], count[use]
    pair = member[:, :, None] & member[:, None, :] & ~torch.eye(member.shape[1], dtype=torch.bool, device=member.device)
    pairs = (count * (count - 1)).to(student.dtype)
    old, new = (_relative_distances(e, pair, pairs) for e in (teacher, student))
    loss = F.smooth_l1_loss(new, old, reduction="none") * pair
    return (loss.sum((1, 2)) / count).sum()


def _relative_distances(e: Tensor, pair: Tensor, pairs: Tensor) -> Tensor:
    squared = (e**2).sum(2)
    distance = (squared[:, :, None] + squared[:, None, :] - 2 * e @ e.transpose(1, 2)).clamp(min=1e-12).sqrt() * pair
    return distance / (distance.sum((1, 2)) / pairs).clamp(min=1e-12)[:, None, None]


def bag_ranking_loss(bags: Tensor, vectors: Tensor, positive: Tensor, beta: float) -> Tensor:
    """Ranking loss (B,) of bags of descriptors (B, M, D) against label vectors (C, D) of length one, for positives (B, C) in {0, 1}.

    c_k = max_m w_k'v_m; 2 [(1 - beta) (1 + omega) / |P| sum over positives p and others n of log(1 + exp(c_n - c_p)) + beta sum_d Var_m v_dm], omega the
    summed unbiased variance of the positive label vectors, 0 for one label. If every label is positive, c_n = 0. For M = 1 only
    the sum over |P| remains: no factor 2, no (1 - beta), no omega and no variance. Without a positive only the variance remains.

    >>> bag_ranking_loss(torch.zeros(1, 1, 2), torch.eye(2), torch.tensor([[1.0, 0.0]]), 0.3)
    tensor([0.6931])
    """
    score = (bags @ vectors.T).amax(1)
    count = positive.sum(1)
    row, label = positive.nonzero(as_tuple=True)
    rest = 1 - positive
    full = rest.sum(1) == 0
    other = torch.cat([score, score.new_zeros(len(score), 1)], dim=1)
    rest = torch.cat([rest, full[:, None].to(rest)], dim=1)
    pairs = (F.softplus(other[row] - score[row, label][:, None]) * rest[row]).sum(1)
    ranking = torch.zeros_like(count).index_add(0, row, pairs) / count.clamp(min=1)
    if bags.shape[1] == 1:
        return ranking
    total, squares = positive @ vectors, positive @ vectors**2
    omega = ((squares - total**2 / count.clamp(min=1)[:, None]) / (count - 1).clamp(min=1)[:, None]).sum(1).clamp(min=0)
    omega = torch.where(count > 1, omega, torch.zeros_like(omega))
    return 2 * ((1 - beta) * (1 + omega) * ranking + beta * bags.var(1).sum(1))


def smooth_relabel(label: Tensor, vote: Tensor, lam: float, smooth: float) -> Tensor:
    """[(1 - lam) y + lam (g + (1 - g) v)] 1[y + v > 0]: the smoothing g reaches only labels that somebody votes for.

    >>> smooth_relabel(torch.tensor([1.0, 0.0, 0.0]), torch.tensor([0.0, 1.0, 0.0]), 0.5, 0.5)
    tensor([0.7500, 0.5000, 0.0000])
    """
    return ((1 - lam) * label + lam * (smooth + (1 - smooth) * vote)) * (label + vote > 0)


def missing_positive_slopes(relevance: Tensor, flip: Tensor, observed: Tensor, exact: bool) -> tuple[Tensor, Tensor]:
    """Ascent directions of the logits of r = P(right 1) and g = P(observed 0 | right 1), where P(observed 1) = r (1 - g).

    ``exact``: the gradient of the log-likelihood, (1 - r, -g) at observed ones, r (1 - r) (g - 1) / q and g (1 - g) r / q, q = 1 - r + g r, at the rest.
    Otherwise what the authors descend in its place: ((1 - g) (1 - r), -g r) and (g (1 - r) - r, (1 - g) r) (Yu and Qin, 2020, arXiv:2007.07204).

    >>> [s.tolist() for s in missing_positive_slopes(torch.tensor([0.5]), torch.tensor([0.5]), torch.tensor([0.0]), True)]
    [[-0.1666666716337204], [0.1666666716337204]]
    """
    r, g = relevance, flip
    if exact:
        rest = 1 - r + g * r
        one, zero = (1 - r, -g), ((g - 1) * r * (1 - r) / rest, g * (1 - g) * r / rest)
    else:
        one, zero = ((1 - g) * (1 - r), -g * r), (g * (1 - r) - r, (1 - g) * r)
    return torch.where(observed == 1, one[0], zero[0]), torch.where(observed == 1, one[1], zero[1])
