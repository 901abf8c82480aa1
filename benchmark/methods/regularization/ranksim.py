"""RankSim."""

from __future__ import annotations

from typing import ClassVar

import torch
from torch import Tensor

from benchmark.functional.ordering import rank_similarity
from benchmark.methods.base import Method, RunInfo
from benchmark.methods.step import Step


class RankSim(Method):
    """Squared error + gamma times the sum over examples of the mean squared difference of two rankings: of features by cosine to it, of targets by distance.

    Gong, Mori and Tung, 2022, arXiv:2205.15236. One example of each distinct target of the batch takes part, drawn at random, as in the released code, but at
    most ``most`` of them (sorting is most of the cost); ranks have the gradient of blackbox differentiation with ``lam``. gamma suits standardized
    targets and a full ``most``, 64 gamma = 1 (the authors: 100 for ages, whose squared error is a hundred times as large). A regularizer for
    imbalanced targets, here a baseline. One forward and one backward pass.
    """

    kinds = frozenset({"continuous"})
    native = frozenset({"regression"})
    release = "BorealisAI/ranksim-imbalanced-regression@9e1c862"
    follows: ClassVar[dict[str, str]] = {
        "schedule": "as released: none of its own",
        "normalisation": "ours, because targets are standardized: gamma suits a mean over at most 64 of them (released: a sum over all)",
        "batch_statistics": "as released: training's passes alone",
        "predicts": "as released: the network",
    }
    family = "regularization"
    cites = "Gong, Mori and Tung, 2022, arXiv:2205.15236"
    differs = "gamma for standardized targets; at most 64 targets a batch"
    version: ClassVar[int] = 2  # a sum over examples in place of their mean

    def __init__(self, gamma: float = 0.015625, lam: float = 2.0, most: int = 64) -> None:
        super().__init__()
        self.gamma, self.lam, self.most = gamma, lam, most

    def setup(self, run: RunInfo) -> None:
        """A generator of its own for the choice among equal targets."""
        self.rng = run.generator("ranksim")

    def objective(self, step: Step) -> Tensor:
        """Mean squared error plus regularizer."""
        feature = step.encode()
        units = step.flatten(step.head(0, feature))
        order = torch.from_numpy(self.rng.permutation(len(units.target)))
        _, group = units.target[order].unique(return_inverse=True)
        one_each = torch.zeros(int(group.max()) + 1, dtype=torch.long).scatter_(0, group.cpu(), order)
        one_each = one_each[torch.from_numpy(self.rng.permutation(len(one_each))[: self.most])]
        return self.loss(units.output, units.target).mean() + self.gamma * rank_similarity(feature, units.target, self.lam, one_each)
