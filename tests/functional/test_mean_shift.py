"""The path of mean shifts against the lasso."""

from __future__ import annotations

import numpy as np
from sklearn.linear_model import Lasso

from benchmark.functional.mean_shift import huber_fit, shift_order


def test_the_mean_shift_path_is_the_lasso_of_the_whole_matrix() -> None:
    """She and Owen: gamma of the lasso on (I - H) y = (I - H) gamma is not zero exactly where the Huber residual exceeds the penalty."""
    rng = np.random.default_rng(3)
    x = np.column_stack([rng.normal(size=(40, 3)), np.ones(40)])
    y = x @ [1.0, -2.0, 0.5, 3.0] + 0.3 * rng.normal(size=40)
    y[:6] += rng.choice([-1, 1], 6) * rng.uniform(3, 8, 6)
    rest = np.eye(40) - x @ np.linalg.solve(x.T @ x, x.T)
    for penalty in (2.0, 1.0, 0.4):
        beta = huber_fit(x, y, penalty, np.zeros(4), 1e-9, rounds=500, tolerance=1e-12)
        r = y - x @ beta
        lasso = Lasso(alpha=penalty / 40, fit_intercept=False, tol=1e-12, max_iter=100_000).fit(rest, rest @ y)
        assert np.allclose(lasso.coef_, np.sign(r) * np.maximum(np.abs(r) - penalty, 0), atol=1e-5)
    entered = shift_order(x, y)
    assert set(np.argsort(-entered, kind="stable")[:6]) == set(range(6))
    assert shift_order(x, x @ np.ones(4)).max() < 1e-4  # nothing is shifted but by the ridge
