"""Robust early-learning (CDR)."""

from __future__ import annotations

from collections.abc import Callable
from typing import ClassVar

import torch
from torch import Tensor
from torch.optim import Optimizer

from benchmark.core.types import Optimizers
from benchmark.methods.base import RunInfo
from benchmark.methods.shared.ported import Ported
from benchmark.methods.step import Step


class CDR(Ported):
    """Only the (1 - r) share of parameters with the largest |theta g| follows the gradient; the others decay, theta <- theta - lr decay sign(theta).

    Xia et al., 2021, ICLR (Robust early-learning), carried over to squared errors. The share is taken over all parameters at once. An optimizer with
    momentum still moves the others by what it remembers. Knows the noise rate r. One forward and one backward pass.
    """

    follows: ClassVar[dict[str, str]] = {
        "schedule": "ours, because it is carried over to numbers",
        "normalisation": "ours, because it is carried over to numbers: the mean squared error",
        "batch_statistics": "ours, because it is carried over to numbers: training's passes alone",
        "predicts": "as the paper: the network",
    }
    family = "regularization"
    needs = frozenset({"noise_rate"})
    own_gradient = True
    cites = "Xia et al., 2021, ICLR"
    differs = (
        "ours for numbers: squared error; all parameters are ranked and the others decay by their"
        " sign, as in the paper (released: weights of linear and convolution layers alone are "
        "ranked, biases and norms follow their gradient, kept gradients are multiplied by 1 - r, "
        "and all decay by the optimizer)"
    )

    rate: Tensor

    def __init__(self, decay: float = 1e-3) -> None:
        super().__init__()
        self.decay = decay

    def setup(self, run: RunInfo) -> None:
        """Note the noise rate r."""
        super().setup(run)
        self.register_buffer("rate", run.need("noise_rate").mean())

    def optimizers(self, lr: float) -> list[Optimizer]:
        """None of its own; the rate is noted for the decay."""
        self.lr = lr
        return []

    def objective(self, step: Step) -> Tensor:
        """Mean squared error."""
        units = step.units()
        loss = self.loss(units.output, units.target)
        self.note(units, loss, step)
        return loss.mean()

    def update(self, step: Step, backward: Callable[[Tensor], None], optimizers: Optimizers) -> Tensor:
        """A step of the critical parameters, decay of the others."""
        optimizers.zero_grad()
        value = self.objective(step)
        backward(value)
        with torch.no_grad():
            weights = [w for w in optimizers.parameters() if w.grad is not None]
            importance = torch.cat([(w * w.grad).abs().flatten() for w in weights if w.grad is not None])
            critical = max(1, round((1 - float(self.rate)) * len(importance)))
            least = importance.kthvalue(len(importance) - critical + 1).values
            for w in weights:
                assert w.grad is not None
                chosen = (w * w.grad).abs() >= least
                w.grad.mul_(chosen)
                w.sub_(self.lr * self.decay * w.sign() * ~chosen)
        optimizers.step()
        return value.detach()
