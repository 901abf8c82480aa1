"""Forward loss correction."""

from __future__ import annotations

from typing import ClassVar

from torch import Tensor

from benchmark import functional
from benchmark.methods.loss_correction.corrected import Corrected
from benchmark.methods.step import Step


class Forward(Corrected):
    """-log (p T)_y with a transition matrix T[i, j] = P(observed j | right i), known or estimated.

    Patrini et al., 2017, arXiv:1609.03683. ``estimator`` oracle is the realised T of the run, so the method is privileged; multi-label
    tasks have one 2 x 2 matrix per label. The released anchor filter overwrites the posteriors that later rows are read from; here it
    does not. One forward and one backward pass, twice that where T is estimated by a first network.
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
        return functional.forward_correction(units.output, units.target, self.of_units(self.transition, units)).mean()
