"""Propensity-scored loss under missing positives."""

from __future__ import annotations

from typing import ClassVar

import torch
from torch import Tensor

from benchmark import functional
from benchmark.methods.base import RunInfo
from benchmark.methods.shared.multilabel import Grid, MultiLabelMethod
from benchmark.methods.step import Step


class Propensity(MultiLabelMethod):
    """Mean of [l(z, 1) - (1 - a_k) l(z, 0)] / a_k at positives and l(z, 0) elsewhere, l = BCE, a_k = P(observed 1 | right 1) of label k.

    Jain, Prabhu and Varma, 2016 (KDD, propensity-scored losses); unbiased for BCE on right labels when positives are missing at random and no negative
    is flipped. It knows the transition matrix. The loss is not bounded below. One forward and one backward pass.
    """

    needs = frozenset({"transition"})
    follows: ClassVar[dict[str, str]] = {
        "schedule": "as the paper: none of its own",
        "normalisation": "as the paper: the mean over entries",
        "batch_statistics": "as the paper: training's passes alone",
        "predicts": "as the paper: the network",
    }
    family = "robust loss"
    cites = "Jain et al., 2016, doi:10.1145/2939672.2939756"

    propensity: Tensor

    def __init__(self, least: float = 0.1) -> None:
        super().__init__()
        self.least = least  # floor of a_k

    def setup(self, run: RunInfo) -> None:
        """a_k of every label."""
        self.register_buffer("propensity", run.need("transition")[:, 1, 1].to(run.device).clamp(min=self.least))

    def layout_loss(self, grid: Grid, step: Step) -> Tensor:
        """Mean over the live entries."""
        return grid.mean(functional.propensity_loss(grid.logit, grid.label, self.propensity))

    def estimated_transition(self) -> Tensor:
        """(C, 2, 2) with the given misses and no false positives."""
        zero, one = torch.zeros_like(self.propensity), torch.ones_like(self.propensity)
        rows = torch.stack([one, zero], 1), torch.stack([1 - self.propensity, self.propensity], 1)
        return torch.stack(rows, 1)
