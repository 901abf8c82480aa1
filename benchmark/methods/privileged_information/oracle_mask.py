"""Upper bound: the loss of right labels only."""

from __future__ import annotations

from typing import ClassVar

import torch
from torch import Tensor

from benchmark.methods.base import Method, RunInfo
from benchmark.methods.step import Step


class OracleMask(Method):
    """Mean loss over the units whose given label is right: no method that only leaves labels out can know more.

    A bound that NoiseBench's comparison has (Merdjanovska, Aynetdinov and Akbik, 2024, arXiv:2405.07609), here unit by unit. It reads right
    labels, and is marked for it. One forward and one backward pass.
    """

    kinds = frozenset({"categorical"})
    native = frozenset({"multiclass", "multilabel", "tagging"})
    needs = frozenset({"right"})
    keeps = "N"
    follows: ClassVar[dict[str, str]] = {
        "schedule": "as the paper: none of its own",
        "normalisation": "ours, because units count: one by one (the paper leaves sentences out)",
        "batch_statistics": "as the paper: training's passes alone",
        "predicts": "as the paper: the network",
    }
    family = "privileged information"
    cites = "Merdjanovska, Aynetdinov and Akbik, 2024, arXiv:2405.07609"
    differs = "units are left out one by one, where the paper leaves sentences out"

    wrong: Tensor

    def setup(self, run: RunInfo) -> None:
        """Which labels are wrong."""
        given, right = run.observed["train"].value, run.need("right")
        self.register_buffer("wrong", ((given != right) & (right >= 0)).to(run.device))

    def objective(self, step: Step) -> Tensor:
        """Mean loss over right units; zero where a batch has none."""
        units = step.units()
        keep = (~self.wrong[units.index]).to(units.output.dtype)
        return (keep * self.loss(units.output, units.target)).sum() / keep.sum().clamp(min=1)

    def suspicion(self) -> Tensor:
        """1 where the label is wrong."""
        return self.wrong.to(torch.float32)
