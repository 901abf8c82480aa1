"""Mean absolute error."""

from __future__ import annotations

from typing import ClassVar

from torch import Tensor

from benchmark import functional
from benchmark.methods.base import Method


class MAE(Method):
    """|f - y| of numbers, || p - onehot(y) ||_1 = 2 (1 - p_y) of classes: bounded, symmetric, slow to fit.

    Ghosh, Kumar and Sastry, 2017, arXiv:1712.09482. One forward and one backward pass.
    """

    native = frozenset({"multiclass", "regression"})
    follows: ClassVar[dict[str, str]] = {
        "schedule": "as the paper: none of its own",
        "normalisation": "as the paper: the mean over units",
        "batch_statistics": "as the paper: training's passes alone",
        "predicts": "as the paper: the network",
    }
    family = "robust loss"
    cites = "Ghosh, Kumar and Sastry, 2017, arXiv:1712.09482"

    def loss(self, output: Tensor, target: Tensor) -> Tensor:
        """output (U, K), target (U,) -> (U,)."""
        return functional.mean_absolute_error(output, target)
