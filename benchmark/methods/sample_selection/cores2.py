"""Confidence-regularized sample sieve."""

from __future__ import annotations

from typing import ClassVar

import torch
from torch import Tensor

from benchmark import functional
from benchmark.methods.base import Method, RunInfo
from benchmark.methods.step import Step


class Cores2(Method):
    """CE_y - beta sum_k P(k) CE_k: confident predictions are rewarded; then only units with CE_y <= mean_k CE_k are trained on.

    Cheng et al., 2021, arXiv:2010.02347, phase 1 (the second phase is consistency training on what is left out, a method of its own). beta is 0 for
    a share ``start`` of the epochs, rises linearly to its value over ``ramp``, and the sieve begins after ``sieve`` (10, 30 and 30 of 100). The loss is the
    mean over the kept units. The classes of the regularizer are weighted by their share of the noisy labels as in the paper, in the released code
    by that among the labels that the sieve kept in the epoch before; with the plain mean (``prior=false``) no entity is found in text.
    CE = -log(p + 1e-8). One forward and one backward pass.
    """

    kinds = frozenset({"categorical"})
    warm_up = True
    keeps = "N"
    release = "UCSC-REAL/cores@cf0945e"
    follows: ClassVar[dict[str, str]] = {
        "schedule": "ours, because shares of the epochs count: the sieve begins at epoch 30 of 100 (released 31), beta is full at 40 (released 39)",
        "normalisation": "ours, because labels are counted once: the prior stays (released: without what the sieve left out); the mean over kept units",
        "batch_statistics": "as released: training's passes alone",
        "predicts": "as released: the network",
    }
    family = "sample selection"
    cites = "Cheng et al., 2021, arXiv:2010.02347"
    differs = (
        "phase 1 alone; the prior of the labels stays (released: without what the sieve left out, "
        "epoch by epoch); the sieve begins an epoch earlier, beta is full an epoch later"
    )

    weights: Tensor
    margin: Tensor

    def __init__(self, beta: float = 2.0, start: float = 0.1, ramp: float = 0.3, sieve: float = 0.3, prior: bool = True) -> None:
        super().__init__()
        self.beta, self.start, self.ramp, self.sieve, self.prior = beta, start, ramp, sieve, prior

    def setup(self, run: RunInfo) -> None:
        """Weights (L, K) of the classes in the regularizer, and every unit's last CE_y - mean_k CE_k."""
        self.epochs = run.epochs
        share = functional.label_prior(run.observed["train"], run.num_classes, run.problem == "multilabel")
        self.register_buffer("weights", (share if self.prior else torch.full_like(share, 1 / run.num_classes)).to(run.device))
        self.register_buffer("margin", torch.zeros(run.num_units, device=run.device))

    def objective(self, step: Step) -> Tensor:
        """Mean over the units that pass the sieve."""
        units = step.units()
        cost = functional.bounded_cross_entropy(units.output)
        own = cost.gather(1, units.target.unsqueeze(1)).squeeze(1)
        margin = (own - cost.mean(1)).detach()
        if step.repeat == 0:
            self.margin[units.index] = margin
        weights = self.weights[units.column] if len(self.weights) > 1 else self.weights[0]
        beta = self.beta * functional.linear_ramp(step.epoch, self.epochs, self.start, self.ramp)
        loss = own - beta * (weights * cost).sum(1)
        kept = (margin <= 0) | (step.epoch < self.sieve * self.epochs)
        return (loss * kept).sum() / kept.sum().clamp(min=1)

    def suspicion(self) -> Tensor:
        """CE_y - mean_k CE_k when the unit was last seen; the sieve keeps what is below 0."""
        return self.margin
