"""How far a transition matrix that was counted on a few right labels is from the true one, in expectation."""

from __future__ import annotations

import torch
from torch import Tensor


def counted_transition(right: Tensor, given: Tensor, num_classes: int) -> Tensor:
    """(K, K) shares of the given labels among the units of each right class; a class without a unit has the identity's row.

    >>> counted_transition(torch.tensor([0, 0, 1]), torch.tensor([0, 1, 1]), 3).tolist()
    [[0.5, 0.5, 0.0], [0.0, 1.0, 0.0], [0.0, 0.0, 1.0]]
    """
    counts = torch.bincount(right * num_classes + given, minlength=num_classes**2).reshape(num_classes, num_classes).float()
    total = counts.sum(1, keepdim=True)
    return torch.where(total > 0, counts / total.clamp(min=1), torch.eye(num_classes, device=counts.device))


def expected_matrix_error(transition: Tensor, sizes: Tensor) -> Tensor:
    """Expected squared Frobenius error of ``counted_transition``: sum_ij T_ij (1 - T_ij) / n_i.

    Hedderich, Zhu and Klakow, 2021, arXiv:2101.09763: with n_i labels of right class i, a row of counts is multinomial.

    Args:
        transition: (K, K) the true one.
        sizes: (K,) right labels of each class, at least 1.

    >>> expected_matrix_error(torch.full((2, 2), 0.5), torch.tensor([10, 20]))
    tensor(0.0750)
    """
    return ((transition * (1 - transition)).sum(1) / sizes).sum()


def expected_matrix_error_of_sample(transition: Tensor, prior: Tensor, size: int) -> Tensor:
    """The same where ``size`` units are drawn from all classes: 1 / n_i becomes sum_{r=1}^{n-1} Binomial(r; n, prior_i) / r.

    Samples without a unit of the class add nothing, so it is too small where they are likely.

    Args:
        transition: (K, K) the true one.
        prior: (K,) share of each right class.
        size: n.

    >>> expected_matrix_error_of_sample(torch.full((2, 2), 0.5), torch.tensor([0.5, 0.5]), 1000).round(decimals=5)
    tensor(0.0020)
    """
    r = torch.arange(1, size, dtype=torch.float64)
    binomial = torch.distributions.Binomial(size, prior.double()[:, None])
    inverse = (binomial.log_prob(r).exp() / r).sum(1)
    return ((transition * (1 - transition)).sum(1) * inverse.to(transition.dtype)).sum()
