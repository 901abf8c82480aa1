"""Backward loss correction."""

from __future__ import annotations

from typing import ClassVar

import torch
from torch import Tensor

from benchmark import functional
from benchmark.methods.loss_correction.corrected import Corrected
from benchmark.methods.step import Step


class Backward(Corrected):
    """(T^-1 l)_y with the vector l of the cross entropies of all classes: its expectation over noisy labels is the loss on right ones.

    Patrini et al., 2017, arXiv:1609.03683. The loss of a unit can be negative; p is clipped at 1e-7, which bounds it. A singular T, of a class that
    nobody observes, has its pseudo-inverse. T as in ``forward``. One forward and one backward pass, twice that where T is estimated.
    """

    release = "giorgiop/loss-correction@15a79de"
    follows: ClassVar[dict[str, str]] = {
        "schedule": "ours, because nothing is chosen on validation: the first stage ends at its last epoch (released: the best)",
        "normalisation": "as released: the mean over units",
        "batch_statistics": "as released: evaluation mode where T is read",
        "predicts": "as released: the network",
    }
    cites = "Patrini et al., 2017, arXiv:1609.03683"
    differs = "the anchor filter does not write to its input; the first stage ends at its last epoch, not at the best on validation"

    def objective(self, step: Step) -> Tensor:
        """Mean corrected loss."""
        units = step.units()
        inverse = torch.linalg.pinv(self.transition)
        return functional.backward_correction(units.output, units.target, self.of_units(inverse, units)).mean()
