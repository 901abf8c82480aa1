"""Bootstrapped labels."""

from __future__ import annotations

from typing import ClassVar, Literal

from torch import Tensor

from benchmark import functional
from benchmark.methods.base import Method

BETA = {"soft": 0.95, "hard": 0.8}


class Bootstrap(Method):
    """Cross entropy against beta y + (1 - beta) z, where z is the network's own opinion: p (soft), or its arg-max (hard).

    Reed et al., 2015, arXiv:1412.6596, which has beta = .95 (soft) and .8 (hard); ``beta: null`` takes these. In the soft version
    the gradient goes through z as in the paper, where it is minimum entropy regularization. One forward and one backward pass.
    """

    kinds = frozenset({"categorical"})
    follows: ClassVar[dict[str, str]] = {
        "schedule": "as the paper: none of its own",
        "normalisation": "as the paper: the mean over units",
        "batch_statistics": "as the paper: training's passes alone",
        "predicts": "as the paper: the network",
    }
    family = "label refurbishment"
    cites = "Reed et al., 2015, arXiv:1412.6596"

    def __init__(self, kind: Literal["soft", "hard"] = "hard", beta: float | None = None) -> None:
        super().__init__()
        self.hard, self.beta = kind == "hard", BETA[kind] if beta is None else beta

    def loss(self, output: Tensor, target: Tensor) -> Tensor:
        """output (U, K), target (U,) -> (U,)."""
        return functional.bootstrapped(output, target, self.beta, self.hard)
