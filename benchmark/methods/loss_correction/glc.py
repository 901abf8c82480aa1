"""Gold loss correction with a trusted set."""

from __future__ import annotations

from typing import ClassVar

import numpy as np
import torch
from torch import Tensor

from benchmark import functional
from benchmark.methods.base import FitFunction, Method, Price, RunInfo
from benchmark.methods.step import Step


class GLC(Method):
    """-log (p C)_y on noisy labels and cross entropy on trusted ones, C[a] = mean prediction of a noisily trained network over trusted units of class a.

    Hendrycks et al., 2018, arXiv:1802.05300. The trusted set is a twentieth of the training examples with their right labels; the network
    that C comes from is trained on the others. Multi-label tasks have one 2 x 2 matrix per label, our adaptation. A class without a trusted
    unit has an identity row.
    One side training, then one forward and one backward pass.
    """

    kinds = frozenset({"categorical"})
    needs = frozenset({"trusted"})
    keeps = "N, C K K"
    release = "mmazeika/glc@5b456a0"
    follows: ClassVar[dict[str, str]] = {
        "schedule": "as released: a plain stage on the other examples, then training anew",
        "normalisation": "as released: the mean over the batch, trusted or not",
        "batch_statistics": "ours, because one pass serves the batch (released: a pass for trusted examples, one for the others); C in evaluation mode",
        "predicts": "as released: the network",
    }
    family = "loss correction"
    cites = "Hendrycks et al., 2018, arXiv:1802.05300"
    differs = "one pass for trusted and other examples (released: a pass for each, with batch statistics of its own)"

    trusted: Tensor
    transition: Tensor

    def passes(self, epochs: int) -> Price:
        """The side training on 19 of 20 examples, one look at the others, and training."""
        return Price(2, 2, at_most=True)

    def prepare(self, fit: FitFunction, run: RunInfo) -> None:
        """C (L, K, K) from predictions for examples that the network has not seen."""
        right = run.need("trusted").cpu()
        known = (right.reshape(-1, run.width) >= 0).any(1).numpy()
        rows = np.flatnonzero(known)
        predicted = fit(indices=np.flatnonzero(~known)).predict(rows).cpu()
        units = (torch.from_numpy(rows)[:, None] * run.width + torch.arange(run.width)).reshape(-1)
        layers = run.width if run.problem == "multilabel" else 1
        column = units % run.width if layers > 1 else torch.zeros_like(units)
        live = right[units] >= 0
        row = (column * run.num_classes + right[units])[live]
        total = torch.zeros(layers * run.num_classes, run.num_classes).index_add(0, row, predicted[live])
        count = torch.bincount(row, minlength=len(total))[:, None]
        eye = torch.eye(run.num_classes).repeat(layers, 1)
        matrix = torch.where(count > 0, total / count.clamp(min=1), eye)
        self.register_buffer("transition", matrix.reshape(layers, run.num_classes, -1).to(run.device))
        self.register_buffer("trusted", right.to(run.device))

    def objective(self, step: Step) -> Tensor:
        """Mean over trusted and noisy units."""
        units = step.units()
        right = self.trusted[units.index]
        matrix = self.transition[units.column if len(self.transition) > 1 else torch.zeros_like(units.column)]
        noisy = functional.forward_correction(units.output, units.target, matrix)
        return torch.where(right >= 0, self.loss(units.output, right.clamp(min=0)), noisy).mean()

    def estimated_transition(self) -> Tensor:
        """C."""
        return self.transition
