"""Ordinal entropy."""

from __future__ import annotations

from typing import ClassVar, Literal

from torch import Tensor

from benchmark.functional.ordering import ordinal_entropy
from benchmark.methods.base import Method
from benchmark.methods.step import Step


class OrdinalEntropy(Method):
    """Squared error - spread mean_ij w_ij ||c_i - c_j|| + tight mean ||z - c_y||: features of different targets keep the distance that the targets have.

    Zhang et al., 2023, arXiv:2301.08915; z normalized features, c centers of distinct targets in the batch (normalized means of features, as the released
    code of age and depth estimation has them; ``centers=paper``: means of normalized features), w_ij = (d_ij - min d) / max d of the distances d of distinct
    targets. The last mean is over the examples that are not their own center; where all targets differ it is 0, and undefined in the released code.
    Not a method for noise, here a baseline. One forward and one backward pass.
    """

    kinds = frozenset({"continuous"})
    native = frozenset({"regression"})
    release = "needylove/OrdinalEntropy@75fc9d5"
    follows: ClassVar[dict[str, str]] = {
        "schedule": "as released: none of its own",
        "normalisation": "as the paper: means over pairs and points",
        "batch_statistics": "as released: training's passes alone",
        "predicts": "as released: the network",
    }
    family = "regularization"
    cites = "Zhang et al., 2023, arXiv:2301.08915"
    differs = (
        "where all targets of a batch differ the tightness is 0 (undefined in the released code, whose script for tables has none and takes 10 examples a step)"
    )
    version: ClassVar[int] = 2  # weights are divided by the largest distance, centers and the mean of tightness are the released ones

    def __init__(self, spread: float = 1e-3, tight: float = 1e-3, centers: Literal["released", "paper"] = "released") -> None:
        super().__init__()
        self.spread, self.tight, self.centers = spread, tight, centers

    def objective(self, step: Step) -> Tensor:
        """Mean squared error plus regularizer."""
        feature = step.encode()
        units = step.flatten(step.head(0, feature))
        apart, tightness = ordinal_entropy(feature, units.target, self.centers)
        return self.loss(units.output, units.target).mean() - self.spread * apart + self.tight * tightness
