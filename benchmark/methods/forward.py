"""Forward loss correction."""

from __future__ import annotations

import torch
from torch import Tensor

from benchmark import functional
from benchmark.methods.base import Method, RunInfo
from benchmark.step import Step


class Forward(Method):
    """-log (p T)_y with a given transition matrix T[i, j] = P(observed j | right i).

    Patrini et al., 2017, arXiv:1609.03683. Here T is the realised one of the run, so the method is privileged; multi-label
    tasks have one 2 x 2 matrix per label. One forward and one backward pass.
    """

    kinds = frozenset({"categorical"})
    needs = frozenset({"transition"})

    transition: Tensor

    def setup(self, run: RunInfo) -> None:
        """Keep T (L, K, K)."""
        self.register_buffer("transition", run.need("transition"))

    def objective(self, step: Step) -> Tensor:
        """Mean corrected loss."""
        units = step.units()
        per_unit = self.transition[units.column if len(self.transition) > 1 else torch.zeros_like(units.column)]
        return functional.forward_correction(units.output, units.target, per_unit).mean()

    def estimated_transition(self) -> Tensor:
        """The given one."""
        return self.transition
