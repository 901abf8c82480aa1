"""Sharpness-aware minimisation around any method."""

from __future__ import annotations

from collections.abc import Callable, Sequence

import torch
from torch import Tensor

from benchmark.methods.base import Method, Optimizers, Price
from benchmark.methods.wrapper import Wrapper
from benchmark.step import Step


class SAM(Wrapper):
    """Steps with the gradient at w + rho g / ||g|| of the base's objective.

    Foret et al., 2021, arXiv:2010.01412. ``adaptive`` is ASAM (Kwon et al., 2021, arXiv:2102.11600): at w + rho w^2 g / || w g ||, elementwise products
    (its rho is larger, 2 in the usual port). Only the networks' weights are perturbed, not a method's tables. Batch-norm statistics and memories come
    from the first pass alone, random pairs and weights of the base are the same in both. Two forward and two backward passes; one weight copy.
    """

    family = "regularization"
    cites = "Foret et al., 2021, arXiv:2010.01412"

    def __init__(self, base: Method, rho: float = 0.05, adaptive: bool = False) -> None:
        super().__init__(base)
        self.rho, self.adaptive = rho, adaptive

    def passes(self, epochs: int) -> Price:
        """Twice the base's; its side trainings and predictions are made once."""
        once = self.base.passes(epochs)
        return Price(2 * once.forward, 2 * once.backward, once.at_most or type(self.base).passes is not Method.passes)

    def update(self, step: Step, backward: Callable[[Tensor], None], optimizers: Optimizers) -> Tensor:
        """Climb to the neighbour of highest loss, take its gradient, step from where we were."""
        optimizers.zero_grad()
        rng = getattr(self.base, "rng", None)
        drawn = rng.bit_generator.state if rng is not None else None
        value = self.base.objective(step)
        backward(value)
        weights = [w for w in optimizers.parameters() if w.grad is not None]
        before = [w.detach().clone() for w in weights]
        self._climb(weights)
        optimizers.zero_grad()
        if rng is not None:
            rng.bit_generator.state = drawn
        backward(self.base.objective(step.again()))
        with torch.no_grad():
            for w, own in zip(weights, before, strict=True):
                w.copy_(own)
        optimizers.step()
        return value.detach()

    @torch.no_grad()
    def _climb(self, weights: Sequence[Tensor]) -> None:
        """To the neighbour of highest loss."""
        gradients = [w.grad for w in weights if w.grad is not None]
        scaled = [w.abs() * g for w, g in zip(weights, gradients, strict=True)] if self.adaptive else gradients
        factor = self.rho / (torch.stack([g.norm() for g in scaled]).norm() + 1e-12)
        for w, g in zip(weights, scaled, strict=True):
            w.add_((w.abs() if self.adaptive else 1) * g * factor)
