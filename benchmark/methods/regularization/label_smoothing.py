"""Label smoothing, positive and negative."""

from __future__ import annotations

from typing import ClassVar

from torch import Tensor

from benchmark import functional
from benchmark.methods.base import Method


class LabelSmoothing(Method):
    """Cross entropy against (1 - eps) onehot(y) + eps / K. On two-class units it moves eps / 2.

    Lukasik et al., 2020, arXiv:2003.02819; eps < 0 (negative label smoothing): Wei et al., 2022, arXiv:2106.04149.
    With eps = r it equals the expected loss under inclusive symmetric noise of rate r. One forward and one backward pass.
    """

    kinds = frozenset({"categorical"})
    follows: ClassVar[dict[str, str]] = {
        "schedule": "as the paper: none of its own",
        "normalisation": "as the paper: the mean over units",
        "batch_statistics": "as the paper: training's passes alone",
        "predicts": "as the paper: the network",
    }
    family = "regularization"
    cites = "Lukasik et al., 2020, arXiv:2003.02819; negative: Wei et al., 2022, arXiv:2106.04149"

    def __init__(self, eps: float = 0.1) -> None:
        super().__init__()
        self.eps = eps

    def loss(self, output: Tensor, target: Tensor) -> Tensor:
        """output (U, K), target (U,) -> (U,)."""
        return functional.label_smoothing(output, target, self.eps)
