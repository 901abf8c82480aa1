"""Asymmetric loss for multi-label classification."""

from __future__ import annotations

from typing import ClassVar

from torch import Tensor

from benchmark import functional
from benchmark.methods.base import Method, Reduction
from benchmark.methods.step import Step


class ASL(Method):
    """-w [y log p + (1 - y) log q], q = min(1 - p + margin, 1), with focus w that fades easy entries, summed over batch and labels.

    Ridnik et al., 2021, arXiv:2009.14119. The reduction is the sum, as published: learning rates depend on it. gamma_positive
    is 0 as in the released training script (the class default is 1), and w carries no gradient as in the released class
    ``AsymmetricLoss`` (its "optimized" twin lets it through). One forward and one backward pass.
    """

    kinds = frozenset({"categorical"})
    problems = frozenset({"multilabel"})
    native = frozenset({"multilabel"})
    release = "Alibaba-MIIL/ASL@8c9e0bd"
    follows: ClassVar[dict[str, str]] = {
        "schedule": "as released: none of its own",
        "normalisation": "as released: the sum over batch and labels",
        "batch_statistics": "as released: training's passes alone",
        "predicts": "ours, because weights are not averaged: the network (released: the better on test of it and its average)",
    }
    family = "robust loss"
    cites = "Ridnik et al., 2021, arXiv:2009.14119"
    differs = "the network predicts (released: the better on test of it and the average of its weights)"
    reduction: ClassVar[Reduction] = "sum"
    version: ClassVar[int] = 2  # weight decay of SGD and Adam is that of a sum

    def __init__(self, gamma_negative: float = 4.0, gamma_positive: float = 0.0, margin: float = 0.05) -> None:
        super().__init__()
        self.gamma_negative, self.gamma_positive, self.margin = gamma_negative, gamma_positive, margin

    def objective(self, step: Step) -> Tensor:
        """Sum over the live entries of the (B, C) layout."""
        units = step.units()
        logit = units.output[:, 1] - units.output[:, 0]
        loss = functional.asymmetric_loss(logit, units.target, self.gamma_negative, self.gamma_positive, self.margin)
        return units.dense(loss, 0.0).sum()
