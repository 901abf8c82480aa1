"""Multi-label classification from positive and unlabelled labels."""

from __future__ import annotations

from typing import ClassVar

import torch
from torch import Tensor
from torch.nn import functional as F  # noqa: N812

from benchmark import functional
from benchmark.methods.base import Price, Reduction, RunInfo
from benchmark.methods.shared.multilabel import Grid, MultiLabelMethod
from benchmark.methods.step import Step


class PUMLC(MultiLabelMethod):
    """sum_k [w_k log mean phi_k - mean over positives of log phi_k] + sum_k mean (log t - log p_mix)^2: negative labels are thrown away.

    Yuan et al., 2023, arXiv:2306.11636, on the variational risk of Chen et al., 2020. phi = sigmoid(z / tau), tau_k = min(1, a sd(z_k)),
    w_k = (mean phi_k)^gamma, both without gradient; the unlabelled set of a label is the whole batch, positives included. The second term
    mixes the halves of a batch, lam ~ Beta(.3, .3) once per batch, t = lam t_1 + (1 - lam) t_2 with t = 1 at positives and p, with its
    gradient, elsewhere. Continuous inputs only. 1.5 forward and 1.5 backward passes.

    Labels are summed, and the few positives of a batch weigh as much as all of it: weight decay is that of losses that are sums. What it knows of
    negatives is thrown away, which costs where they are right: on cxr_reports (recorded, linear, three seeds) .69 mean average precision against erm's .79.
    """

    release = "TAKELAMAG/PU-MLC@5c54d37"
    follows: ClassVar[dict[str, str]] = {
        "schedule": "as released: none of its own",
        "normalisation": "as released: means over batch and positives, summed over labels",
        "batch_statistics": "ours, because networks need not be pretrained: statistics are learned (released: frozen)",
        "predicts": "ours, because weights are not averaged: the network (released: the better on test of it and its average)",
    }
    family = "robust loss"
    reduction: ClassVar[Reduction] = "sum"  # over labels; a label's positives weigh as much as its batch, so the scale is that of a sum over both
    version: ClassVar[int] = 2  # weight decay of SGD and Adam is that of a sum
    cites = "Yuan et al., 2023, arXiv:2306.11636"
    developed_on: ClassVar[tuple[str, ...]] = ("cxr_reports",)
    differs = (
        "the loss and the mix term on any network: the paper's local-global convolution and label "
        "graph belong to its backbone; batch statistics are learned (released: frozen); the "
        "network predicts (the better on test of it and the average of its weights)"
    )

    def __init__(self, gamma: float = 0.55, a: float = 1.0, alpha: float = 0.3) -> None:
        super().__init__()
        self.gamma, self.a, self.alpha = gamma, a, alpha

    def passes(self, epochs: int) -> Price:
        """The mixed half batch is half a pass."""
        return Price(1.5, 1.5)

    def setup(self, run: RunInfo) -> None:
        """A generator of its own for lam."""
        self.rng = run.generator("pu_mlc")

    def layout_loss(self, grid: Grid, step: Step) -> Tensor:
        """The risk plus the mix term."""
        risk = functional.positive_unlabelled(grid.logit, grid.positive, self.a, self.gamma)
        half = len(step) // 2
        return risk + self._mixed(grid, step, half) if half else risk

    def _mixed(self, grid: Grid, step: Step, half: int) -> Tensor:
        lam = float(self.rng.beta(self.alpha, self.alpha))
        x = step.inputs()
        target = torch.where(grid.positive, 1.0, grid.logit.sigmoid())
        target = lam * target[:half] + (1 - lam) * target[half : 2 * half]
        z = step.forward(x=lam * x[:half] + (1 - lam) * x[half : 2 * half])
        return ((target.clamp(min=1e-12).log() - F.logsigmoid(z)) ** 2).mean(0).sum()
