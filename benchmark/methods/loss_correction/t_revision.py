"""T-Revision."""

from __future__ import annotations

from collections.abc import Callable
from typing import ClassVar, Literal

import torch
from torch import Tensor, nn
from torch.optim import Adam, Optimizer

from benchmark import functional
from benchmark.core.types import Optimizers
from benchmark.methods.base import Price, RunInfo
from benchmark.methods.loss_correction.corrected import Corrected
from benchmark.methods.step import Step


class TRevision(Corrected):
    """Trains on p_y / (p T)_y CE_y with an estimated T, then revises T + dT together with the network.

    Xia et al., 2019, arXiv:1906.00189. Stage 1 estimates T at anchor points (a tenth of the epochs, 20 of 200); stage 2 trains as long
    as plain training with the weighted loss; stage 3, as long again, learns dT and the network with Adam at ``revision_lr``.
    The weight carries gradient to dT alone: through p it would reward p_y -> 0, and in the released code it carries none at all, so that
    dT never moves; ``through_weight`` lets it through p as well. Released: rows of T are divided by the sums of other rows, the first version adds dT
    once per sample, stages start from the best noisy validation accuracy. 2.1 forward and backward passes.
    """

    release = "xiaoboxia/T-Revision@b598cf2"
    follows: ClassVar[dict[str, str]] = {
        "schedule": "ours, because nothing is chosen on validation: stages go on from the last weights (released: from the best)",
        "normalisation": "ours, because dT is to move: the weight has a gradient to it; rows of T by their own sums (released: by those of others)",
        "batch_statistics": "as released: evaluation mode where T is read",
        "predicts": "as released: the network",
    }
    cites = "Xia et al., 2019, arXiv:1906.00189"
    differs = "rows of T are normalised by their own sums; dT gets a gradient; stages go on from the last weights, not from the best on validation"
    epoch_factor = 2.0

    revision: nn.Parameter

    def __init__(
        self,
        estimator: Literal["oracle", "anchor", "dual_t", "hoc"] = "anchor",
        percentile: float | None = 97.0,
        first_stage: float = 0.1,
        revision_lr: float = 5e-7,
        through_weight: bool = False,
    ) -> None:
        super().__init__(estimator, percentile, first_stage / self.epoch_factor)
        self.revision_lr, self.through_weight = revision_lr, through_weight
        self._optimizer: Optimizer | None = None

    def passes(self, epochs: int) -> Price:
        """Two trainings and the first stage, in epochs of the trainer."""
        twice = super().passes(round(self.epoch_factor * epochs))
        return Price(self.epoch_factor * twice.forward, self.epoch_factor * twice.backward)

    def setup(self, run: RunInfo) -> None:
        """dT = 0."""
        super().setup(run)
        self.start = run.epochs // 2
        layers = run.width if run.problem == "multilabel" else 1
        self.revision = nn.Parameter(torch.zeros(layers, run.num_classes, run.num_classes, device=run.device))

    def objective(self, step: Step) -> Tensor:
        """Mean weighted cross entropy."""
        units = step.units()
        p = units.output.softmax(1) if self.through_weight else units.output.detach().softmax(1)
        matrix = self.of_units(self.transition + self.revision, units)
        weight = functional.importance_weight(p, units.target, matrix)
        return (weight * self.loss(units.output, units.target)).mean()

    def update(self, step: Step, backward: Callable[[Tensor], None], optimizers: Optimizers) -> Tensor:
        """In the last stage one Adam of its own trains the network and dT."""
        if step.epoch < self.start:
            return super().update(step, backward, optimizers)
        if self._optimizer is None:
            self._optimizer = Adam([*optimizers.parameters(), self.revision], lr=self.revision_lr)
        self._optimizer.zero_grad()
        value = self.objective(step)
        backward(value)
        optimizers.step(by=self._optimizer)
        return value.detach()

    def estimated_transition(self) -> Tensor:
        """The revised T, its rows normalised."""
        return functional.row_normalized(self.transition + self.revision.detach())
