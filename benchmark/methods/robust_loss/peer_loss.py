"""Peer loss."""

from __future__ import annotations

from typing import ClassVar

import torch
from torch import Tensor

from benchmark import functional
from benchmark.core.types import Units
from benchmark.methods.base import Method, RunInfo
from benchmark.methods.step import Step


class PeerLoss(Method):
    """l(f(x_i), y_i) - alpha l(f(x_j), y_k) with j and k independent: what can be explained without looking at x is punished.

    Liu and Guo, 2020, arXiv:1910.03231. Every unit of the batch is an x_j and gets a y_k drawn from all noisy training labels (of
    its own label in multi-label tasks); ``expected`` takes the mean over y_k instead. l = -log(p + 1e-8), which has a bound: alpha > 0 rewards
    large losses. alpha is 0 for a share ``start`` of the epochs and rises linearly over ``ramp``, as in the released code of cores2 by the
    same group (10 and 30 of 100). The released code runs the network on a second batch for x_j. One forward and one backward pass.
    """

    kinds = frozenset({"categorical"})
    warm_up = True
    release = "weijiaheng/Multi-class-Peer-Loss-functions@fba9eb6"
    follows: ClassVar[dict[str, str]] = {
        "schedule": "ours, because one ramp serves every length: alpha rises to its value (released: by pieces to 5 or 20, the rate divided by 1 + alpha)",
        "normalisation": "ours, because a bounded loss serves both terms: 1e-8 in the logarithm (released 1e-5)",
        "batch_statistics": "ours, because peers are of the batch itself (released: a second pass over another batch)",
        "predicts": "as released: the network",
    }
    family = "robust loss"
    cites = "Liu and Guo, 2020, arXiv:1910.03231"
    differs = (
        "peers come from the batch itself, not from a second one; alpha rises to 1 by one ramp "
        "(released: by pieces to 5 or 20 of 300 epochs, the learning rate divided by 1 + alpha); "
        "1e-8 in the logarithm (1e-5)"
    )

    prior: Tensor

    def __init__(self, alpha: float = 1.0, start: float = 0.1, ramp: float = 0.3, expected: bool = False) -> None:
        super().__init__()
        self.alpha, self.start, self.ramp, self.expected = alpha, start, ramp, expected

    def setup(self, run: RunInfo) -> None:
        """The distribution (L, K) of the noisy labels."""
        self.epochs, self.rng = run.epochs, run.generator("peers")
        self.register_buffer("prior", functional.label_prior(run.observed["train"], run.num_classes, run.problem == "multilabel").to(run.device))

    def weight(self, epoch: int) -> float:
        """alpha in an epoch."""
        return self.alpha * functional.linear_ramp(epoch, self.epochs, self.start, self.ramp)

    def peer(self, cost: Tensor, units: Units) -> Tensor:
        """(U,) loss against an independent label, from the losses (U, K) against every label."""
        prior = self.prior[units.column] if len(self.prior) > 1 else self.prior[0].expand_as(cost)
        if self.expected:
            return (prior * cost).sum(1)
        chance = torch.from_numpy(self.rng.random(len(cost))).to(cost)
        label = (prior.cumsum(1) < chance[:, None]).sum(1).clamp(max=cost.shape[1] - 1)
        return cost.gather(1, label.unsqueeze(1)).squeeze(1)

    def objective(self, step: Step) -> Tensor:
        """Mean peer loss."""
        units = step.units()
        cost = functional.bounded_cross_entropy(units.output)
        own = cost.gather(1, units.target.unsqueeze(1)).squeeze(1)
        return (own - self.weight(step.epoch) * self.peer(cost, units)).mean()
