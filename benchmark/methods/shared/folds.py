"""Predictions for training units by networks that never saw their examples."""

from __future__ import annotations

import numpy as np
import torch
from torch import Tensor

from benchmark.methods.base import FitFunction, RunInfo


def units_of(examples: np.ndarray, width: int) -> Tensor:
    """Unit ids of examples, (len(examples) * width,)."""
    return torch.from_numpy((examples[:, None] * width + np.arange(width)).reshape(-1))


def held_out(fit: FitFunction, run: RunInfo, folds: int) -> Tensor:
    """(num_units, K) probabilities from ``folds`` side trainings, each on the other folds."""
    out = torch.zeros(run.num_units, run.num_classes)
    for held in run.folds(folds):
        out[units_of(held, run.width)] = fit(indices=np.setdiff1d(np.arange(run.num_examples), held)).predict(held).cpu()
    return out
