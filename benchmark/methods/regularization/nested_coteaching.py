"""Nested dropout with co-teaching."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import replace
from typing import ClassVar

import torch
from torch import Tensor

from benchmark.core.protocol import checkpoints
from benchmark.core.types import Evaluate, Phase, Units
from benchmark.methods.base import Price, RunInfo, activate
from benchmark.methods.sample_selection.small_loss import SmallLoss
from benchmark.methods.shared.nested import NestedWidths, best_width
from benchmark.methods.step import Step


class NestedCoTeaching(SmallLoss):
    """Two networks trained with nested dropout, which then co-teach, still with nested dropout.

    Chen et al., 2021, arXiv:2104.13766. For the first ``stage`` of the epochs (350 of 450) each network learns alone. Then
    batch-norm statistics stay, the learning rate is divided (by 10 to 100 in the paper) and the forget rate is the noise rate from
    the start. Of a batch, network 0 judges the first half and network 1 the second, each with the width in force; each then learns
    the units of small loss that the other one selected from its half, both with one width that is drawn anew for every batch. The
    width in force is chosen after every epoch, and before the first one of this stage, on half of noisy validation for the mean
    output of both networks; it predicts. Two forward and two backward passes, in the second stage two and one, and at most two over
    half of validation after each epoch.
    """

    version: ClassVar[int] = 2  # 1: two fixed widths in the second stage, both networks on the whole batch
    release = "yingyichen-cyy/Nested-Co-teaching@9a2fc40"
    follows: ClassVar[dict[str, str]] = {
        "schedule": "ours, because both stages are one run: the second goes on from the last epoch of the first (released: from its best)",
        "normalisation": "ours, because no share is lost: it is rounded up (released: down); the mean over kept units, R constant",
        "batch_statistics": "as released: statistics stay in the second stage (weights of batch norm learn on, released: they stay)",
        "predicts": "as released: the mean logits of both networks with the one width that validation chose",
    }
    networks = 2
    uses_val = True
    native = frozenset({"multiclass"})
    family = "regularization"
    fidelity = "exact"
    cites = "Chen et al., 2021, arXiv:2104.13766"
    differs = (
        "both stages in one run and on one batch order, the second from the last epoch of the first (released: from its best); the kept share "
        "is rounded up (released: down); weights of batch norm learn on in the second stage (they stay); a chosen width of one is used (read as all)"
    )

    def __init__(self, std: float = 10.0, penalty: float = 1e-5, stage: float = 0.78, lr: float = 0.1) -> None:
        super().__init__(ramp=0.0)
        self.std = std
        self.penalty = penalty
        self.stage = stage
        self.lr = lr

    def _begin(self, epochs: int) -> int:
        return round(self.stage * epochs)

    def passes(self, epochs: int) -> Price:
        """Return the passes of both stages; a look at half of validation costs at most as much as the training set."""
        start = self._begin(epochs)
        looks = sum(epoch + 1 < start for epoch in checkpoints(epochs)) + epochs - max(start - 1, 0)
        return Price(2 + 2 * looks / epochs, 1 + start / epochs, at_most=True)

    def setup(self, run: RunInfo) -> None:
        """Fix when the second stage begins, and when widths are chosen before: the last choice is the joint one that it begins with."""
        super().setup(run)
        self.nested = NestedWidths(run, self.networks, self.std, self.penalty)
        self.rng = self.nested.rng  # a wrapper that takes a second gradient repeats its draws
        self.start = self._begin(run.epochs)
        self.due = frozenset(epoch for epoch in {*checkpoints(run.epochs), self.start - 1} if epoch < self.start)

    def lr_factor(self, epoch: int) -> float:
        """Return the factor of the learning rate: smaller in the second stage."""
        return self.lr if epoch >= self.start else 1.0

    def phases(self, epoch: int, evaluate: Evaluate) -> Sequence[Phase]:
        """Plan nested dropout, then co-teaching with frozen statistics."""
        return (Phase("nested"),) if epoch < self.start else (Phase("exchange", frozen_statistics=True),)

    def objective(self, step: Step) -> Tensor:
        """Return the sum of both losses: each network alone with a width of its own, or the exchange between the halves of a batch."""
        if step.phase.name == "exchange" and len(step) > 1:
            return self._exchange(step)
        return torch.stack([self.loss(units.output, units.target).mean() for units in self.nested.drawn(step)]).sum()

    def _exchange(self, step: Step) -> Tensor:
        """Return the sum of both networks' mean losses on what the other one selects from its half."""
        middle = len(step) // 2
        halves = [(0, middle), (middle, len(step))]
        selected = []
        with torch.no_grad():
            for net, (begin, end) in enumerate(halves):
                judged = self._of_half(step, net, begin, end, int(self.nested.chosen[net]))
                selected.append(self.select(judged, self.loss(judged.output, judged.target), step))
        width = self.nested.widths.draw(self.nested.rng)
        losses = []
        for net, (begin, end) in enumerate(reversed(halves)):
            units = self._of_half(step, net, begin, end, width)
            kept = selected[1 - net].to(units.output.dtype)
            losses.append((kept * self.loss(units.output, units.target)).sum() / kept.sum().clamp(min=1))
        return torch.stack(losses).sum()

    def _of_half(self, step: Step, net: int, begin: int, end: int, width: int) -> Units:
        """Return the units of the rows ``begin`` to ``end`` of a batch, from one pass of a network over these rows alone."""
        x = step.inputs()[begin:end]
        output = self.nested.widths.output(step, net, step.encode(net, x=x), width, x)
        whole = output.new_zeros(len(step), *output.shape[1:])
        units = step.flatten(torch.cat([whole[:begin], output, whole[end:]]))
        at = (units.row >= begin) & (units.row < end)
        return replace(units, output=units.output[at], given=units.target[at], index=units.index[at], row=units.row[at], column=units.column[at])

    def on_epoch_end(self, epoch: int, evaluate: Evaluate) -> None:
        """Choose a width for each network at the checkpoints of the first stage, then after every epoch one for the mean of both."""
        if epoch + 1 >= self.start:
            decision = evaluate("val", by=self.joint_decisions)
            self.nested.chosen.fill_(best_width(decision, self.nested.held, self.nested.continuous, self.penalty))
        elif epoch in self.due:
            self.nested.choose(evaluate)

    def joint_decisions(self, step: Step) -> Tensor:
        """Return (U, most): what the mean output of both networks decides with 1, 2, ... features, from one pass of each."""
        features = [step.encode(net) for net in range(self.networks)]
        columns = []
        for width in range(1, self.nested.widths.most + 1):
            output = self._mean_output(step, features, [width] * self.networks)
            columns.append(output[:, 0] if output.shape[1] == 1 else output.argmax(1).float())
        return torch.stack(columns, dim=1)

    def _mean_output(self, step: Step, features: Sequence[Tensor], widths: Sequence[int]) -> Tensor:
        outputs = [self.nested.widths.units(step, net, features[net], widths[net]).output for net in range(self.networks)]
        return torch.stack(outputs).mean(0)

    def predict(self, step: Step) -> Tensor:
        """Return (U, K) of the mean output with the chosen widths; (U, widths) decisions of the network whose widths are tried."""
        if self.nested.trying is not None:
            return self.nested.predict(step)
        features = [step.encode(net) for net in range(self.networks)]
        return activate(self._mean_output(step, features, self.nested.chosen.tolist()))
