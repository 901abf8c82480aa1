"""The test of the board: signs of whole tasks are flipped, and the largest |t| over methods is kept (max-T).

Under "the method equals erm" a task is as likely to favor the one as the other, so all 2^D ways to flip the D tasks are
equally likely. Flipping whole tasks keeps what methods have in common; the maximum over methods pays for looking at all
of them. Westfall and Young, 1993, Resampling-Based Multiple Testing. Nothing is assumed about the shape of z but symmetry.
"""

from __future__ import annotations

from collections.abc import Iterator
from dataclasses import dataclass

import numpy as np

EXACT = 16  # all 2^D flips up to this many blocks
DRAWS = 20_000  # else so many random ones
LEAST_TASKS = 6  # 2 / 2^5 is above .05: below, nothing can be significant
TIE = 1e-9  # sums in another order are equal
CHUNK = 4_000_000  # numbers held at once


@dataclass(frozen=True)
class MaxT:
    """Means over blocks with simultaneous intervals and adjusted p-values, (M,) each; NaN below six blocks."""

    mean: np.ndarray
    low: np.ndarray
    high: np.ndarray
    p: np.ndarray


def sign_flips(blocks: int, draws: int = DRAWS, seed: int = 0) -> np.ndarray:
    """(F, D) of +-1, the observed signs first.

    Up to 16 blocks all flips, of which each half mirrors the other, so only those that keep the first block are made:
    F = 2^(D-1). Above, ``draws`` random flips from a generator of their own.
    """
    if blocks <= EXACT:
        bits = (np.arange(2 ** (blocks - 1))[:, None] >> np.arange(blocks - 1)) & 1
        return np.hstack([np.ones((len(bits), 1)), 1.0 - 2.0 * bits])
    flips = np.random.default_rng(seed).choice([-1.0, 1.0], size=(draws, blocks))
    flips[0] = 1
    return flips


def largest(z: np.ndarray, flips: np.ndarray) -> Iterator[tuple[np.ndarray, np.ndarray]]:
    """For chunks of boards: |U| as observed (B, M), and the largest |U| over methods under each flip (B, F).

    z is (B, D, M). U = sum_d s_d z_d / sqrt(D sum_d z_d^2) = cos of the angle between z and the signs. It rises with |t|, which is
    |U| sqrt(D - 1) / sqrt(1 - U^2), and needs no variance per flip, because flips do not change squares.
    """
    size = np.sqrt(z.shape[1] * (z**2).sum(1, keepdims=True))
    w = np.divide(z, size, out=np.zeros_like(z, dtype=float), where=size > 0)
    step = max(1, CHUNK // (len(flips) * z.shape[2]))
    for start in range(0, len(w), step):
        u = np.abs(flips @ w[start : start + step])  # (b, F, M)
        yield u[:, 0], u.max(2)


def adjusted(observed: np.ndarray, maxima: np.ndarray) -> np.ndarray:
    """Share of flips whose largest |U| reaches each observed one, (B, M), (B, F) -> (B, M); the observed flip counts."""
    ordered = np.sort(maxima, axis=1)
    below = np.stack([np.searchsorted(row, values - TIE) for row, values in zip(ordered, observed, strict=True)])
    return np.asarray(1 - below / maxima.shape[1])


def critical(maxima: np.ndarray, blocks: int, alpha: float) -> float:
    """The |t| that must be exceeded for p <= alpha, from the (F,) largest |U|."""
    u = np.sort(maxima)[len(maxima) - int(alpha * len(maxima) + TIE) - 1]
    return float(u * np.sqrt(blocks - 1) / np.sqrt(max(1 - u**2, np.finfo(float).tiny)))


def max_t(z: np.ndarray, alpha: float = 0.05, draws: int = DRAWS, seed: int = 0) -> MaxT:
    """Sign-flip test of mean = 0 for every method, adjusted over methods, with simultaneous intervals. z is (D, M).

    The interval is mean +- c se. c is the larger of two critical values: of the test, so that an interval that leaves zero out
    always has p <= alpha, and of the flipped residuals z - mean, without which intervals are too short where effects are large
    (simulated: .81 instead of .95 of them hold the truth with 6 tasks, 9 methods and effects of 3.5 sd).
    """
    z = np.asarray(z, dtype=float)
    blocks, methods = z.shape
    mean, nothing = z.mean(0) if blocks else np.full(methods, np.nan), np.full(methods, np.nan)
    if blocks < LEAST_TASKS or not methods:
        return MaxT(mean, nothing, nothing, nothing)
    flips = sign_flips(blocks, draws, seed)
    ((observed, maxima),) = largest(z[None], flips)
    ((_, residual),) = largest((z - mean)[None], flips)
    half = max(critical(m[0], blocks, alpha) for m in (maxima, residual)) * z.std(0, ddof=1) / np.sqrt(blocks)
    return MaxT(mean, mean - half, mean + half, adjusted(observed, maxima)[0])
