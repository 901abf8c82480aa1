"""ELR+."""

from __future__ import annotations

import math
from collections.abc import Callable
from typing import ClassVar

import torch
from torch import Tensor
from torch.nn import functional as F  # noqa: N812

from benchmark import functional
from benchmark.core.types import Optimizers
from benchmark.methods.base import Method, Price, RunInfo, activate
from benchmark.methods.step import Step


class ELRPlus(Method):
    """ELR with two networks, mixup, and memories that each network gets from the weight average of the other.

    Liu et al., 2020, arXiv:2007.00151, released as shengliu66/ELR. For network k: t_i <- beta t_i + (1 - beta) p_i, p_i the
    prediction of the other network's moving average on the unmixed input, with the statistics of that batch; then, with
    l = max(l, 1 - l), l ~ Beta(alpha, alpha), and q = l t_i + (1 - l) t_j on the mixed input,
    CE(l y_i + (1 - l) y_j) + lam w(t) log(1 - <q, p>), w(t) = exp(-5 (1 - t / T)^2) over the first T steps, a share ``ramp``
    of training (40,000 steps of CIFAR-100, none of CIFAR-10). After step t the average has the decay
    ``decay`` exp(-5 (1 - (t + 1) / T)^2) over the share ``decay_ramp`` (40,000 steps of both), or min(1 - 1 / (t + 1), ``decay``)
    where that is 0 (Clothing1M, with .9999). ``reweight`` multiplies the label by q and normalizes it, which the released
    code does where there are 100 classes and the paper does not mention. Prediction: the softmax of the mean logits of the
    two trained networks. Four forward and two backward passes; memory 2 N K and two weight copies.
    """

    kinds = frozenset({"categorical"})
    version: ClassVar[int] = 2
    networks, averaged = 4, 2
    keeps = "2 N K, 2 networks"
    release = "shengliu66/ELR@934af53"
    follows: ClassVar[dict[str, str]] = {
        "schedule": "as released: weight and decay rise as exp(-5 (1 - t)^2), over shares of training in place of 40,000 steps",
        "normalisation": "as released: the memory takes predictions in as they are, the loss clamps them; no re-weighting by default",
        "batch_statistics": "as released: averages are in training mode, with the statistics of the batch",
        "predicts": "as released: the mean logits of the two trained networks",
    }
    family = "semi-supervised"
    cites = "Liu et al., 2020, arXiv:2007.00151"
    differs = (
        "both networks step on every batch of one order (released: an epoch in turn, each in an order of its own); averages begin as "
        "copies of their networks (released: with other weights); labels of 100 classes are re-weighted by their targets with reweight=true alone"
    )

    memory: Tensor
    count: Tensor
    target: Tensor

    def __init__(
        self,
        lam: float = 3.0,
        beta: float = 0.7,
        alpha: float = 1.0,
        decay: float = 0.997,
        ramp: float = 0.0,
        decay_ramp: float = 0.57,
        reweight: bool = False,
    ) -> None:
        super().__init__()
        self.lam, self.beta, self.alpha, self.decay, self.ramp, self.reweight = lam, beta, alpha, decay, ramp, reweight
        self.decay_ramp = decay_ramp

    def passes(self, epochs: int) -> Price:
        """Every network looks at the batch, two of them learn."""
        return Price(4, 2)

    def setup(self, run: RunInfo) -> None:
        """Empty memories."""
        self.rng, self.steps = run.generator("elr_plus"), run.epochs * run.steps_per_epoch
        self.register_buffer("memory", torch.zeros(2, run.num_units, run.num_classes, device=run.device))
        self.register_buffer("target", run.observed["train"].value.to(run.device))
        self.register_buffer("count", torch.zeros((), dtype=torch.long, device=run.device))

    def objective(self, step: Step) -> Tensor:
        """Sum of the two networks' mean losses."""
        return torch.stack([self._loss(step, net) for net in (0, 1)]).sum()

    def _loss(self, step: Step, net: int) -> Tensor:
        """Return the mean loss of a network on a mixture of its own, after its memory took the other one's average in."""
        draw = float(self.rng.beta(self.alpha, self.alpha))
        lam, order = max(draw, 1 - draw), torch.from_numpy(self.rng.permutation(step.size))
        memory = self.memory[net]
        if step.repeat == 0:
            with torch.no_grad():
                seen = step.units(3 - net)  # the average of the other network
                memory[seen.index] = self.beta * memory[seen.index] + (1 - self.beta) * seen.output.softmax(1)
        mixed = step.mix(lam, order, net)
        assert mixed.partner is not None
        q = functional.mix_targets(memory[mixed.index], mixed.partner, lam)
        label = functional.mix_targets(F.one_hot(mixed.target, q.shape[1]).to(q), mixed.partner, lam)
        if self.reweight:
            label = label * q
            label = label / label.sum(1, keepdim=True).clamp(min=1e-12)
        regularizer = functional.elr_regularizer(mixed.output.softmax(1).clamp(1e-4, 1 - 1e-4), q)
        weight = self.lam * self._ramp(self.ramp, int(self.count) + 1)
        return (functional.soft_cross_entropy(mixed.output, label) + weight * regularizer).mean()

    def _ramp(self, share: float, step: int) -> float:
        """Return exp(-5 (1 - step / T)^2) for T = ``share`` of the steps of training, 1 from step T on."""
        length = share * self.steps
        return 1.0 if length <= 0 else math.exp(-5 * (1 - min(1.0, step / length)) ** 2)

    def average_decay(self) -> float:
        """Return the decay with which the averages follow the step that is being made."""
        following = int(self.count) + 2  # steps made, this one included, and one more, as released
        if self.decay_ramp > 0:
            return self.decay * self._ramp(self.decay_ramp, following)
        return min(1 - 1 / following, self.decay)

    def update(self, step: Step, backward: Callable[[Tensor], None], optimizers: Optimizers) -> Tensor:
        """A gradient step of both networks, then their averages follow; the first averages are the networks as they began."""
        if int(self.count) == 0:
            self._average(step, 0.0)
        value = super().update(step, backward, optimizers)
        self._average(step, self.average_decay())
        self.count += 1
        return value

    def _average(self, step: Step, decay: float) -> None:
        for net in (0, 1):
            step.average(net, net + 2, decay)

    def predict(self, step: Step) -> Tensor:
        """Return the probabilities of the mean logits of the two trained networks."""
        return activate((step.units(0).output + step.units(1).output) / 2)

    def suspicion(self) -> Tensor:
        """How far the memories are from the given label: 1 - t_y / sum t."""
        memory = self.memory.sum(0)
        given = memory.gather(1, self.target.clamp(min=0).unsqueeze(1)).squeeze(1)
        return 1 - given / memory.sum(1).clamp(min=1e-12)
