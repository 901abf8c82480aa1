"""Small-loss selection: which units of a batch are taken for right."""

from __future__ import annotations

import torch
from torch import Tensor

from benchmark.core.types import Observed


def small_loss(loss: Tensor, forget: Tensor, group: Tensor) -> Tensor:
    """(U,) bool: in each group keep the ceil((1 - forget) n) units of smallest loss.

    Args:
        loss: (U,).
        forget: (U,) share to leave out, equal within a group.
        group: (U,) int; selection inside observed classes keeps rare ones alive.

    >>> small_loss(torch.tensor([3.0, 1.0, 2.0, 4.0]), torch.full((4,), 0.5), torch.zeros(4, dtype=torch.long))
    tensor([False,  True,  True, False])
    """
    rank, size = rank_in_group(loss, group)
    # rounding of a float32 rate must not push an exact product over the next integer
    return rank < torch.ceil((1 - forget.double() - 1e-6) * size)


def rank_in_group(loss: Tensor, group: Tensor) -> tuple[Tensor, Tensor]:
    """(U,) position of each unit among the losses of its group, the first of equal ones first, and (U,) size of that group.

    >>> rank_in_group(torch.tensor([3.0, 1.0, 2.0]), torch.tensor([0, 0, 1]))
    (tensor([1, 0, 0]), tensor([2, 2, 1]))
    """
    order = loss.detach().argsort(stable=True)
    order = order[group[order].argsort(stable=True)]
    sizes = torch.bincount(group)
    start = sizes.cumsum(0) - sizes
    rank = torch.empty_like(order)
    rank[order] = torch.arange(len(loss), device=loss.device) - start[group[order]]
    return rank, sizes[group]


def class_balanced(loss: Tensor, target: Tensor, share: float, classes: int) -> Tensor:
    """(U,) bool: the floor(share U / K) units of smallest loss in every class, all of a class that has fewer (UNICON's rule).

    A plain small-loss selection prefers classes that are easy; this one cannot lose the others.

    >>> class_balanced(torch.tensor([1.0, 2.0, 3.0, 9.0]), torch.tensor([0, 0, 0, 1]), 0.5, 2)
    tensor([ True, False, False,  True])
    """
    return rank_in_group(loss, target)[0] < int(share * len(loss) / classes + 1e-9)


def group_rates(rate: Tensor, target: Tensor, column: Tensor, per_class: bool) -> tuple[Tensor, Tensor]:
    """Forget rate and group of each unit from a table of noise rates.

    Args:
        rate: (C, K) share of wrong labels per column and observed class; (1, 1) ``overall_rate``.
        target, column: (U,).
        per_class: select inside each column and observed class (tokens, multi-label: one scalar rate would drop most
            rare labels); otherwise there is one group with one rate, the mean.

    Returns:
        rates (U,) and groups (U,).
    """
    if not per_class:
        return rate.mean().expand(len(target)), torch.zeros(len(target), dtype=torch.long, device=target.device)
    row = column if len(rate) > 1 else torch.zeros_like(column)
    return rate[row, target], row * rate.shape[1] + target


def overall_rate(rate: Tensor, observed: Observed) -> Tensor:
    """(1, 1) share of wrong labels among all live units, from the shares (1, K) among those of each observed class.

    >>> seen = Observed(torch.tensor([0, 1, 1, 1]), torch.arange(4), torch.zeros(4, dtype=torch.long), torch.ones(4, dtype=torch.bool))
    >>> overall_rate(torch.tensor([[1.0, 0.2]]), seen)
    tensor([[0.4000]])
    """
    if rate.shape[1] == 1:
        return rate
    return (rate * label_prior(observed, rate.shape[1], per_column=False).to(rate)).sum().reshape(1, 1)


def confident_rate(probability: Tensor, observed: Observed, columns: int) -> Tensor:
    """(columns, K) estimated share of wrong labels among those of each column and observed class, from out-of-fold predictions.

    A unit that is observed as i counts for the class j with the largest p_j among those with p_j >= t_j, t_j the mean p_j of the units observed as j; it
    counts for none if there is no such class. The estimate is 1 - C_ii / sum_j C_ij, 0 where nothing counts.
    Northcutt, Jiang and Chuang, 2021, arXiv:1911.00068.

    Args:
        probability: (U, K) out of fold.
        observed: labels of the units; those that are not live do not count.
        columns: C of multi-label units, each with a joint of its own, else 1.

    >>> seen = Observed(torch.tensor([0, 0, 0, 1, 1]), torch.arange(5), torch.zeros(5, dtype=torch.long), torch.ones(5, dtype=torch.bool))
    >>> p = torch.tensor([0.1, 0.2, 0.9, 0.8, 0.9])
    >>> confident_rate(torch.stack([1 - p, p], 1), seen, 1)
    tensor([[0.3333, 0.0000]])
    """
    live = observed.live
    value, p = observed.value[live], probability[live].double()
    layer = observed.column[live] if columns > 1 else torch.zeros_like(value)
    k = p.shape[1]
    own = layer * k + value
    total = torch.bincount(own, minlength=columns * k).clamp(min=1)
    threshold = torch.bincount(own, weights=p.gather(1, value[:, None])[:, 0], minlength=columns * k) / total
    confident = torch.where(p >= threshold.reshape(columns, k)[layer] - 1e-12, p, -torch.inf)
    counted = confident.isfinite().any(1)
    joint = torch.bincount(own[counted] * k + confident[counted].argmax(1), minlength=columns * k * k).reshape(columns, k, k).double()
    row = joint.sum(2)
    wrong = row - joint.diagonal(dim1=1, dim2=2)
    return (wrong / row.clamp(min=1)).to(probability.dtype)


def linear_ramp(epoch: int, epochs: int, start: float, length: float) -> float:
    """0 up to a share ``start`` of the epochs, then linearly to 1 over a share ``length``.

    >>> [linear_ramp(epoch, 100, 0.1, 0.3) for epoch in (10, 25, 40, 90)]
    [0.0, 0.5, 1.0, 1.0]
    """
    after = epoch - start * epochs
    return float(after > 0) if length <= 0 else min(max(after / (length * epochs), 0.0), 1.0)


def label_prior(observed: Observed, num_classes: int, per_column: bool) -> Tensor:
    """(L, K) share of each class among the live labels: per column, or L = 1.

    >>> seen = Observed(torch.tensor([0, 1, 1, 1]), torch.arange(4), torch.tensor([0, 1, 0, 1]), torch.tensor([True, True, True, False]))
    >>> label_prior(seen, 2, per_column=True).tolist()
    [[0.5, 0.5], [0.0, 1.0]]
    """
    live = observed.live
    column = observed.column[live] if per_column else torch.zeros_like(observed.column[live])
    layers = int(observed.column.max()) + 1 if per_column else 1
    counts = torch.bincount(column * num_classes + observed.value[live], minlength=layers * num_classes).reshape(layers, num_classes).float()
    return counts / counts.sum(1, keepdim=True).clamp(min=1)


def forget_schedule(epoch: int, epochs: int, ramp: float, exponent: float = 1.0) -> float:
    """Share of the forget rate in force: min((t / T_k)^c, 1) with T_k = ``ramp`` x epochs (Co-teaching: 10 of 200, c = 1).

    >>> forget_schedule(5, 100, 0.1)
    0.5
    """
    length = ramp * epochs
    return 1.0 if length <= 0 else min((epoch / length) ** exponent, 1.0)
