"""Sparse over-parameterization."""

from __future__ import annotations

from typing import ClassVar, Literal

import torch
from torch import Tensor, nn
from torch.nn import functional as F  # noqa: N812
from torch.optim import SGD, Optimizer

from benchmark.methods.base import Method, RunInfo
from benchmark.methods.step import Step

RELEASED_BATCH = 128  # units a batch of the released runs on CIFAR
RELEASED_EPOCHS = 300
SQUARE_WEIGHT = 100.0  # of the squared term at 21a4017, which calls it ratio_reg
SQUARE_MARGIN = 1e-4  # at 21a4017 a square stays so far below 1


class SOP(Method):
    """Learn each label's noise beside the network, as s_i = u_i^2 onehot(y) - v_i^2 (1 - onehot(y)).

    Liu et al., 2022, arXiv:2202.14026. The loss is CE of
    normalise(clamp(p + u^2 y - stopgrad(v^2 (1 - y)), 1e-4)) at y, plus
    w || onehot(argmax z) + u^2 y - v^2 (1 - y) - y ||^2, which trains v. u and v start at N(0, 1e-8)
    and have plain SGD of their own whose rates do not decay, as in the released code, which has two
    losses in its history (github.com/shengliu66/SOP). ``released="9a3fd24"``, its last one and the
    default, has w = 1, u in the squared term too, and clamps squares to [0, 1]; ``"21a4017"`` has
    w = 100, no gradient to u from the squared term, and clamps squares to [0, 1 - 1e-4].
    A unit's u and v move once an epoch, by its share of a mean over the batch, so rates belong to a
    batch size and a length. ``lr_u`` and ``lr_v`` are those of the released 128 units and 300 epochs;
    a step takes them times (units of its batch / 128) (300 / epochs): a unit travels as far in every
    run as there. ``scaled_lr_u`` and ``scaled_lr_v`` hold the rates of a batch of this run's usual
    size, which a row keeps. One forward and one backward pass.

    Tables are sparse: a step touches its batch only. Memory num_units x (K + 1).
    """

    version: ClassVar[int] = 2  # 1: rates as given, whatever the batch and the length
    kinds = frozenset({"categorical"})
    keeps = "N (K + 1)"
    release = "shengliu66/SOP@9a3fd24"
    follows: ClassVar[dict[str, str]] = {
        "schedule": "ours, because rates belong to a batch and a length: those of u and v are scaled to the run's",
        "normalisation": "as released: the mean over units of both terms, weight 1",
        "batch_statistics": "as released: training's passes alone",
        "predicts": "as released: the network",
    }
    family = "regularization"
    cites = "Liu et al., 2022, arXiv:2202.14026"
    differs = "ours: rates of u and v are scaled from the released batch and epochs to the run's; the consistency and balance terms of SOP+ are left out"

    target: Tensor

    def __init__(
        self,
        lr_u: float = 10.0,
        lr_v: float = 10.0,
        released: Literal["9a3fd24", "21a4017"] = "9a3fd24",
    ) -> None:
        super().__init__()
        self.lr_u, self.lr_v, self.released = lr_u, lr_v, released
        self._rates: list[Optimizer] = []

    def setup(self, run: RunInfo) -> None:
        """Allocate the tables u (num_units, 1) and v (num_units, K), and scale their rates."""
        self.u = nn.Embedding(run.num_units, 1, sparse=True, device=run.device)
        self.v = nn.Embedding(run.num_units, run.num_classes, sparse=True, device=run.device)
        for table in (self.u, self.v):
            nn.init.normal_(table.weight, std=1e-8)
        self.register_buffer("target", run.observed["train"].value.to(run.device))
        self.lengthening = RELEASED_EPOCHS / run.epochs
        live = int(run.observed["train"].live.sum())
        usual = self.scale(-(-live // run.steps_per_epoch))
        self.scaled_lr_u = self.lr_u * usual
        self.scaled_lr_v = self.lr_v * usual

    def scale(self, units: int) -> float:
        """Return what the released rates are multiplied with in a step of ``units`` units."""
        return units / RELEASED_BATCH * self.lengthening

    def optimizers(self, lr: float) -> list[Optimizer]:
        """Return plain SGD for each table; a step sets the rates for its own number of units."""
        of_u = SGD(self.u.parameters(), lr=self.scaled_lr_u)
        of_v = SGD(self.v.parameters(), lr=self.scaled_lr_v)
        self._rates = [of_u, of_v]
        return [of_u, of_v]

    def resolved(self) -> dict[str, float]:
        """Return the rates of a batch of the usual size."""
        return {"lr_u": self.scaled_lr_u, "lr_v": self.scaled_lr_v}

    def objective(self, step: Step) -> Tensor:
        """Return cross entropy of the corrected prediction plus the squared error that trains v."""
        units = step.units()
        factor = self.scale(len(units.target))
        for optimizer, rate in zip(self._rates, (self.lr_u, self.lr_v), strict=False):
            optimizer.param_groups[0]["lr"] = rate * factor
        label = F.one_hot(units.target, units.output.shape[1]).to(units.output.dtype)
        earlier = self.released == "21a4017"
        most = 1 - SQUARE_MARGIN if earlier else 1
        excess = (self.u(units.index) ** 2 * label).clamp(0, most)
        lack = (self.v(units.index) ** 2 * (1 - label)).clamp(0, most)
        p = (units.output.softmax(1) + excess - lack.detach()).clamp(min=1e-4)
        p = F.normalize(p, p=1.0, eps=1e-4).clamp(min=1e-4, max=1.0)
        hard = F.one_hot(units.output.detach().argmax(1), units.output.shape[1])
        shown = excess.detach() if earlier else excess
        squared = ((hard + shown - lack - label) ** 2).sum(1)
        weight = SQUARE_WEIGHT if earlier else 1.0
        return (-(label * p.log()).sum(1) + weight * squared).mean()

    def suspicion(self) -> Tensor:
        """Return what mass the noise variables move: u^2 + the largest v^2 of the other classes."""
        with torch.no_grad():
            from_label = self.u.weight[:, 0].square().clamp(max=1)
            return from_label + self.v.weight.square().clamp(max=1).amax(1)
