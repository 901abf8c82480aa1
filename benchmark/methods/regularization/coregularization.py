"""Co-regularization."""

from __future__ import annotations

from typing import ClassVar

import torch
from torch import Tensor

from benchmark import functional
from benchmark.methods.base import Method, RunInfo, activate
from benchmark.methods.step import Step


class CoRegularization(Method):
    """mean_k CE(p_k, y) + alpha mean_k KL(p || p_k), p = mean_k p_k: two networks that started apart are kept from going wrong apart.

    Zhou and Chen, 2021, arXiv:2104.08656. alpha is 0 for the first ``warmup`` share of the epochs (as of the steps, in the released code). The paper takes 50
    with pretrained encoders; a tagger that begins from nothing then ended in the constant answer (entity F1 0 on WikiGold), hence 10.
    The mean p carries a gradient, as in the last version of the released code (its first one held p fixed).
    Network 0 predicts. Two forward and two backward passes.
    """

    kinds = frozenset({"categorical"})
    native = frozenset({"multiclass", "tagging"})
    networks = 2
    warm_up = True
    release = "wzhouad/NLL-IE@ae7b93e"
    follows: ClassVar[dict[str, str]] = {
        "schedule": "ours, because epochs count: alpha is 0 for a tenth of them (released: of the steps)",
        "normalisation": "ours, because the divergence is exact (released: 1e-5 in its logarithms, 1e-3 in the count)",
        "batch_statistics": "as released: training mode, all networks on one batch",
        "predicts": "as released: the first network",
    }
    family = "regularization"
    cites = "Zhou and Chen, 2021, arXiv:2104.08656"
    developed_on: ClassVar[tuple[str, ...]] = ("wikigold",)
    differs = "alpha is 10, not 50; warm-up counts epochs, not steps; exact divergence: the released code adds 1e-5 inside logarithms and 1e-3 to the count"

    def __init__(self, alpha: float = 10.0, warmup: float = 0.1) -> None:
        super().__init__()
        self.alpha, self.warmup = alpha, warmup

    def setup(self, run: RunInfo) -> None:
        """First epoch with the regularizer."""
        self.start = max(1, round(self.warmup * run.epochs))

    def objective(self, step: Step) -> Tensor:
        """Mean cross entropy of the networks, and how far they are from their mean."""
        units = [step.units(net) for net in range(self.networks)]
        loss = torch.stack([self.loss(u.output, u.target).mean() for u in units]).mean()
        if step.epoch < self.start:
            return loss
        return loss + self.alpha * functional.agreement(torch.stack([u.output for u in units])).mean()

    def predict(self, step: Step) -> Tensor:
        """Network 0."""
        return activate(step.units(0).output)
