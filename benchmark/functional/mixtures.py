"""Two-component mixtures over per-unit losses."""

from __future__ import annotations

import warnings
from dataclasses import dataclass

import numpy as np
from torch import Tensor

EDGE = 1e-3  # normalised losses stay this far from 0 and 1, where beta densities may be infinite
RESOLUTION = 100  # points of a posterior's table


def gaussian_posterior(loss: np.ndarray) -> np.ndarray:
    """Posterior of the low-mean component of a two-component Gaussian mixture over min-max normalised losses, (N,).

    scikit-learn's EM with DivideMix's settings: 10 iterations, tolerance 1e-2, covariance floor 5e-4. Losses that
    are all equal carry no information: everybody gets 1.

    >>> gaussian_posterior(np.array([0.0, 0.1, 0.0, 5.0, 5.1])).round(2)
    array([1., 1., 1., 0., 0.])
    """
    from sklearn.exceptions import ConvergenceWarning  # a second to import, and every start of a sweep looks at the methods
    from sklearn.mixture import GaussianMixture

    spread = np.ptp(loss)
    if not spread > 0 or len(loss) < 2:
        return np.ones(len(loss))
    scaled = ((loss - loss.min()) / spread)[:, None]
    mixture = GaussianMixture(2, max_iter=10, tol=1e-2, reg_covar=5e-4, random_state=0)
    with warnings.catch_warnings():
        warnings.simplefilter("ignore", ConvergenceWarning)
        posterior: np.ndarray = mixture.fit(scaled).predict_proba(scaled)
    return posterior[:, int(mixture.means_.argmin())]


@dataclass(frozen=True)
class BetaMixture:
    """w_0 Beta(alpha_0, beta_0) + w_1 Beta(alpha_1, beta_1) over losses that are normalised to (0, 1); component 1 has the larger mean.

    ``low`` and ``high`` are the losses that became 0 and 1.
    """

    alpha: np.ndarray  # (2,)
    beta: np.ndarray  # (2,)
    weight: np.ndarray  # (2,)
    low: float
    high: float

    def table(self) -> np.ndarray:
        """(RESOLUTION,) P(component 1 | x) on a grid over [0, 1]; from its largest value on it stays there, because the tails may cross again."""
        x = np.linspace(1e-12, 1 - 1e-12, RESOLUTION)
        density = self.weight[:, None] * beta_density(x, self.alpha, self.beta)
        posterior: np.ndarray = density[1] / (density.sum(0) + 1e-12)
        top = int(posterior.argmax())
        posterior[top:] = posterior[top]
        return posterior


def beta_density(x: np.ndarray, alpha: np.ndarray, beta: np.ndarray) -> np.ndarray:
    """(2, N) densities of two beta distributions.

    >>> beta_density(np.array([0.5]), np.array([1.0, 2.0]), np.array([1.0, 1.0])).round(6).tolist()
    [[1.0], [1.0]]
    """
    from scipy.special import betaln

    log = (alpha - 1)[:, None] * np.log(x) + (beta - 1)[:, None] * np.log1p(-x) - betaln(alpha, beta)[:, None]
    density: np.ndarray = np.exp(log)
    return density


def fit_beta_components(x: np.ndarray, iterations: int = 10) -> tuple[np.ndarray, np.ndarray, np.ndarray]:
    """EM with the weighted method of moments: alpha = m (m (1 - m) / s^2 - 1), beta = alpha (1 - m) / m.

    Args:
        x: (N,) in (0, 1).
        iterations: EM steps from Beta(1, 2) and Beta(2, 1) with equal weights.

    Returns:
        alpha, beta, weight, (2,) each, the component with the smaller mean first.
    """
    x = np.clip(x, 1e-4, 1 - 1e-4)
    alpha, beta, weight = np.array([1.0, 2.0]), np.array([2.0, 1.0]), np.array([0.5, 0.5])
    for _ in range(iterations):
        r = np.maximum(weight[:, None] * beta_density(x, alpha, beta), 1e-12)
        r /= r.sum(0)
        total = r.sum(1)
        mean = r @ x / total
        variance = np.maximum((r * (x - mean[:, None]) ** 2).sum(1) / total, 1e-8)
        alpha = np.maximum(mean * (mean * (1 - mean) / variance - 1), 1e-2)
        beta, weight = alpha * (1 - mean) / mean, total / total.sum()
    order = np.argsort(alpha / (alpha + beta), kind="stable")
    return alpha[order], beta[order], weight[order]


def beta_mixture(loss: np.ndarray, iterations: int = 10) -> BetaMixture | None:
    """The two-component beta mixture of losses (N,), after Arazo et al., 2019, arXiv:1904.11238.

    Losses outside their 5 % and 95 % percentiles are outliers and left out of the fit, the others are min-max normalised. None where the
    percentiles agree: equal losses carry no information. The method of moments is no likelihood: where most losses are almost 0 its steps draw the
    components together, and ten of them, as published, end before they meet.

    >>> found = beta_mixture(np.r_[np.linspace(0, 1, 50), np.linspace(4, 5, 50)])
    >>> (found.alpha / (found.alpha + found.beta)).round(1).tolist()
    [0.2, 0.8]
    """
    if len(loss) < 2:
        return None
    low, high = (float(q) for q in np.percentile(loss, [5, 95]))
    if not high - low > 1e-6:
        return None
    inside = loss[(loss >= low) & (loss <= high)]
    return BetaMixture(*fit_beta_components(np.clip((inside - low) / (high - low), EDGE, 1 - EDGE), iterations), low, high)


def look_up(loss: Tensor, low: Tensor, high: Tensor, table: Tensor) -> Tensor:
    """(U,) posteriors from tables (U, RESOLUTION), or one of them (RESOLUTION,), for losses (U,) between ``low`` and ``high``; beyond them the ends.

    >>> import torch
    >>> look_up(torch.tensor([0.0, 2.0, 9.0]), torch.tensor(1.0), torch.tensor(3.0), torch.linspace(0, 0.99, 100))
    tensor([0.0000, 0.5000, 0.9900])
    """
    x = ((loss - low) / (high - low).clamp(min=1e-6)).clamp(EDGE, 1 - EDGE)
    at = (x * RESOLUTION).long()
    return table[at] if table.dim() == 1 else table.gather(1, at.unsqueeze(1)).squeeze(1)
