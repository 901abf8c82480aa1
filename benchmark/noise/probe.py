"""A softmax regression on features, trained on right labels: the weak model behind model-based noise."""

from __future__ import annotations

from collections.abc import Iterator

import numpy as np
import torch
from torch.nn import functional as F  # noqa: N812

from benchmark.core.types import Labels

BATCH, STEPS, RATE = 256, 8, 0.01  # at most so many examples in a batch, at least so many steps in an epoch


def moments(features: np.ndarray, most: int = 2000) -> tuple[np.ndarray, np.ndarray]:
    """Mean and deviation (D,) of features (E, D) over at most ``most`` examples spread over the data; constant features get deviation 1."""
    flat = features.reshape(len(features), -1)
    sample = flat[:: -(-len(flat) // most) or 1].astype(np.float32)
    mean = sample.mean(0)
    sample -= mean
    spread = np.sqrt(np.einsum("nd,nd->d", sample, sample) / max(len(sample), 1))
    return mean, np.where(spread > 1e-6, spread, 1).astype(np.float32)


def epoch_probabilities(features: np.ndarray, labels: Labels, rng: np.random.Generator, epochs: int, train: np.ndarray | None = None) -> Iterator[np.ndarray]:
    """Class probabilities (N, K) of all examples after every epoch.

    Adam (0.01) from zero weights on standardized features, in batches of 256 or an eighth of smaller sets. The one random thing is the
    order of the batches.

    Args:
        features: (N, ...).
        labels: one unit per example.
        rng: shuffles.
        epochs: of training.
        train: (n,) the examples to learn from; default all live ones.
    """
    flat = features.reshape(len(features), -1)
    mean, spread = moments(flat)
    at = np.flatnonzero(labels.live) if train is None else train
    batch = min(BATCH, max(1, len(at) // STEPS))
    weight = torch.zeros(flat.shape[1], labels.num_classes, requires_grad=True)
    bias = torch.zeros(labels.num_classes, requires_grad=True)
    optimizer = torch.optim.Adam([weight, bias], lr=RATE)

    def scores(rows: np.ndarray | slice) -> torch.Tensor:
        return torch.from_numpy((flat[rows] - mean) / spread) @ weight + bias

    for _ in range(epochs):
        order = at[rng.permutation(len(at))]
        for start in range(0, len(order), batch):
            rows = order[start : start + batch]
            optimizer.zero_grad(set_to_none=True)
            F.cross_entropy(scores(rows), torch.from_numpy(labels.value[rows])).backward()
            optimizer.step()
        with torch.no_grad():
            steps = range(0, len(flat), 4096)
            yield torch.cat([scores(slice(start, start + 4096)).softmax(1) for start in steps]).numpy()
