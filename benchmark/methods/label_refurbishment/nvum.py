"""Non-volatile unbiased memory."""

from __future__ import annotations

from collections.abc import Callable
from typing import ClassVar

import torch
from torch import Tensor
from torch.nn import functional as F  # noqa: N812

from benchmark.core.types import Optimizers
from benchmark.methods.base import Price, RunInfo, activate
from benchmark.methods.shared.multilabel import Grid, MultiLabelMethod, observed_positives
from benchmark.methods.step import Step


class NVUM(MultiLabelMethod):
    """mean [BCE(z, y) + log(1 - sigmoid(q clip(p, 1e-4, 1 - 1e-4)))], q = lam m_i + (1 - lam) m_perm(i), with a memory of prior-subtracted logits.

    Liu et al., 2022, arXiv:2103.04053, released as FBLADL/NVUM. m_i <- .9 m_i + .1 (z'_i - log(pi + 1e-12)), from 0; z' are
    logits of a moving average of the weights with the statistics of the batch, pi the frequency of each label in training.
    lam = max(u, 1 - u), u ~ U(0, 1) once per batch; only the memory is mixed, not inputs or labels. The moving average predicts,
    as released, with statistics that it gathered itself. Two forward passes, one of them by the average, and one backward.
    """

    version: ClassVar[int] = 2
    networks, averaged = 2, 1
    release = "FBLADL/NVUM@86d431d"
    follows: ClassVar[dict[str, str]] = {
        "schedule": "as released: none of its own",
        "normalisation": "as released: the mean over entries",
        "batch_statistics": "as released: the average is in training mode, gathers statistics of its own and leans towards the network's",
        "predicts": "as released: the average, by the statistics that it gathered",
    }
    family = "label refurbishment"
    cites = "Liu et al., 2022, arXiv:2103.04053"
    keeps = "N C, a copy of the weights"
    differs = "no factor of the regularizer: its released default is 1"

    memory: Tensor
    prior: Tensor
    target: Tensor
    begun: Tensor

    def __init__(self, momentum: float = 0.9, decay: float = 0.99) -> None:
        super().__init__()
        self.momentum, self.decay = momentum, decay

    def passes(self, epochs: int) -> Price:
        """A second forward pass with averaged weights."""
        return Price(2, 1)

    def setup(self, run: RunInfo) -> None:
        """An empty memory, and the prior."""
        self.rng = run.generator("nvum")
        positive, live = observed_positives(run), run.observed["train"].live.reshape(run.num_examples, run.width).to(run.device)
        self.register_buffer("memory", torch.zeros_like(positive))
        self.register_buffer("prior", positive.sum(0) / live.sum(0).clamp(min=1))
        self.register_buffer("target", positive)
        self.register_buffer("begun", torch.zeros((), dtype=torch.bool, device=run.device))

    def update(self, step: Step, backward: Callable[[Tensor], None], optimizers: Optimizers) -> Tensor:
        """Let the memory take in the average's logits, then make a step, which the average follows; it begins as a copy."""
        if not bool(self.begun):
            step.average(0, 1, 0.0)
            self.begun.fill_(True)
        with torch.no_grad():
            logit = step.forward(1)
        if step.repeat == 0:
            self.remember(step.index, logit)
        value = super().update(step, backward, optimizers)
        step.average(0, 1, self.decay)
        return value

    def predict(self, step: Step) -> Tensor:
        """Return the probabilities of the moving average."""
        return activate(step.units(1).output)

    def remember(self, index: Tensor, logit: Tensor) -> None:
        """m <- .9 m + .1 (z' - log pi) for the examples ``index`` (B,) with logits (B, C)."""
        fresh = logit - (self.prior + 1e-12).log()
        self.memory[index] = self.momentum * self.memory[index] + (1 - self.momentum) * fresh

    def layout_loss(self, grid: Grid, step: Step) -> Tensor:
        """BCE plus the memory's regularizer."""
        u = self.rng.random()
        lam = max(u, 1 - u)
        own = self.memory[step.index]
        q = lam * own + (1 - lam) * own[torch.from_numpy(self.rng.permutation(len(own)))]
        p = grid.logit.sigmoid().clamp(1e-4, 1 - 1e-4)
        loss = F.binary_cross_entropy_with_logits(grid.logit, grid.label, reduction="none")
        return grid.mean(loss + F.logsigmoid(-q * p))

    def suspicion(self) -> Tensor:
        """How far the memory's probability is from the given label."""
        return ((self.memory + (self.prior + 1e-12).log()).sigmoid() - self.target).abs().reshape(-1)
