"""Symmetric cross entropy."""

from __future__ import annotations

from typing import ClassVar

from torch import Tensor

from benchmark import functional
from benchmark.methods.base import Method


class SCE(Method):
    """alpha CE + beta RCE, with the reverse cross entropy RCE = -sum_k p_k log q_k = -A (1 - p_y) of the one-hot label q, log 0 = A.

    Wang et al., 2019, arXiv:1908.06112. ``log_zero`` is A: -4 as in the paper; the released code clips q at 1e-4, which is
    A = -9.21 and beta 2.3 times as large. output (U, K), target (U,) -> (U,). One forward and one backward pass.
    """

    kinds = frozenset({"categorical"})
    release = "YisenWang/symmetric_cross_entropy_for_noisy_labels@ec778df"
    follows: ClassVar[dict[str, str]] = {
        "schedule": "as released: none of its own",
        "normalisation": "as the paper: A = -4; log 1e-4 with log_zero=-9.21",
        "batch_statistics": "as the paper: training's passes alone",
        "predicts": "as the paper: the network",
    }
    family = "robust loss"
    cites = "Wang et al., 2019, arXiv:1908.06112"
    differs = "the released code has A = log 1e-4: log_zero=-9.21"

    def __init__(self, alpha: float = 0.1, beta: float = 1.0, log_zero: float = -4.0) -> None:
        super().__init__()
        self.alpha, self.beta, self.log_zero = alpha, beta, log_zero

    def loss(self, output: Tensor, target: Tensor) -> Tensor:
        """alpha CE + beta RCE."""
        reverse = functional.reverse_cross_entropy(output, target, self.log_zero)
        return self.alpha * super().loss(output, target) + self.beta * reverse
