"""Sparse over-parameterization."""

from __future__ import annotations

from typing import ClassVar

import torch
from torch import Tensor, nn
from torch.nn import functional as F  # noqa: N812
from torch.optim import SGD, Optimizer

from benchmark.methods.base import Method, RunInfo
from benchmark.methods.step import Step


class SOP(Method):
    """Learns each label's noise as s_i = u_i^2 onehot(y) - v_i^2 (1 - onehot(y)) beside the network.

    Liu et al., 2022, arXiv:2202.14026. loss = CE of normalise(clamp(p + u^2 y - stopgrad(v^2 (1 - y)), 1e-4)) at y, plus
    || onehot(argmax z) + u^2 y - v^2 (1 - y) - y ||^2, which trains v. Squares are clamped to [0, 1]; u and v start at
    N(0, 1e-8) and have plain SGD of their own with fixed rates, as in the released code. Tables are sparse: a step touches
    its batch only. One forward and one backward pass; memory num_units x (K + 1).
    """

    kinds = frozenset({"categorical"})
    keeps = "N (K + 1)"
    release = "shengliu66/SOP@9a3fd24"
    follows: ClassVar[dict[str, str]] = {
        "schedule": "as released: fixed rates of u and v",
        "normalisation": "as released: the mean over units of both terms, weight 1",
        "batch_statistics": "as released: training's passes alone",
        "predicts": "as released: the network",
    }
    family = "regularization"
    cites = "Liu et al., 2022, arXiv:2202.14026"

    target: Tensor

    def __init__(self, lr_u: float = 10.0, lr_v: float = 10.0) -> None:
        super().__init__()
        self.lr_u, self.lr_v = lr_u, lr_v

    def setup(self, run: RunInfo) -> None:
        """The tables u (num_units, 1) and v (num_units, K)."""
        self.u, self.v = (nn.Embedding(run.num_units, width, sparse=True, device=run.device) for width in (1, run.num_classes))
        for table in (self.u, self.v):
            nn.init.normal_(table.weight, std=1e-8)
        self.register_buffer("target", run.observed["train"].value.to(run.device))

    def optimizers(self, lr: float) -> list[Optimizer]:
        """Plain SGD, a rate for each table."""
        return [SGD(self.u.parameters(), lr=self.lr_u), SGD(self.v.parameters(), lr=self.lr_v)]

    def objective(self, step: Step) -> Tensor:
        """Cross entropy of the corrected prediction plus the squared error that trains v."""
        units = step.units()
        label = F.one_hot(units.target, units.output.shape[1]).to(units.output.dtype)
        excess = (self.u(units.index) ** 2 * label).clamp(0, 1)
        lack = (self.v(units.index) ** 2 * (1 - label)).clamp(0, 1)
        p = (units.output.softmax(1) + excess - lack.detach()).clamp(min=1e-4)
        p = (p / p.sum(1, keepdim=True)).clamp(min=1e-4)
        hard = F.one_hot(units.output.detach().argmax(1), units.output.shape[1])
        squared = ((hard + excess - lack - label) ** 2).sum(1)
        return (-(label * p.log()).sum(1) + squared).mean()

    def suspicion(self) -> Tensor:
        """Mass that the noise variables move: u^2 + max of v^2 over the other classes."""
        with torch.no_grad():
            return self.u.weight[:, 0].square().clamp(max=1) + self.v.weight.square().clamp(max=1).amax(1)
