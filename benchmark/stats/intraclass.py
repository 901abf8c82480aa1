"""Whether recorded information belongs to the examples beside which it stands."""

from __future__ import annotations

import numpy as np

ALIGNED = 1.2  # ratio above which side information counts as aligned with the examples


def intraclass_ratio(value: np.ndarray, group: np.ndarray) -> float:
    """Mean square between groups over mean square within them: 1 where groups mean nothing, (1 + (m - 1) rho) / (1 - rho) for groups of m.

    People differ in how often they err. If ``value`` are the error rates of batches and ``group`` is who labeled each batch, rates of one worker are
    alike (intraclass correlation rho > 0) and the ratio is above 1; with the workers of other batches it is 1. It is the F of a one-way analysis of
    variance (Fisher, 1925):

        ratio = [sum_g n_g (v_g - v)^2 / (G - 1)] / [sum_i (v_i - v_g(i))^2 / (N - G)].

    Batches, not labels, are the observations: labels of one batch are alike whoever made them, so that label by label even shuffled batches pass.

    Args:
        value: (N,).
        group: (N,) any integers.

    Returns:
        nan where there are fewer than two groups, no group has two values, or nothing varies within groups.
    """
    _, group, size = np.unique(group, return_inverse=True, return_counts=True)
    mean = np.bincount(group, weights=value) / size
    within = float(((value - mean[group]) ** 2).sum())
    if len(size) < 2 or len(value) == len(size) or within == 0:
        return float("nan")
    between = float((size * (mean - np.mean(value)) ** 2).sum())
    return between / (len(size) - 1) / (within / (len(value) - len(size)))
