"""One label from the votes of several sources."""

from __future__ import annotations

import numpy as np


def majority_vote(votes: np.ndarray, num_classes: int, outside: int = 0) -> np.ndarray:
    """(N,) the most frequent vote of each unit, the lower class of equal ones; ``outside`` where every source abstains.

    Args:
        votes: (N, A), -1 = the source abstains.

    >>> majority_vote(np.array([[1, 1, 2], [-1, 2, -1], [-1, -1, -1]]), 3)
    array([1, 2, 0])
    """
    rows = np.repeat(np.arange(len(votes)), votes.shape[1]).reshape(votes.shape)
    cast = votes >= 0
    counts = np.bincount(rows[cast] * num_classes + votes[cast], minlength=len(votes) * num_classes).reshape(-1, num_classes)
    winner: np.ndarray = np.where(cast.any(1), counts.argmax(1), outside)
    return winner


def dawid_skene(votes: np.ndarray, num_classes: int, iterations: int = 50, smoothing: float = 0.01) -> np.ndarray:
    """(N, K) posterior of the right class when every source has a confusion matrix of its own, by expectation maximisation.

    Dawid and Skene, 1979: P(class) prod_a C_a[class, vote_a], from the shares of votes on. A source that abstains says nothing;
    ``smoothing`` is added to every count of a confusion matrix.

    Args:
        votes: (N, A), -1 = the source abstains.

    >>> dawid_skene(np.array([[0, 0, 1], [1, 1, 0], [0, 0, 1], [1, 1, 0]]), 2).argmax(1)
    array([0, 1, 0, 1])
    """
    cast = np.eye(num_classes + 1)[votes][..., :num_classes]  # (N, A, K); an abstention is a row of zeros
    posterior = cast.sum(1) + 1e-9
    posterior /= posterior.sum(1, keepdims=True)
    flat = cast.reshape(len(votes), -1)
    for _ in range(iterations):
        prior = posterior.mean(0)
        confusion = (posterior.T @ flat).reshape(num_classes, -1, num_classes) + smoothing
        confusion /= confusion.sum(2, keepdims=True)
        log = np.log(np.maximum(prior, 1e-300)) + flat @ np.log(confusion).reshape(num_classes, -1).T
        log -= log.max(1, keepdims=True)
        posterior = np.exp(log)
        posterior /= posterior.sum(1, keepdims=True)
    return posterior
