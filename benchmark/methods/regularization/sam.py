"""Sharpness-aware minimisation around any method."""

from __future__ import annotations

from collections.abc import Callable, Iterable, Sequence
from typing import ClassVar

import torch
from torch import Tensor, nn
from torch.optim import Optimizer

from benchmark.core.errors import ConfigError
from benchmark.methods.base import Method, Optimizers, Price
from benchmark.methods.shared.wrapper import Wrapper
from benchmark.methods.step import Step


class Climbing:
    """The optimizers of a step, which step with the gradient at the neighbour of highest loss.

    Args:
        optimizers: of the step.
        climb: moves weights (with gradients) to that neighbour.
        repeat: makes their gradients there.
    """

    def __init__(self, optimizers: Optimizers, climb: Callable[[Sequence[Tensor]], None], repeat: Callable[[], None]) -> None:
        self._optimizers, self._climb, self._repeat = optimizers, climb, repeat

    def zero_grad(self) -> None:
        """Forget the gradients."""
        self._optimizers.zero_grad()

    def parameters(self) -> Iterable[nn.Parameter]:
        """What the networks' optimizers train."""
        return self._optimizers.parameters()

    def step(self, by: Optimizer | None = None) -> None:
        """Climb, take the gradient there, step with it from where we were."""
        weights = [w for w in self.parameters() if w.grad is not None]
        before = [w.detach().clone() for w in weights]
        self._climb(weights)
        self.zero_grad()
        if by is not None:
            by.zero_grad()
        self._repeat()
        with torch.no_grad():
            for w, own in zip(weights, before, strict=True):
                w.copy_(own)
        self._optimizers.step(by)


class SAM(Wrapper):
    """Steps with the gradient at w + rho g / ||g|| of the base's objective, wherever the base's update makes a step.

    Foret et al., 2021, arXiv:2010.01412; rho is .05, and .1 in its experiments with wrong labels (setting=paper). ``adaptive`` is ASAM (Kwon
    et al., 2021, arXiv:2102.11600): at w + rho w^2 g / || w g ||, elementwise products (its rho is larger, 2 in the usual port). Only the
    networks' weights are perturbed, not a method's tables. Batch-norm statistics and memories come from the first pass alone, random pairs and
    weights of the base are the same in both. Two forward and two backward passes; one weight copy.

    Raises:
        ConfigError: the base steps along a gradient of its own (cdr, meta_self_refinement, sam).
    """

    follows: ClassVar[dict[str, str]] = {
        "schedule": "as the paper: none of its own",
        "normalisation": "as the paper: that of the base",
        "batch_statistics": "as the paper: from the first of the two passes alone",
        "predicts": "as the paper: the base",
    }
    family = "regularization"
    own_gradient = True
    cites = "Foret et al., 2021, arXiv:2010.01412"

    def __init__(self, base: Method, rho: float = 0.05, adaptive: bool = False) -> None:
        if base.own_gradient:
            raise ConfigError(f"method.base: {type(base).__name__} steps along a gradient of its own, which sam cannot take anew: wrap another method")
        super().__init__(base)
        self.rho, self.adaptive = rho, adaptive

    def passes(self, epochs: int) -> Price:
        """Twice the base's; its side trainings and predictions are made once."""
        once = self.base.passes(epochs)
        return Price(2 * once.forward, 2 * once.backward, once.at_most or type(self.base).passes is not Method.passes)

    def update(self, step: Step, backward: Callable[[Tensor], None], optimizers: Optimizers) -> Tensor:
        """The base's update, with the same random numbers for the second gradient."""
        rng = getattr(self.base, "rng", None)
        drawn = rng.bit_generator.state if rng is not None else None

        def repeat() -> None:
            if rng is not None:
                rng.bit_generator.state = drawn
            backward(self.base.objective(step.again()))

        return self.base.update(step, backward, Climbing(optimizers, self._climb, repeat))

    @torch.no_grad()
    def _climb(self, weights: Sequence[Tensor]) -> None:
        """To the neighbour of highest loss."""
        gradients = [w.grad for w in weights if w.grad is not None]
        scaled = [w.abs() * g for w, g in zip(weights, gradients, strict=True)] if self.adaptive else gradients
        factor = self.rho / (torch.stack([g.norm() for g in scaled]).norm() + 1e-12)
        for w, g in zip(weights, scaled, strict=True):
            w.add_((w.abs() if self.adaptive else 1) * g * factor)
