"""Ordinal entropy."""

from __future__ import annotations

from typing import ClassVar

from torch import Tensor

from benchmark.functional.ordering import ordinal_entropy
from benchmark.methods.base import Method
from benchmark.methods.step import Step


class OrdinalEntropy(Method):
    """Squared error - spread mean_ij w_ij ||c_i - c_j|| + tight mean ||z - c_y||: features of different targets keep the distance that the targets have.

    Zhang et al., 2023, arXiv:2301.08915; z normalized features, c centers of distinct targets in the batch, w their distances scaled to [0, 1]. Where all
    targets differ the last term is 0. Not a method for noise, here a baseline. One forward and one backward pass.
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

    def __init__(self, spread: float = 1e-3, tight: float = 1e-3) -> None:
        super().__init__()
        self.spread, self.tight = spread, tight

    def objective(self, step: Step) -> Tensor:
        """Mean squared error plus regularizer."""
        feature = step.encode()
        units = step.flatten(step.head(0, feature))
        apart, tightness = ordinal_entropy(feature, units.target)
        return self.loss(units.output, units.target).mean() - self.spread * apart + self.tight * tightness
