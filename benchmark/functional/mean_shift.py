"""Which targets a penalized mean-shift model takes for shifted, in memory linear in the number of rows."""

from __future__ import annotations

import numpy as np


def huber_fit(x: np.ndarray, y: np.ndarray, threshold: float, beta: np.ndarray, ridge: float, rounds: int = 50, tolerance: float = 1e-6) -> np.ndarray:
    """Coefficients (D,) that minimize the Huber loss of y - x beta plus ridge ||beta||^2 / 2, by iterated weighted least squares from ``beta``."""
    gram, moment = x.T @ x + ridge * np.eye(x.shape[1]), x.T @ y
    for _ in range(rounds):
        size = np.abs(y - x @ beta)
        far = size > threshold
        lost = x[far] * (1 - threshold / size[far])[:, None]  # only the far rows change the sums
        new = np.linalg.solve(gram - x[far].T @ lost, moment - lost.T @ y[far])
        moved, beta = np.abs(new - beta).max(), new
        if moved <= tolerance * (1 + np.abs(beta).max()):
            break
    return beta


def shift_order(x: np.ndarray, y: np.ndarray, until: float = 1.0, steps: int = 20, ridge: float = 1e-6, lowest: float = 0.01) -> np.ndarray:
    """(N,) penalty at which each row's shift leaves zero on the path of min ||y - x beta - gamma||^2 / 2 + lam ||gamma||_1.

    For a fixed lam the minimum over gamma is the Huber loss with threshold lam (She and Owen, 2011, arXiv:1006.2592), and gamma_i is not zero exactly
    where |y_i - x_i beta| > lam. So the path needs weighted least squares in D dimensions and never the N x N matrix of I - H.

    Args:
        x: features (N, D), with a column of ones where an intercept is wanted.
        y: targets (N,).
        until: the path ends when this share of the rows is shifted.
        steps: penalties on the path, in equal ratios from the largest residual to ``lowest`` times it.
        ridge: relative to the mean square of x.

    Returns:
        the largest penalty of the path at which the row is shifted, 0 if it never is: large = suspicious.
    """
    strength = ridge * float((x**2).sum() / x.shape[1])
    beta = np.linalg.solve(x.T @ x + strength * np.eye(x.shape[1]), x.T @ y)
    largest = float(np.abs(y - x @ beta).max())
    entered = np.zeros(len(y))
    for threshold in np.geomspace(largest, lowest * largest, steps) if largest > 0 else ():
        beta = huber_fit(x, y, float(threshold), beta, strength, rounds=20, tolerance=1e-3)
        fresh = (np.abs(y - x @ beta) > threshold) & (entered == 0)
        entered[fresh] = threshold
        if (entered > 0).mean() >= until:
            break
    return entered
