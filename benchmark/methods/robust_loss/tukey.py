"""Tukey's biweight."""

from __future__ import annotations

from typing import ClassVar

import torch
from torch import Tensor

from benchmark.core.types import Evaluate
from benchmark.functional.residuals import median_deviation, tukey
from benchmark.methods.base import Method, RunInfo
from benchmark.methods.step import Step


class Tukey(Method):
    """s^2 c^2 / 6 (1 - (1 - (r / (c s))^2)^3), constant beyond c s: residuals that large have no gradient. s = 1.4826 MAD of the residuals.

    Beaton and Tukey, 1974, Technometrics 16(2). The first epoch minimizes the absolute error; after every epoch s is estimated from the residuals
    that its batches had. The factor s^2 keeps the gradient of small residuals at r. One forward and one backward pass; memory N.
    """

    kinds = frozenset({"continuous"})
    native = frozenset({"regression"})
    keeps = "N"
    warm_up = True
    follows: ClassVar[dict[str, str]] = {
        "schedule": "as the paper: absolute errors first, the scale after every epoch",
        "normalisation": "as the paper: the mean over units",
        "batch_statistics": "as the paper: training's passes alone",
        "predicts": "as the paper: the network",
    }
    family = "robust loss"
    cites = "Beaton and Tukey, 1974, Technometrics 16(2)"

    residual: Tensor
    scale: Tensor

    def __init__(self, c: float = 4.685) -> None:
        super().__init__()
        self.c = c

    def setup(self, run: RunInfo) -> None:
        """No residual yet; scale 0 stands for the absolute error."""
        self.register_buffer("residual", torch.zeros(run.num_units, device=run.device))
        self.register_buffer("scale", torch.zeros((), device=run.device))

    def loss(self, output: Tensor, target: Tensor) -> Tensor:
        """output (U, 1), target (U,) -> (U,)."""
        return (output[:, 0] - target).abs() if self.scale == 0 else tukey(output, target, self.c, self.scale)

    def objective(self, step: Step) -> Tensor:
        """Mean loss; residuals are noted."""
        units = step.units()
        if step.repeat == 0:
            self.residual[units.index] = (units.output[:, 0] - units.target).detach()
        return self.loss(units.output, units.target).mean()

    def on_epoch_end(self, epoch: int, evaluate: Evaluate) -> None:
        """The scale of the next epoch."""
        self.scale = median_deviation(self.residual).clamp(min=1e-3)

    def suspicion(self) -> Tensor:
        """The last residual's size."""
        return self.residual.abs()
