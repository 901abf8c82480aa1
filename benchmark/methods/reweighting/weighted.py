"""Weights by confidence."""

from __future__ import annotations

from typing import ClassVar

from torch import Tensor

from benchmark.methods.base import FitFunction, Method, Price, RunInfo
from benchmark.methods.shared.folds import held_out
from benchmark.methods.step import Step


class Weighted(Method):
    """sum_i c_i CE_i / sum_i c_i, c_i = P(given label) by networks that never saw the example.

    In the style of noise-aware training (Sarkhel et al., 2024, arXiv:2404.00488), which weighs weakly labelled documents by an
    estimated confidence; the estimator of the paper is not published as code. ``power`` sharpens the confidences. ``folds`` side trainings on
    (folds - 1) / folds of the data each, one look at the held-out part, then one forward and one backward pass.
    """

    kinds = frozenset({"categorical"})
    native = frozenset({"tagging"})
    keeps = "N"
    follows: ClassVar[dict[str, str]] = {
        "schedule": "ours, because no estimator is published: folds, then training",
        "normalisation": "ours, because no estimator is published: the mean by confidence",
        "batch_statistics": "ours, because no estimator is published: held-out networks in evaluation mode",
        "predicts": "as the paper: the tagger",
    }
    family = "reweighting"
    cites = "Sarkhel et al., 2024, arXiv:2404.00488"
    fidelity = "adapted"
    differs = "confidence is the held-out probability of the given label; no synthetic documents, no transfer from another extractor"

    confidence: Tensor

    def __init__(self, folds: int = 2, power: float = 1.0) -> None:
        super().__init__()
        self.folds, self.power = folds, power

    def passes(self, epochs: int) -> Price:
        """The folds' networks, one look at what they did not see, and training."""
        return Price(self.folds + 1 / epochs, self.folds, at_most=True)

    def prepare(self, fit: FitFunction, run: RunInfo) -> None:
        """Confidences of all units."""
        given = run.observed["train"].value.clamp(min=0)
        found = held_out(fit, run, self.folds).gather(1, given.unsqueeze(1)).squeeze(1)
        self.register_buffer("confidence", found.to(run.device))

    def objective(self, step: Step) -> Tensor:
        """Weighted mean."""
        units = step.units()
        weight = self.confidence[units.index] ** self.power
        return (weight * self.loss(units.output, units.target)).sum() / weight.sum().clamp(min=1e-6)

    def suspicion(self) -> Tensor:
        """1 - confidence."""
        return 1 - self.confidence
