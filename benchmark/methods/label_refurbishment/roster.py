"""RoSTER: noise-robust learning, an ensemble and self-training for distantly labelled text."""

from __future__ import annotations

from collections.abc import Sequence
from typing import ClassVar

import numpy as np
import torch
from torch import Tensor

from benchmark import functional
from benchmark.core.types import Evaluate, Phase
from benchmark.methods.base import FitFunction, Method, Price, RunInfo
from benchmark.methods.label_refurbishment.self_training import SelfTraining
from benchmark.methods.step import Step


class Removing(Method):
    """Generalized cross entropy, without the labels that the network has come to disbelieve: those with p(given) <= tau, looked up at every epoch.

    Labels of a class are all kept if more than 90 % of them would go. The first ``start`` share of the epochs is plain cross entropy.
    A random share ``drop_outside`` of the tokens labelled O never counts, the same ones for all networks of a run.
    """

    kinds = frozenset({"categorical"})

    keep: Tensor

    def __init__(self, q: float = 0.7, tau: float = 0.7, start: float = 0.4, drop_outside: float = 0.0) -> None:
        super().__init__()
        self.q, self.tau, self.start, self.drop_outside = q, tau, start, drop_outside

    def setup(self, run: RunInfo) -> None:
        """Draw the tokens labelled O that count; all other labels are kept at first."""
        self.run, self.begin = run, max(1, round(self.start * run.epochs))
        dropped = torch.zeros(run.num_units, dtype=torch.bool)
        if self.drop_outside > 0 and "O" in run.names:
            drawn = torch.from_numpy(run.generator("drop outside").random(run.num_units))
            dropped = (drawn < self.drop_outside) & (run.observed["train"].value == run.names.index("O"))
        self.dropped = dropped
        self.register_buffer("keep", ~dropped.to(run.device))

    def phases(self, epoch: int, evaluate: Evaluate) -> Sequence[Phase]:
        """Look labels up."""
        if epoch >= self.begin:
            seen = self.run.observed["train"]
            counted = seen.live & ~self.dropped
            self.keep.copy_(functional.believed(evaluate("train").cpu(), seen.value, counted, self.tau) & ~self.dropped)
        return (Phase(),)

    def objective(self, step: Step) -> Tensor:
        """Mean over kept units."""
        units = step.units()
        keep = self.keep[units.index].to(units.output.dtype)
        loss = self.loss(units.output, units.target) if step.epoch < self.begin else functional.gce(units.output, units.target, self.q)
        return (keep * loss).sum() / keep.sum().clamp(min=1)


class Roster(SelfTraining):
    """Several noise-robust networks, a student of their mean prediction, and self-training of the student.

    Meng et al., 2021, arXiv:2109.05003. ``models`` networks learn by generalized cross entropy and drop labels below ``tau``; the student learns their mean
    prediction for a share ``first`` of the epochs and then its own confident predictions. Without the augmentation by a masked language model.

    A pretrained encoder learns by generalized cross entropy from the first step; networks that begin from nothing barely move by it, so the first
    ``start`` share of their epochs is plain cross entropy. The released code has a head for "entity or not" beside the types, which here the one
    softmax over tags is: so labels of entities can go too (there "entity" never does), and in self-training a token that is not sure of its whole tag
    does not count (there it goes on learning "entity or not" from the ensemble, and f is the mass over all of training). The released code also takes
    the labels of a random half of the tokens labelled O away before its networks of the ensemble learn: ``drop_outside=0.5``. Side trainings of
    ``models`` networks with a look at training in every epoch after ``start``; then as self_training.
    """

    native = frozenset({"tagging"})
    keeps = "2 N K, and N a side training"
    release = ""
    follows: ClassVar[dict[str, str]] = {
        "schedule": "ours, because schedules are shares of the epochs",
        "normalisation": "ours, because one softmax over tags takes the place of two heads",
        "batch_statistics": "ours, because members are tables of their predictions, in evaluation mode",
        "predicts": "as the paper: the student of the ensemble",
    }
    cites = "Meng et al., 2021, arXiv:2109.05003"
    developed_on: ClassVar[tuple[str, ...]] = ("wikigold",)
    differs = (
        "a start with cross entropy; no augmentation by a language model; one softmax over IOB2 "
        "tags, not two heads; schedules are shares of the epochs; every O counts (released: a "
        "random half of them, which drop_outside=0.5 gives)"
    )

    def __init__(
        self,
        models: int = 5,
        q: float = 0.7,
        tau: float = 0.7,
        start: float = 0.4,
        first: float = 0.6,
        period: float = 0.2,
        threshold: float = 0.8,
        drop_outside: float = 0.0,
    ) -> None:
        super().__init__(first, period, threshold)
        self.models, self.q, self.tau, self.start, self.drop_outside = models, q, tau, start, drop_outside

    def passes(self, epochs: int) -> Price:
        """The ensemble, its looks, and the student's."""
        looks = epochs - max(1, round(self.start * epochs))
        own = super().passes(epochs)
        return Price(own.forward + self.models * (1 + (looks + 1) / epochs), own.backward + self.models)

    def prepare(self, fit: FitFunction, run: RunInfo) -> None:
        """Train the ensemble."""
        everyone = np.arange(run.num_examples)
        found = [fit(method=Removing(self.q, self.tau, self.start, self.drop_outside)).predict(everyone) for _ in range(self.models)]
        self.teacher.copy_(torch.stack(found).mean(0))

    def objective(self, step: Step) -> Tensor:
        """Cross entropy with the ensemble's mean prediction, then self-training."""
        if step.epoch >= self.renewals.start:
            return super().objective(step)
        units = step.units()
        return functional.soft_cross_entropy(units.output, self.teacher[units.index]).mean()
