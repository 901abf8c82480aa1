"""VolMinNet."""

from __future__ import annotations

from typing import ClassVar, Literal

import torch
from torch import Tensor, nn
from torch.nn import functional as F  # noqa: N812
from torch.optim import SGD, Adam, Optimizer

from benchmark import functional
from benchmark.methods.base import Method, RunInfo
from benchmark.methods.step import Step


class VolMinNet(Method):
    """-log (p T)_y + lam log |det T|: of all T that explain the noisy labels, the one whose rows span the least volume.

    Li et al., 2021, arXiv:2102.02414. T has rows normalise(e_i + sigmoid(w_ij), j != i), so its diagonal is the largest of each row; w starts at
    ``start`` (-2 for ten classes, -4.5 for a hundred) and has an optimizer of its own. Multi-label tasks have one T per label and the
    mean of their volumes. The released code lets the rate of T decay with the network's; here it is fixed. ``lr`` is made for the 30,000 steps of
    the paper: some hundreds leave T near its start, unless ``lr`` is near 1. One forward and one backward pass.

    A limit: on pair flip at 45 % of digits the classes can be learned (``forward``, which is told T, has an
    accuracy of .96 over three seeds) and T cannot be estimated by this rule at any rate that was tried:
    .45 to .55 with SGD at .01, .1 and 1 and with Adam at .01, .1 and 1, where plain training has .48. A diagonal
    of .55 beside one entry of .45 leaves the largest entry of a row to chance in so few steps.
    """

    kinds = frozenset({"categorical"})
    keeps = "C K K"
    release = "xuefeng-li1/Provably-end-to-end-label-noise-learning-without-anchor-points@06e4167"
    follows: ClassVar[dict[str, str]] = {
        "schedule": "ours, because T is slow to learn: its rate does not decay (released: with the network's)",
        "normalisation": "as released: the mean over units plus lam log |det T|",
        "batch_statistics": "as released: training's passes alone",
        "predicts": "as released: the network, without T",
    }
    family = "loss correction"
    cites = "Li et al., 2021, arXiv:2102.02414"
    differs = "the learning rate of T does not decay"

    weight: nn.Parameter

    def __init__(self, lam: float = 1e-4, start: float = -2.0, optimizer: Literal["sgd", "adam"] = "sgd", lr: float = 0.01) -> None:
        super().__init__()
        self.lam, self.start, self.optimizer, self.lr = lam, start, optimizer, lr

    def setup(self, run: RunInfo) -> None:
        """w (L, K, K)."""
        layers, k = run.width if run.problem == "multilabel" else 1, run.num_classes
        self.weight = nn.Parameter(torch.full((layers, k, k), self.start, device=run.device))

    def optimizers(self, lr: float) -> list[Optimizer]:
        """For w."""
        return [SGD([self.weight], lr=self.lr, momentum=0.9) if self.optimizer == "sgd" else Adam([self.weight], lr=self.lr)]

    def transition(self) -> Tensor:
        """T (L, K, K)."""
        eye = torch.eye(self.weight.shape[1], device=self.weight.device)
        return F.normalize(eye + self.weight.sigmoid() * (1 - eye), p=1.0, dim=2)

    def objective(self, step: Step) -> Tensor:
        """Mean corrected loss plus the mean log volume."""
        units, matrix = step.units(), self.transition()
        per_unit = matrix[units.column] if len(matrix) > 1 else matrix[0]
        volume = torch.linalg.slogdet(matrix).logabsdet.mean()
        return functional.forward_correction(units.output, units.target, per_unit).mean() + self.lam * volume

    def estimated_transition(self) -> Tensor:
        """T as learned."""
        return self.transition().detach()
