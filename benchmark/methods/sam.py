"""Sharpness-aware minimisation around any method."""

from __future__ import annotations

from collections.abc import Callable

import torch
from torch import Tensor

from benchmark.methods.base import Method, Optimizers, Price
from benchmark.methods.wrapper import Wrapper
from benchmark.step import Step


class SAM(Wrapper):
    """Steps with the gradient at w + rho g / ||g|| of the base's objective.

    Foret et al., 2021, arXiv:2010.01412. Only the networks' weights are perturbed, not a method's tables. Batch-norm
    statistics and memories come from the first pass alone. Two forward and two backward passes.
    """

    cites = "Foret et al., 2021, arXiv:2010.01412"

    def __init__(self, base: Method, rho: float = 0.05) -> None:
        super().__init__(base)
        self.rho = rho

    def passes(self, epochs: int) -> Price:
        """Twice the base's; its side trainings and predictions are made once."""
        once = self.base.passes(epochs)
        return Price(2 * once.forward, 2 * once.backward, once.at_most or type(self.base).passes is not Method.passes)

    def update(self, step: Step, backward: Callable[[Tensor], None], optimizers: Optimizers) -> Tensor:
        """Climb to the neighbour of highest loss, take its gradient, step from where we were."""
        optimizers.zero_grad()
        value = self.base.objective(step)
        backward(value)
        weights = [w for w in optimizers.parameters() if w.grad is not None]
        with torch.no_grad():
            gradients = [w.grad for w in weights if w.grad is not None]
            norm = torch.stack([g.norm() for g in gradients]).norm()
            climb = [g * (self.rho / (norm + 1e-12)) for g in gradients]
            for w, e in zip(weights, climb, strict=True):
                w.add_(e)
        optimizers.zero_grad()
        backward(self.base.objective(step.again()))
        with torch.no_grad():
            for w, e in zip(weights, climb, strict=True):
                w.sub_(e)
        optimizers.step()
        return value.detach()
