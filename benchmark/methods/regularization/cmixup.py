"""C-Mixup."""

from __future__ import annotations

from typing import ClassVar

import torch
from torch import Tensor

from benchmark.methods.base import Method, RunInfo
from benchmark.methods.step import Step


class CMixup(Method):
    """Mixup with partners of similar targets, P(j | i) ~ exp(-(y_i - y_j)^2 / (2 h^2)), and one lam ~ Beta(alpha, alpha) a batch; squared error.

    Yao et al., 2022, arXiv:2210.05775. Partners come from the batch, the example itself among them, as in the released batch variant; the table of all pairs
    (N x N) of the other variant is never built. The bandwidth h is in standard deviations of the targets, where the authors' are in each set's own units.
    It is a method for clean generalization. One forward and one backward pass; memory batch x batch.
    """

    kinds = frozenset({"continuous"})
    native = frozenset({"regression"})
    release = "huaxiuyao/C-Mixup@0b88fb3"
    follows: ClassVar[dict[str, str]] = {
        "schedule": "as released: none of its own",
        "normalisation": "as released: the mean squared error of the mixed batch",
        "batch_statistics": "as released: of the mixed batch",
        "predicts": "as released: the network",
    }
    family = "regularization"
    cites = "Yao et al., 2022, arXiv:2210.05775"
    differs = "bandwidth in standard deviations; partners from the batch only"

    target: Tensor

    def __init__(self, bandwidth: float = 0.5, alpha: float = 2.0) -> None:
        super().__init__()
        self.bandwidth, self.alpha = bandwidth, alpha

    def setup(self, run: RunInfo) -> None:
        """A generator of its own for weights and partners."""
        self.rng = run.generator("cmixup")
        self.register_buffer("target", run.observed["train"].value.to(run.device))

    def objective(self, step: Step) -> Tensor:
        """Mean squared error of the mixed examples."""
        y = self.target[step.index]
        chance = (-((y[:, None] - y) ** 2) / (2 * self.bandwidth**2)).softmax(1).cumsum(1)
        drawn = torch.from_numpy(self.rng.random((len(y), 1))).to(chance)
        partner = torch.searchsorted(chance, drawn)[:, 0].clamp(max=len(y) - 1)
        lam = float(self.rng.beta(self.alpha, self.alpha))
        units = step.mix(lam, partner)
        return self.loss(units.output, lam * units.target + (1 - lam) * units.target[units.partner]).mean()
