"""Losses of numbers that a gross error cannot pull far: output (U, 1) and target (U,) -> (U,), and weights for losses of any kind."""

from __future__ import annotations

import math

import numpy as np
import torch
from scipy.special import lambertw
from torch import Tensor
from torch.nn import functional as F  # noqa: N812

TO_NORMAL = 1.4826  # median absolute deviation -> standard deviation of a normal


def median_deviation(residual: Tensor) -> Tensor:
    """1.4826 median |r - median r|: a standard deviation that half of the values cannot move.

    >>> median_deviation(torch.tensor([-1.0, 0.0, 1.0, 900.0, 0.5]))
    tensor(0.7413)
    """
    return TO_NORMAL * (residual - residual.median()).abs().median()


def tukey(output: Tensor, target: Tensor, c: float, scale: Tensor) -> Tensor:
    """s^2 c^2 / 6 (1 - (1 - (r / (c s))^2)^3) for |r| <= c s, constant beyond: such residuals have no gradient.

    The factor s^2 makes it r^2 / 2 near 0 for every scale s, so that a learning rate keeps its meaning.

    >>> tukey(torch.tensor([[1.0], [50.0]]), torch.zeros(2), 4.685, torch.tensor(1.0))
    tensor([0.4776, 3.6582])
    """
    width = c * scale.clamp(min=1e-6)
    inside = 1 - ((output[:, 0] - target) / width).square().clamp(max=1)
    return width**2 / 6 * (1 - inside**3)


def log_cosh(output: Tensor, target: Tensor, delta: float) -> Tensor:
    """delta^2 log cosh(r / delta): r^2 / 2 for small residuals, delta |r| - delta^2 log 2 for large ones.

    >>> log_cosh(torch.tensor([[1.0], [100.0]]), torch.zeros(2), 1.0)
    tensor([ 0.4338, 99.3069])
    """
    size = (output[:, 0] - target).abs() / delta
    return delta**2 * (size + F.softplus(-2 * size) - math.log(2))


def barron(output: Tensor, target: Tensor, alpha: float, scale: float) -> Tensor:
    """The general robust loss |a - 2| / a (((r / c)^2 / |a - 2| + 1)^(a / 2) - 1), with its limits at a = 2, 0 and -inf.

    a = 2 is r^2 / (2 c^2), 1 Charbonnier, 0 Cauchy, -2 Geman-McClure, -inf Welsch.

    >>> barron(torch.tensor([[2.0]]), torch.zeros(1), 0.0, 1.0)
    tensor([1.0986])
    """
    squared = ((output[:, 0] - target) / scale).square()
    if alpha == -math.inf:
        return -torch.expm1(-squared / 2)
    if abs(alpha - 2) < 1e-6:
        return squared / 2
    if abs(alpha) < 1e-6:
        return torch.log1p(squared / 2)
    width = abs(alpha - 2)
    return width / alpha * torch.expm1(alpha / 2 * torch.log1p(squared / width))


def superloss_weight(loss: Tensor, threshold: Tensor | float, lam: float) -> Tensor:
    """sigma = exp(-W(max(-2 / e, (l - threshold) / lam) / 2)), W Lambert's function: e for the easiest losses, 1 at the threshold, towards 0 for large ones.

    >>> superloss_weight(torch.tensor([-50.0, 1.0, 50.0]), 1.0, 1.0)
    tensor([2.7183, 1.0000, 0.0958])
    """
    beta = ((loss.detach() - threshold) / lam).double().cpu().numpy()
    # W is not a number just below its branch point -1/e
    argument = np.maximum(beta / 2, -1 / math.e + 1e-15)
    return torch.from_numpy(np.exp(-lambertw(argument).real)).to(loss)


def gaussian_nll(mean: Tensor, log_variance: Tensor, target: Tensor) -> Tensor:
    """(log v + (y - m)^2 / v) / 2 of a normal with mean m and variance v, without the constant log(2 pi) / 2; all (U,).

    The square is divided by v or by exp(-60), whichever is larger: beyond, single precision overflows.

    >>> gaussian_nll(torch.zeros(1), torch.zeros(1), torch.ones(1))
    tensor([0.5000])
    """
    return (log_variance + (target - mean).square() * torch.exp((-log_variance).clamp(max=60))) / 2


def truncated(loss: Tensor) -> Tensor:
    """log(1 + l + l^2 / 2): grows like a logarithm, so that one huge loss does not rule a mean.

    >>> truncated(torch.tensor([0.0, 2.0]))
    tensor([0.0000, 1.6094])
    """
    return torch.log1p(loss + loss.square() / 2)


def refurbished(target: Tensor, past: Tensor, small: Tensor, eps: float) -> tuple[Tensor, Tensor]:
    """Return targets in which steady units have the mean of their past predictions, and which units train.

    A unit of small error keeps its target; of the others, one whose past predictions have a standard deviation of at most ``eps``
    gets their mean, and the rest is left out. Song, Kim and Lee, 2019, ICML (SELFIE), carried over to numbers.

    Args:
        target: (U,) observed targets.
        past: (U, T) predictions of earlier epochs, T >= 1.
        small: (U,) bool, units of small error.
        eps: largest standard deviation of a steady unit, in the units of the targets.

    Returns:
        targets (U,), and (U,) bool.

    >>> past = torch.tensor([[1.0, 1.2], [0.0, 4.0], [2.0, 2.0]])
    >>> refurbished(torch.tensor([9.0, 9.0, 9.0]), past, torch.tensor([False, False, True]), 0.15)
    (tensor([1.1000, 2.0000, 9.0000]), tensor([ True, False,  True]))
    """
    steady = past.std(1, correction=0) <= eps
    return torch.where(small, target, past.mean(1)), steady | small
