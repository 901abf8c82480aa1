"""Upper bound: examples without any wrong label."""

from __future__ import annotations

from collections.abc import Sequence
from typing import ClassVar

import numpy as np
from torch import Tensor

from benchmark.core.errors import DataError
from benchmark.core.types import Evaluate, Phase
from benchmark.methods.base import Price, RunInfo
from benchmark.methods.privileged_information.oracle_mask import OracleMask
from benchmark.methods.step import Step


class OracleSubset(OracleMask):
    """Plain training on the examples (sentences, images) all of whose labels are right.

    The "oracle subset" of NoiseBench (Merdjanovska, Aynetdinov and Akbik, 2024, arXiv:2405.07609). It reads right labels, and is marked for it.
    It bounds what leaving examples out can do, not what plain training does: where few examples are wholly right (long sentences least of all), it
    learns from little. At most one forward and one backward pass.
    """

    follows: ClassVar[dict[str, str]] = {
        "schedule": "as the paper: none of its own",
        "normalisation": "as the paper: the mean over units",
        "batch_statistics": "as the paper: training's passes alone",
        "predicts": "as the paper: the network",
    }

    def passes(self, epochs: int) -> Price:
        """As many as examples are kept."""
        return Price(1, 1, at_most=True)

    def setup(self, run: RunInfo) -> None:
        """Which examples to keep.

        Raises:
            DataError: fewer than two.
        """
        super().setup(run)
        self.kept = np.flatnonzero(~self.wrong.cpu().numpy().reshape(-1, run.width).any(1))
        if len(self.kept) < 2:
            raise DataError(f"method oracle_subset: {len(self.kept)} of {run.num_examples} training examples have right labels only: take oracle_mask")

    def phases(self, epoch: int, evaluate: Evaluate) -> Sequence[Phase]:
        """The examples that are kept."""
        return (Phase(indices=self.kept),)

    def objective(self, step: Step) -> Tensor:
        """Mean loss."""
        units = step.units()
        return self.loss(units.output, units.target).mean()
