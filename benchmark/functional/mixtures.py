"""Two-component mixtures over per-unit losses."""

from __future__ import annotations

import warnings

import numpy as np


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
