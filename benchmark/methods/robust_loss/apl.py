"""Active passive loss."""

from __future__ import annotations

import math
from typing import ClassVar, Literal

from torch import Tensor

from benchmark import functional
from benchmark.methods.base import Method


class APL(Method):
    """alpha times an active loss, which asks for p_y alone, plus beta times a passive one, which also pushes the other classes down.

    Ma et al., 2020, arXiv:2006.13554. Active: NCE = CE_y / sum_k CE_k, or NFL, the same of the focal loss. Passive: RCE = -A (1 - p_y)
    with A = -4, or MAE = 2 (1 - p_y). All are bounded and symmetric, which makes them robust. ``released`` has the conventions of the
    authors' code: A = log 1e-4, MAE = 1 - p_y, no gradient through the focal weight. They clip gradients at norm 5 (trainer.clip).
    One forward and one backward pass.
    """

    kinds = frozenset({"categorical"})
    release = "HanxunH/Active-Passive-Losses@04bce53"
    follows: ClassVar[dict[str, str]] = {
        "schedule": "as released: none of its own",
        "normalisation": "as the paper: A = -4 and the whole MAE; log 1e-4 and half of it with released=true",
        "batch_statistics": "as released: training's passes alone",
        "predicts": "as released: the network",
    }
    family = "robust loss"
    cites = "Ma et al., 2020, arXiv:2006.13554"
    differs = "the released code has A = log 1e-4, half the MAE and a detached focal weight: released=true"

    def __init__(
        self,
        active: Literal["nce", "nfl"] = "nce",
        passive: Literal["rce", "mae"] = "rce",
        alpha: float = 1.0,
        beta: float = 1.0,
        gamma: float = 0.5,
        released: bool = False,
    ) -> None:
        super().__init__()
        self.active, self.passive = active, passive
        self.alpha, self.beta, self.gamma, self.released = alpha, beta, gamma, released

    def loss(self, output: Tensor, target: Tensor) -> Tensor:
        """output (U, K), target (U,) -> (U,)."""
        if self.active == "nce":
            active = functional.normalized_cross_entropy(output, target)
        else:
            active = functional.normalized_focal(output, target, self.gamma, detach=self.released)
        if self.passive == "rce":
            passive = functional.reverse_cross_entropy(output, target, math.log(1e-4) if self.released else -4.0)
        else:
            passive = functional.mean_absolute_error(output, target) / (2 if self.released else 1)
        return self.alpha * active + self.beta * passive
