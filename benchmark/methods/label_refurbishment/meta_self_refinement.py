"""Meta self-refinement."""

from __future__ import annotations

from collections.abc import Callable, Sequence
from typing import ClassVar

import numpy as np
import torch
from torch import Tensor

from benchmark import functional
from benchmark.core.types import Evaluate, Phase
from benchmark.methods.base import Method, Optimizers, Price, RunInfo, activate
from benchmark.methods.step import Step


class MetaSelfRefinement(Method):
    """A teacher learns to give soft labels on which one step of its student lowers the loss on trusted labels.

    Zhu et al., 2022, arXiv:2205.07290. Both networks first learn the given labels for a share ``warmup`` of the epochs. Then, on every batch: the student takes
    a virtual step theta' = theta - eta grad L(theta; q) on the teacher's soft labels q; the teacher descends the trusted loss at theta'. Since L is
    linear in q, that gradient is eta sum_k dq_k d_k, d = change of the student's log p along g = grad of the trusted loss at theta', taken here as
    (log p(theta + h g) - log p(theta - h g)) / 2h (the released code differentiates through the step). Then the student learns the renewed teacher's
    labels where 1 - entropy / log K is above ``threshold`` (the released code divides by the log of the batch's size, which moves its threshold).

    Trusted are the right labels of a twentieth of the examples, where the paper takes clean validation. Prediction: the student. After the warm-up
    seven forward and four backward passes a batch.
    """

    kinds = frozenset({"categorical"})
    problems = frozenset({"tagging", "multiclass"})
    native = frozenset({"tagging", "multiclass"})
    needs = frozenset({"trusted"})
    networks = 2
    warm_up = True
    own_gradient = True
    keeps = "N"
    follows: ClassVar[dict[str, str]] = {
        "schedule": "ours, because one schedule serves both networks",
        "normalisation": "ours, because uncertainty does not depend on the batch: entropy over log K",
        "batch_statistics": "ours, because a second derivative costs: central differences, three passes more",
        "predicts": "as the paper: the student",
    }
    family = "label refurbishment"
    cites = "Zhu et al., 2022, arXiv:2205.07290"
    fidelity = "adapted"
    differs = (
        "the student learns the given labels in the warm-up too (released: it begins fresh, the "
        "teacher alone is trained before); a virtual step of plain gradient descent (released: of"
        " the student's AdamW); the loss of sure units is divided by their number (released: by "
        "that of all tokens); central differences for the second derivative; entropy over log K, "
        "threshold 0.7 (not 0.9); trusted twentieth for clean validation; one schedule"
    )

    trusted: Tensor

    def __init__(self, warmup: float = 0.4, eta: float = 0.1, threshold: float = 0.7, h: float = 0.01) -> None:
        super().__init__()
        self.warmup, self.eta, self.threshold, self.h = warmup, eta, threshold, h

    def passes(self, epochs: int) -> Price:
        """Two of each in the warm-up, seven and four after it; the trusted batches are as large."""
        share = max(1, round(self.warmup * epochs)) / epochs
        return Price(2 * share + 7 * (1 - share), 2 * share + 4 * (1 - share), at_most=True)

    def setup(self, run: RunInfo) -> None:
        """Trusted labels."""
        right = run.need("trusted")
        self.start = max(1, round(self.warmup * run.epochs))
        self.known = np.flatnonzero((right.reshape(run.num_examples, -1) >= 0).any(1).numpy())
        self.register_buffer("trusted", right.to(run.device))

    def phases(self, epoch: int, evaluate: Evaluate) -> Sequence[Phase]:
        """All examples, with a stream of trusted ones."""
        return (Phase(streams={} if epoch < self.start else {"trusted": self.known}),)

    def objective(self, step: Step) -> Tensor:
        """Warm-up: cross entropy of both networks with the given labels."""
        return torch.stack([self.loss(u.output, u.target).mean() for u in map(step.units, (0, 1))]).sum()

    def update(self, step: Step, backward: Callable[[Tensor], None], optimizers: Optimizers) -> Tensor:
        """Virtual step, teacher's step, student's step."""
        if "trusted" not in step.streams:
            return super().update(step, backward, optimizers)
        soft = step.units(1).output.softmax(1)
        optimizers.zero_grad()
        backward(functional.soft_cross_entropy(step.units(0).output, soft.detach()).mean())
        student = [p for p in optimizers.parameters() if p.grad is not None]
        before = [p.detach().clone() for p in student]
        with torch.no_grad():
            for p in student:
                p.sub_(self.eta * p.grad)  # type: ignore[operator]
        optimizers.zero_grad()
        units = step.streams["trusted"].units(0)
        right = self.trusted[units.index]
        backward(self.loss(units.output, right.clamp(min=0))[right >= 0].mean())
        ascent = [torch.zeros_like(p) if p.grad is None else p.grad.detach().clone() for p in student]
        slope = self._slope(step, student, before, ascent)
        optimizers.zero_grad()
        backward(self.eta * (soft * slope).sum(1).mean())
        optimizers.step()  # the student has no gradient here
        return self._learn(step.again(), backward, optimizers)

    def _slope(self, step: Step, student: list[torch.nn.Parameter], before: list[Tensor], ascent: list[Tensor]) -> Tensor:
        """(U, K) change of the student's log p along the ascent of the trusted loss; its weights come back."""
        size = torch.stack([g.square().sum() for g in ascent]).sum().sqrt().clamp(min=1e-12)
        found = []
        with torch.no_grad():
            for sign in (1, -1):
                for p, start, g in zip(student, before, ascent, strict=True):
                    p.copy_(start + sign * self.h / size * g)
                with torch.random.fork_rng([p.device for p in student[:1] if p.is_cuda]):  # both drop the same features: else the difference is that of dropout
                    found.append(step.again().units(0).output.log_softmax(1))
            for p, start in zip(student, before, strict=True):
                p.copy_(start)
        return (found[0] - found[1]) / (2 * self.h / size)

    def _learn(self, step: Step, backward: Callable[[Tensor], None], optimizers: Optimizers) -> Tensor:
        with torch.no_grad():
            soft = step.units(1).output.softmax(1)
        entropy = -(soft * soft.clamp(min=1e-12).log()).sum(1) / np.log(soft.shape[1])
        sure = (1 - entropy > self.threshold).to(soft.dtype)
        loss = (sure * functional.soft_cross_entropy(step.units(0).output, soft)).sum() / sure.sum().clamp(min=1)
        optimizers.zero_grad()
        backward(loss)
        optimizers.step()
        return loss.detach()

    def predict(self, step: Step) -> Tensor:
        """The student."""
        return activate(step.units(0).output)
