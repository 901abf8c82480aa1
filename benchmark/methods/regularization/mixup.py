"""Mixup."""

from __future__ import annotations

from typing import ClassVar

import torch
from torch import Tensor

from benchmark.methods.base import Method, RunInfo
from benchmark.methods.step import Step


class Mixup(Method):
    """Trains on lam x_i + (1 - lam) x_j with the loss lam l(y_i) + (1 - lam) l(y_j), lam ~ Beta(alpha, alpha) once a batch.

    Zhang et al., 2018, arXiv:1710.09412. Continuous targets are mixed themselves. Token inputs mix the features of random
    pairs of tokens before the head. One forward and one backward pass.
    """

    native = frozenset({"multiclass", "regression"})
    release = "facebookresearch/mixup-cifar10@eaff31a"
    follows: ClassVar[dict[str, str]] = {
        "schedule": "as released: none of its own",
        "normalisation": "as released: the mean over the mixed batch",
        "batch_statistics": "as released: of the mixed batch",
        "predicts": "as released: the network",
    }
    family = "regularization"
    cites = "Zhang et al., 2018, arXiv:1710.09412"

    def __init__(self, alpha: float = 1.0) -> None:
        super().__init__()
        self.alpha = alpha

    def setup(self, run: RunInfo) -> None:
        """A generator of its own for the weights and pairs."""
        self.rng = run.generator("mixup")

    def objective(self, step: Step) -> Tensor:
        """Mean mixed loss."""
        lam = float(self.rng.beta(self.alpha, self.alpha))
        units = step.mix(lam, torch.from_numpy(self.rng.permutation(step.size)))
        other = units.target[units.partner]
        if units.target.is_floating_point():
            return self.loss(units.output, lam * units.target + (1 - lam) * other).mean()
        return (lam * self.loss(units.output, units.target) + (1 - lam) * self.loss(units.output, other)).mean()
