"""COMIC: correction, multi-focal modifier and balance for long-tailed partial labels."""

from __future__ import annotations

from typing import ClassVar

import torch
from torch import Tensor

from benchmark import functional
from benchmark.methods.base import Reduction, RunInfo
from benchmark.methods.shared.multilabel import Grid, MultiLabelMethod, observed_positives
from benchmark.methods.step import Step


class COMIC(MultiLabelMethod):
    """Multi-focal loss with class weights w_k = (1 - log(n_k / n_max))^e, on labels to which confident predictions were added.

    Zhang et al., 2023, arXiv:2309.12712 (Learning in Imperfect Environment). Correction, from the second epoch: an entry with p > .7
    and above its label's batch mean becomes positive, given positives are at z - 1, n counts recovered labels too (anew each epoch). Modifier:
    w multiplies each entry and enters the exponent of negatives; at a label that often occurs with the positives of the example, p of
    positives is lowered and q of negatives raised. Balance: network 0 (balanced) learns with the modifier, 1 (head) without class weights, 2 (tail)
    with them, and the correction acts on the mean of the three, which predicts. Three forward and three backward passes. Without ``balance``:
    network 0 alone, one of each.
    """

    networks = 3
    follows: ClassVar[dict[str, str]] = {
        "schedule": "as the paper: labels are corrected from the second epoch on",
        "normalisation": "as the paper: sums over batch and labels",
        "batch_statistics": "as the paper: training's passes alone",
        "predicts": "as the paper: the mean logits of three networks",
    }
    developed_on: ClassVar[tuple[str, ...]] = ("cxr_reports",)
    reduction: ClassVar[Reduction] = "sum"
    version: ClassVar[int] = 2  # weight decay of SGD and Adam is that of a sum
    family = "sample selection"
    cites = "Zhang et al., 2023, arXiv:2309.12712"
    differs = (
        "head and tail networks minimise the multi-focal loss without and with class weights "
        "(released, where their distillation is commented out: all three the modifier with "
        "co-occurrence, 4/3 times); the correction acts on the mean of the three from the second "
        "epoch (released: on each by itself, .2 times, from the first); the mean of the three "
        "predicts (released: the balanced network)"
    )

    count: Tensor
    recovered: Tensor
    together: Tensor

    def __init__(self, balance: bool = True, threshold: float = 0.7, gamma_negative: float = 4.0, exponent: float = 1 / 6) -> None:
        super().__init__()
        self.networks = 3 if balance else 1
        self.threshold, self.gamma_negative, self.exponent = threshold, gamma_negative, exponent

    def setup(self, run: RunInfo) -> None:
        """Counts of the observed positives, and how often labels occur together."""
        positive = observed_positives(run)
        together = positive.T @ positive
        together.fill_diagonal_(0)
        self.register_buffer("count", positive.sum(0))
        self.register_buffer("recovered", torch.zeros_like(self.count))
        self.register_buffer("together", together / together.sum(0).clamp(min=1))
        self.epoch = 0

    def class_weight(self, exponent: float) -> Tensor:
        """(C,) (1 - log(n_k / n_max))^exponent."""
        n = (self.count + self.recovered).clamp(min=1)
        weight: Tensor = (1 - (n / n.max()).log()) ** exponent
        return weight

    def objective(self, step: Step) -> Tensor:
        """Loss of every network, plus the correction on their mean."""
        if step.epoch != self.epoch:
            self.epoch = step.epoch
            self.recovered.zero_()
        grids = [self.grid(step, net) for net in range(self.networks)]
        loss = self._modified(grids[0])
        if self.networks > 1:
            loss = loss + self._plain(grids[1], 0.0) + self._plain(grids[2], self.exponent)
        mean = Grid(torch.stack([grid.logit for grid in grids]).mean(0), grids[0].label, grids[0].live)
        return loss + self._corrected(mean, step) if step.epoch else loss

    def _plain(self, grid: Grid, exponent: float) -> Tensor:
        weight = self.class_weight(exponent)
        return grid.total(functional.multi_focal(grid.logit, grid.label, weight, self.gamma_negative, 0.0))

    def _modified(self, grid: Grid) -> Tensor:
        """The multi-focal modifier with co-occurrence, exponent 1/3, gamma- 3."""
        near = grid.label @ self.together
        near = near / near.sum(1, keepdim=True).clamp(min=1e-12)
        return grid.total(functional.cooccurrence_focal(grid.logit, grid.label, self.class_weight(1 / 3), near, 3.0))

    def _corrected(self, grid: Grid, step: Step) -> Tensor:
        """Multi-focal loss on corrected labels, times 32 over the number of positives; the margin is that of given positives only."""
        shifted = torch.where(grid.positive, grid.logit - 1, grid.logit)
        found = functional.recover_positives(shifted.detach(), grid.label, self.threshold) & grid.live
        if step.repeat == 0:
            self.recovered += found.sum(0)
        label = torch.where(found, 1.0, grid.label)
        loss = functional.multi_focal(shifted, label, self.class_weight(1 / 6), 3.0, 0.0)
        return grid.total(loss) * 32 / (label * grid.live).sum().clamp(min=1)

    def predict(self, step: Step) -> Tensor:
        """(U, 2) probabilities of the mean logits."""
        logit = torch.stack([step.forward(net) for net in range(self.networks)]).mean(0)
        return step.flatten(logit).output.softmax(1)
