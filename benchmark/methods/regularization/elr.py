"""Early-learning regularization."""

from __future__ import annotations

from typing import ClassVar

import torch
from torch import Tensor

from benchmark import functional
from benchmark.methods.base import Method, RunInfo
from benchmark.methods.step import Step


class ELR(Method):
    """CE + lam log(1 - <t_i, p_i>) with a memory t_i <- beta t_i + (1 - beta) p_i of each unit's predictions.

    Liu et al., 2020, arXiv:2007.00151. The memory takes in the current prediction (clamped to [1e-4, 1 - 1e-4], normalised,
    without gradient) before the regularizer is formed, as in the paper and the released code. One forward and one backward
    pass; memory num_units x K.
    """

    version: ClassVar[int] = 2  # 1: on tokens too the defaults of images
    kinds = frozenset({"categorical"})
    keeps = "N K"
    release = "shengliu66/ELR@934af53"
    follows: ClassVar[dict[str, str]] = {
        "schedule": "as released: none of its own",
        "normalisation": "as released: the mean over units",
        "batch_statistics": "as released: the memory takes in the training pass's prediction",
        "predicts": "as released: the network",
    }
    family = "regularization"
    cites = "Liu et al., 2020, arXiv:2007.00151"
    developed_on: ClassVar[tuple[str, ...]] = ("newswire", "wikigold")

    memory: Tensor
    target: Tensor

    def __init__(self, lam: float = 3.0, beta: float = 0.7) -> None:
        super().__init__()
        self.lam, self.beta = lam, beta

    def setup(self, run: RunInfo) -> None:
        """An empty memory."""
        self.register_buffer("memory", torch.zeros(run.num_units, run.num_classes, device=run.device))
        self.register_buffer("target", run.observed["train"].value.to(run.device))

    def objective(self, step: Step) -> Tensor:
        """Mean cross entropy plus regularizer."""
        units = step.units()
        p = units.output.softmax(1).clamp(1e-4, 1 - 1e-4)
        if step.repeat == 0:
            seen = p.detach() / p.detach().sum(1, keepdim=True)
            self.memory[units.index] = self.beta * self.memory[units.index] + (1 - self.beta) * seen
        regularizer = functional.elr_regularizer(p, self.memory[units.index])
        return (self.loss(units.output, units.target) + self.lam * regularizer).mean()

    def suspicion(self) -> Tensor:
        """How far the memory is from the given label: 1 - t_y / sum t."""
        given = self.memory.gather(1, self.target.clamp(min=0).unsqueeze(1)).squeeze(1)
        return 1 - given / self.memory.sum(1).clamp(min=1e-12)
