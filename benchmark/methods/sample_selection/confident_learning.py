"""Confident learning: prune and retrain."""

from __future__ import annotations

from collections.abc import Sequence
from typing import ClassVar

import numpy as np
import torch
from cleanlab.filter import find_label_issues
from torch import Tensor

from benchmark.core.types import Evaluate, Phase
from benchmark.methods.base import FitFunction, Method, Price, RunInfo
from benchmark.methods.step import Step


class ConfidentLearning(Method):
    """Drops the labels that out-of-fold predictions contradict, then trains on the rest.

    Northcutt, Jiang and Chuang, 2021, arXiv:1911.00068, through the authors' library cleanlab (``filter_by`` is its name of
    the rule). Tokens are pruned as single units, multi-label tasks label by label; an example without any kept unit leaves
    training. Side trainings: ``folds`` networks on (folds - 1) / folds of the data; then one forward and one backward pass.
    """

    kinds = frozenset({"categorical"})
    native = frozenset({"multiclass", "multilabel"})
    keeps = "N"
    follows: ClassVar[dict[str, str]] = {
        "schedule": "as the paper: folds, then training on what is kept",
        "normalisation": "as the paper: the mean over kept units",
        "batch_statistics": "as the paper: held-out networks in evaluation mode",
        "predicts": "as the paper: the network",
    }
    family = "sample selection"
    cites = "Northcutt, Jiang and Chuang, 2021, arXiv:1911.00068"

    weight: Tensor
    quality: Tensor

    def __init__(self, folds: int = 4, filter_by: str = "prune_by_noise_rate") -> None:
        super().__init__()
        self.folds, self.filter_by = folds, filter_by

    def passes(self, epochs: int) -> Price:
        """The folds' networks, one pass over held-out examples, and training on what is kept."""
        return Price(self.folds + 1 / epochs, self.folds, at_most=True)

    def prepare(self, fit: FitFunction, run: RunInfo) -> None:
        """Out-of-fold probabilities, then cleanlab's rule."""
        seen, width = run.observed["train"], run.width
        probability = np.zeros((run.num_units, run.num_classes))
        for held in run.folds(self.folds):
            units = (held[:, None] * width + np.arange(width)).reshape(-1)
            probability[units] = fit(indices=np.setdiff1d(np.arange(run.num_examples), held)).predict(held).cpu().numpy()
        given, live, column = seen.value.numpy(), seen.live.numpy(), seen.column.numpy()
        weight = live.astype(np.float32)
        for c in range(width) if run.problem == "multilabel" else [None]:
            at = np.flatnonzero(live if c is None else live & (column == c))
            if len(np.unique(given[at])) > 1:
                weight[at[find_label_issues(given[at], probability[at], filter_by=self.filter_by, n_jobs=1)]] = 0
        own = probability[np.arange(len(given)), np.maximum(given, 0)]
        self.register_buffer("weight", torch.from_numpy(weight).to(run.device))
        self.register_buffer("quality", torch.from_numpy(own).float().to(run.device))
        self.kept = np.flatnonzero(weight.reshape(-1, width).any(1))

    def phases(self, epoch: int, evaluate: Evaluate) -> Sequence[Phase]:
        """The examples that have a kept label."""
        return (Phase(indices=self.kept),)

    def objective(self, step: Step) -> Tensor:
        """Mean loss over the kept units."""
        units = step.units()
        weight = self.weight[units.index]
        return (weight * self.loss(units.output, units.target)).sum() / weight.sum().clamp(min=1)

    def suspicion(self) -> Tensor:
        """1 - self-confidence, and pruned labels before all others."""
        return (1 - self.quality) + (1 - self.weight)
