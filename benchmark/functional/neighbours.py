"""Neighbourhoods: intrinsic dimension, outliers in short series, and subsets that stand for the rest."""

from __future__ import annotations

import numpy as np
import torch
from torch import Tensor


def intrinsic_dimension(feature: Tensor, neighbours: int) -> Tensor:
    """Mean over a batch (B, D) of the local intrinsic dimension -1 / mean_j log(d_j / d_k), j = 1..k nearest neighbours in the batch.

    The maximum likelihood estimate of Amsaleg et al., 2015. Duplicates (distance 0) count as distance 1e-12 of the farthest one.
    """
    k = min(neighbours, len(feature) - 1)
    if k < 2:
        return feature.new_tensor(float("nan"))
    distance = torch.cdist(feature, feature).fill_diagonal_(float("inf"))
    near = distance.topk(k, largest=False, sorted=True).values
    ratio = (near / near[:, -1:].clamp(min=1e-30)).clamp(1e-12, 1)
    mean = ratio.log().mean(1)
    return (-1 / mean[mean < 0]).mean()


def outlier_factor(series: Tensor, neighbours: int) -> Tensor:
    """Local outlier factor of every number in its own series (U, T) -> (U, T): density of its neighbours over its own; above 1.5 is far out.

    Breunig et al., 2000; the k nearest of T numbers, ties broken by position. Memory U T^2.
    """
    length = series.shape[1]
    distance = (series[:, :, None] - series[:, None, :]).abs()
    distance.diagonal(dim1=1, dim2=2).fill_(float("inf"))
    near, who = distance.sort(dim=2, stable=True)
    near, who = near[:, :, :neighbours], who[:, :, :neighbours]
    reach = near[:, :, -1]  # (U, T) distance to the k-th neighbour
    flat = who.reshape(len(series), length * neighbours)
    density = 1 / (torch.maximum(reach.gather(1, flat).view_as(near), near).mean(2) + 1e-10)
    return density.gather(1, flat).view_as(near).mean(2) / density


def medoids(vectors: np.ndarray, count: int) -> tuple[np.ndarray, np.ndarray]:
    """Greedy facility location: ``count`` rows of (M, D) whose nearest-one distances to all others have the smallest sum, and how many rows each stands for.

    The greedy sum of max similarity, similarity = largest distance - distance, is within 1 - 1/e of the best (Nemhauser et al., 1978).
    Memory M^2: for small groups.

    >>> chosen, size = medoids(np.array([[0.0], [0.1], [0.2], [9.0], [9.1]]), 2)
    >>> chosen.tolist(), size.tolist()
    ([2, 3], [3, 2])
    """
    squared = (vectors**2).sum(1)
    distance = np.sqrt(np.maximum(squared[:, None] + squared - 2 * vectors @ vectors.T, 0))
    similarity = distance.max() - distance
    covered, chosen, gain = np.zeros(len(vectors)), np.zeros(count, dtype=np.int64), similarity.sum(0)
    for step in range(count):
        chosen[step] = best = gain.argmax()
        better = np.flatnonzero(similarity[:, best] > covered)  # only these rows change what the others would gain
        near, before, after = similarity[better], covered[better, None], similarity[better, best, None]
        gain += np.maximum(near, after).sum(0) - np.maximum(near, before).sum(0)
        covered[better], gain[best] = after[:, 0], -np.inf
    return chosen, np.bincount(similarity[:, chosen].argmax(1), minlength=count)
