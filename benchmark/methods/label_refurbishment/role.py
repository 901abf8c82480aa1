"""Regularized online label estimation."""

from __future__ import annotations

from typing import ClassVar

import torch
from torch import Tensor, nn
from torch.optim import Optimizer, SparseAdam

from benchmark import functional
from benchmark.methods.base import RunInfo
from benchmark.methods.shared.multilabel import Grid, MultiLabelMethod, expected_number, observed_positives
from benchmark.methods.step import Step


class ROLE(MultiLabelMethod):
    """1/2 [pos(p) + CE(p, sg q) + R(p)] + 1/2 [pos(q) + CE(q, sg p) + R(q)]: the classifier p and a table q = sigmoid(theta) estimate the labels together.

    Cole et al., 2021, arXiv:2106.09708. pos(a) = -log a at observed positives, CE(a, b) = -b log a - (1 - b) log(1 - a), both means over
    entries with 1e-5 inside the logarithms, R the regularizer of ``epr``; sg stops the gradient. theta starts at logit(.995) at observed
    positives, elsewhere uniform within logit(.6) of 0. It knows the expected number of positives. One forward and one backward pass;
    memory N x C.
    """

    needs = frozenset({"noise_rate"})
    release = "elijahcole/single-positive-multi-label@89152d5"
    follows: ClassVar[dict[str, str]] = {
        "schedule": "as released: none of its own",
        "normalisation": "as released: halves of means over entries, 1e-5 in the logarithm",
        "batch_statistics": "as released: training's passes alone",
        "predicts": "as released: the network, not the table",
    }
    family = "label refurbishment"
    cites = "Cole et al., 2021, arXiv:2106.09708"
    keeps = "3 N C"
    differs = "the table is sparse: Adam touches the rows of the batch only; the linear initialisation of ROLE + LI is left out"

    target: Tensor

    def __init__(self, factor: float = 10.0) -> None:
        super().__init__()
        self.factor = factor  # learning rate of the table over that of the network

    def setup(self, run: RunInfo) -> None:
        """The table and the expected number of positives."""
        self.positives = expected_number(run)
        positive = observed_positives(run)
        self.register_buffer("target", positive)
        edge, sure = torch.logit(torch.tensor([0.6, 0.995])).tolist()
        start = torch.empty_like(positive).uniform_(-edge, edge)
        self.theta = nn.Embedding.from_pretrained(torch.where(positive == 1, sure, start), freeze=False, sparse=True)

    def optimizers(self, lr: float) -> list[Optimizer]:
        """Adam on the rows of the batch."""
        return [SparseAdam(list(self.theta.parameters()), lr=self.factor * lr)]

    def layout_loss(self, grid: Grid, step: Step) -> Tensor:
        """Both halves."""
        p, q = grid.logit.sigmoid(), self.theta(step.index).sigmoid()
        return 0.5 * (self._half(grid, p, q.detach()) + self._half(grid, q, p.detach()))

    def _half(self, grid: Grid, a: Tensor, b: Tensor) -> Tensor:
        positives = (grid.label * functional.negative_log(a)).mean()
        agreement = functional.soft_binary(a, b).mean()
        return positives + agreement + functional.expected_positives(a, self.positives)

    def suspicion(self) -> Tensor:
        """How far the table is from the given label."""
        return (self.theta.weight.detach().sigmoid() - self.target).abs().reshape(-1)
