"""Noisy-label robust Bayesian point-wise optimization."""

from __future__ import annotations

import math
from collections.abc import Iterable
from typing import ClassVar

import torch
from torch import Tensor, nn
from torch.optim import Optimizer, SparseAdam

from benchmark import functional
from benchmark.methods.base import RunInfo
from benchmark.methods.shared.multilabel import Grid, MultiLabelMethod
from benchmark.methods.step import Step


class NBPO(MultiLabelMethod):
    """Ascent on log P(observed), P(observed 1) = r (1 - g), r = sigmoid(z), g = sigmoid(P_i'Q_k) = P(observed 0 | right 1): some zeros are missing ones.

    Yu and Qin, 2020, arXiv:2007.07204, for implicit feedback: an example stands for the user, a label for the item, and the network for their factors of r.
    Factors P (N, d) and Q (C, d) of g start near g = ``start``, with L2 ``decay`` on those of the batch. The released update is a surrogate,
    not the gradient of the likelihood; ``exact`` takes that gradient (see ``functional.missing_positive_slopes``). Predictions are r.
    One forward and one backward pass; memory N d.
    """

    native = frozenset()
    fidelity = "adapted"
    follows: ClassVar[dict[str, str]] = {
        "schedule": "ours, because a network takes the place of factors",
        "normalisation": "ours, because all labels of an example count (the paper: four sampled zeros for each one)",
        "batch_statistics": "ours, because the paper has no network: training's passes alone",
        "predicts": "ours, because a network takes the place of factors: it predicts r",
    }
    family = "loss correction"
    cites = "Yu and Qin, 2020, arXiv:2007.07204"
    keeps = "3 N d"
    differs = "a network in place of matrix factors of r, all labels of an example in place of four sampled zeros for each one, Adam in place of plain ascent"

    def __init__(self, exact: bool = False, rank: int = 8, start: float = 0.05, decay: float = 0.01, factor: float = 1.0) -> None:
        super().__init__()
        self.exact, self.rank, self.start, self.decay = exact, rank, start, decay
        self.factor = factor  # learning rate of P over that of the network

    def setup(self, run: RunInfo) -> None:
        """Factors with P'Q about logit(start): positive ones of examples, negative ones of labels."""
        size = math.sqrt(abs(math.log(self.start / (1 - self.start))) / self.rank)
        examples = size * (1 + 0.1 * torch.randn(run.num_examples, self.rank, device=run.device))
        self.of_example = nn.Embedding.from_pretrained(examples, freeze=False, sparse=True)
        self.of_label = nn.Parameter(-size * (1 + 0.1 * torch.randn(run.width, self.rank, device=run.device)))

    def trained_parameters(self) -> Iterable[nn.Parameter]:
        """The labels' factors join the network's optimizer."""
        return [self.of_label]

    def optimizers(self, lr: float) -> list[Optimizer]:
        """Adam on the examples' factors, rows of the batch."""
        return [SparseAdam(list(self.of_example.parameters()), lr=self.factor * lr)]

    def layout_loss(self, grid: Grid, step: Step) -> Tensor:
        """What has the slopes of the mean over the live entries as its gradient; its value is the log-loss plus the decay."""
        mine = self.of_example(step.index)
        flip = mine @ self.of_label.T
        r, g = grid.logit.detach().sigmoid(), flip.detach().sigmoid()
        slopes = functional.missing_positive_slopes(r, g, grid.label, self.exact)
        moved = slopes[0] * (grid.logit - grid.logit.detach()) + slopes[1] * (flip - flip.detach())
        seen = (r * (1 - g)).clamp(1e-6, 1 - 1e-6)
        loss = -torch.where(grid.label == 1, seen, 1 - seen).log()
        return grid.mean(loss - moved) + self.decay * (mine.square().mean() + self.of_label.square().mean())
