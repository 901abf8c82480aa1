"""Free offsets (AUX)."""

from __future__ import annotations

from typing import ClassVar

import torch
from torch import Tensor

from benchmark.methods.base import RunInfo
from benchmark.methods.shared.ported import Ported
from benchmark.methods.step import Step


class Aux(Ported):
    """(f(x_i) + b_i - y_i)^2 with a free offset b_i of every unit, which takes in ``rate`` of its residual each time it is seen; f alone predicts.

    Hu, Li and Yu, 2020, arXiv:1905.11368, carried over to numbers (their b is scaled by lam and has the network's optimizer; plain gradient descent on
    lam b with rate lr moves the offset by 2 lr lam^2 of the residual, hence one hyper-parameter). In the wide limit it is ridge regression.
    One forward and one backward pass; memory N.
    """

    follows: ClassVar[dict[str, str]] = {
        "schedule": "ours, because it is carried over to numbers",
        "normalisation": "ours, because it is carried over to numbers: the mean squared error",
        "batch_statistics": "ours, because it is carried over to numbers: training's passes alone",
        "predicts": "as the paper: the network",
    }
    family = "regularization"
    cites = "Hu, Li and Yu, 2020, arXiv:1905.11368"

    offset: Tensor

    def __init__(self, rate: float = 0.05) -> None:
        super().__init__()
        self.rate = rate

    def setup(self, run: RunInfo) -> None:
        """Offsets of 0."""
        super().setup(run)
        self.register_buffer("offset", torch.zeros(run.num_units, device=run.device))

    def objective(self, step: Step) -> Tensor:
        """Mean squared error of prediction plus offset."""
        units = step.units()
        residual = units.output[:, 0] + self.offset[units.index] - units.target
        if step.repeat == 0:
            self.offset[units.index] -= self.rate * residual.detach()
            self.note(units, self.offset[units.index].abs(), step)
        return residual.square().mean()
