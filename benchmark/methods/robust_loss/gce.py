"""Generalized cross entropy."""

from __future__ import annotations

from collections.abc import Sequence
from typing import ClassVar

import torch
from torch import Tensor

from benchmark import functional
from benchmark.core.types import Evaluate, Phase
from benchmark.methods.base import Method, Price, RunInfo
from benchmark.methods.step import Step


class GCE(Method):
    """(1 - p_y^q) / q: q -> 0 is cross entropy, q = 1 is the mean absolute error / 2.

    Zhang and Sabuncu, 2018, arXiv:1805.07836. output (U, K) logits, target (U,) long -> (U,). One forward and one
    backward pass.

    ``truncate`` = k (the paper: .5) leaves out units with p_y <= k, whose loss is the constant (1 - k^q) / q: from a share ``start`` of the epochs
    on, and then every share ``every`` (40 and 10 of 120), all training units are predicted and chosen anew. The released code
    predicts with the checkpoint of best validation accuracy; here the current network does, so nothing is selected on validation.
    """

    version: ClassVar[int] = 2  # 1: on tokens too the defaults of images
    kinds = frozenset({"categorical"})
    follows: ClassVar[dict[str, str]] = {
        "schedule": "as the paper: none; truncated from a third of the epochs on, every twelfth",
        "normalisation": "as the paper: the mean over units, a constant for those left out",
        "batch_statistics": "ours, because nothing is chosen on validation: the current network prunes, in evaluation mode",
        "predicts": "as the paper: the network",
    }
    family = "robust loss"
    cites = "Zhang and Sabuncu, 2018, arXiv:1805.07836"
    developed_on: ClassVar[tuple[str, ...]] = ("newswire", "wikigold")
    differs = "truncated: the current network chooses, not the best checkpoint on validation"

    kept: Tensor
    target: Tensor

    def __init__(self, q: float = 0.7, truncate: float | None = None, start: float = 1 / 3, every: float = 1 / 12) -> None:
        super().__init__()
        self.q, self.truncate, self.start, self.every = q, truncate, start, every
        self.keeps = "" if truncate is None else "N"  # type: ignore[misc]

    def passes(self, epochs: int) -> Price:
        """One of each, and a forward pass whenever units are chosen."""
        return Price(1 + sum(self._chooses(epoch, epochs) for epoch in range(epochs)) / epochs, 1)

    def _chooses(self, epoch: int, epochs: int) -> bool:
        after = epoch - round(self.start * epochs)
        return self.truncate is not None and after >= 0 and after % max(1, round(self.every * epochs)) == 0

    def setup(self, run: RunInfo) -> None:
        """Everything is kept at first."""
        self.epochs = run.epochs
        if self.truncate is not None:
            self.register_buffer("kept", torch.ones(run.num_units, dtype=torch.bool, device=run.device))
            self.register_buffer("target", run.observed["train"].value.to(run.device))

    def phases(self, epoch: int, evaluate: Evaluate) -> Sequence[Phase]:
        """Choose where it is due; an epoch trains on everything that is kept."""
        if self.truncate is not None and self._chooses(epoch, self.epochs):
            likelihood = evaluate("train").gather(1, self.target.clamp(min=0).unsqueeze(1)).squeeze(1)
            self.kept = likelihood > self.truncate
        return super().phases(epoch, evaluate)

    def loss(self, output: Tensor, target: Tensor) -> Tensor:
        """(1 - p_y^q) / q."""
        return functional.gce(output, target, self.q)

    def objective(self, step: Step) -> Tensor:
        """Mean loss; what is left out counts as a constant, of which the gradient is zero."""
        if self.truncate is None:
            return super().objective(step)
        units = step.units()
        loss = self.loss(units.output, units.target)
        constant = functional.gce(loss.new_tensor([[self.truncate, 1 - self.truncate]]).log(), units.target.new_zeros(1), self.q)
        return torch.where(self.kept[units.index], loss, constant).mean()

    def suspicion(self) -> Tensor | None:
        """Truncated: whether a unit is left out."""
        return None if self.truncate is None else (~self.kept).float()
