"""Nested dropout, alone and with co-teaching."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import replace
from typing import ClassVar

import numpy as np
import torch
from torch import Tensor, nn

from benchmark.core.protocol import checkpoints
from benchmark.core.types import Evaluate, Observed, Phase, Units
from benchmark.methods.base import Method, Price, RunInfo, activate
from benchmark.methods.sample_selection.small_loss import SmallLoss
from benchmark.methods.step import Step

LEAST_STD = 10.0  # the paper's for ten classes
REACH = 4.0  # widths beyond so many ``std`` are drawn with probability below 1e-6: nobody chooses them


class Widths:
    """How many of K features the head sees, and P(k) of each width.

    The head is used without its bias, as W f = head(f) - head(0); on token tasks, where a structured model may follow, it keeps it.
    """

    def __init__(self, features: int, std: float, keep_bias: bool) -> None:
        chance = np.exp(-((np.arange(1, features + 1) / std) ** 2))
        self.features, self.chance, self.keep_bias = features, chance / chance.sum(), keep_bias
        self.most = min(features, max(1, int(np.ceil(REACH * std))))

    def units(self, step: Step, net: int, features: Tensor, width: int) -> Units:
        """Units of a batch from the first ``width`` of its features (B, ..., K)."""
        return step.flatten(self.output(step, net, features, width, step.inputs()))

    def output(self, step: Step, net: int, features: Tensor, width: int, x: Tensor) -> Tensor:
        """Return the output (B, ...) from the first ``width`` of the features (B, ..., K) of the inputs ``x`` (B, ...)."""
        out = step.head(net, torch.cat([features[..., :width], torch.zeros_like(features[..., width:])], dim=-1), x)
        return out if self.keep_bias else out - step.head(net, torch.zeros_like(features[:1]), x[:1])

    def draw(self, rng: np.random.Generator) -> int:
        """Return a width from 1 to K, drawn with P(k)."""
        return 1 + int(rng.choice(self.features, p=self.chance))

    def decisions(self, step: Step, net: int) -> Tensor:
        """(U, most) what the network decides with 1, 2, ... features, from one pass: classes or numbers."""
        features = step.encode(net)
        outputs = (self.units(step, net, features, k).output for k in range(1, self.most + 1))
        return torch.stack([out[:, 0] if out.shape[1] == 1 else out.argmax(1).float() for out in outputs], dim=1)


def best_width(decision: Tensor, seen: Observed, continuous: bool, penalty: float) -> int:
    """The width of largest score - penalty x width: accuracy on noisy labels, or minus the squared error; the smallest of equals.

    Args:
        decision: (U, most) by width.
        seen: observed labels of the same units.
    """
    at, target = seen.live.to(decision.device), seen.value.to(decision.device)
    hit = decision[at] == target[at].unsqueeze(1).float()
    score = -((decision[at] - target[at].unsqueeze(1)) ** 2).mean(0) if continuous else hit.float().mean(0)
    width = torch.arange(1, decision.shape[1] + 1, device=decision.device)
    return 1 + int((score.double() - penalty * width).argmax())


class NestedWidths(nn.Module):
    """Hold what nested dropout adds to networks: widths drawn in training, and the width of each that validation chose."""

    chosen: Tensor

    def __init__(self, run: RunInfo, networks: int, std: float, penalty: float) -> None:
        super().__init__()
        self.networks = networks
        self.penalty = penalty
        self.rng = run.generator("nested_dropout")
        self.widths = Widths(run.features, std, keep_bias=run.problem == "tagging")
        self.held = run.observed["val"]
        self.continuous = run.kind == "continuous"
        self.trying: int | None = None  # network whose widths are tried
        self.register_buffer("chosen", torch.full((networks,), run.features, device=run.device))

    def drawn(self, step: Step) -> list[Units]:
        """Return the units of every network, each with a width drawn for this batch."""
        width = [self.widths.draw(self.rng) for _ in range(self.networks)]
        return [self.widths.units(step, net, step.encode(net), k) for net, k in enumerate(width)]

    def narrowed(self, step: Step) -> list[Units]:
        """Return the units of every network, each with the width that it chose."""
        return [self.widths.units(step, net, step.encode(net), int(self.chosen[net])) for net in range(self.networks)]

    def choose(self, evaluate: Evaluate) -> None:
        """Try all widths of every network on half of the noisy validation labels, and keep the best."""
        for net in range(self.networks):
            self.trying = net
            decision = evaluate("val")
            self.trying = None
            self.chosen[net] = best_width(decision, self.held, self.continuous, self.penalty)

    def predict(self, step: Step) -> Tensor:
        """Return (U, K) with the chosen widths; (U, widths) decisions of the network whose widths are tried."""
        if self.trying is not None:
            return self.widths.decisions(step, self.trying)
        return torch.stack([activate(units.output) for units in self.narrowed(step)]).mean(0)


def resolved_std(std: float | None, features: int) -> float:
    """Return the standard deviation of the widths: as given, or max(10, half of the features)."""
    return max(LEAST_STD, features / 2) if std is None else std


def price_of_widths(networks: int, epochs: int) -> Price:
    """Return the cost of nested dropout: half of validation at the checkpoints costs at most as much as the training set."""
    return Price(networks * (1 + len(checkpoints(epochs)) / epochs), networks, at_most=True)


class NestedDropout(Method):
    """Zeroes the features k + 1 ... K before a linear head without bias, one k a batch, P(k) proportional to exp(-(k / std)^2).

    Chen et al., 2021, arXiv:2104.13766: features come out ordered by importance, and noise is left to the last ones. At every checkpoint all
    widths are tried on half of the noisy validation labels (from one pass) and the best of accuracy - 1e-5 k predicts until the next one.
    ``std`` counts features: 10 for CIFAR-10, 100 for CIFAR-100 and Clothing1M, of 512 in the paper.
    Ours, because encoders differ in width: ``std: null`` is max(10, K / 2), which a row keeps; on digits
    with 40 % symmetric noise and 64 features (five seeds) .87 against .78 with 10. The paper warms the rate
    up for 6,000 steps; here the trainer's schedule holds for every method. One forward and one backward
    pass, and one over half of validation at each checkpoint.
    """

    version: ClassVar[int] = 2  # 1: std = 10 at every width
    developed_on: ClassVar[tuple[str, ...]] = ("digits",)
    uses_val = True
    release = "yingyichen-cyy/Nested-Co-teaching@9a2fc40"
    follows: ClassVar[dict[str, str]] = {
        "schedule": "ours, because a choice costs a pass: the width is chosen at the checkpoints (released: every epoch)",
        "normalisation": "as the paper: the mean over units",
        "batch_statistics": "as released: evaluation mode where widths are tried",
        "predicts": "as released: the network with the width that validation chose",
    }
    family = "regularization"
    cites = "Chen et al., 2021, arXiv:2104.13766"
    differs = "ours: std is max(10, half of the features); no warm-up of the learning rate; the width is chosen on half of noisy validation, at the checkpoints"

    def __init__(self, std: float | None = None, penalty: float = 1e-5) -> None:
        super().__init__()
        self.std = std
        self.penalty = penalty
        self.used_std = LEAST_STD if std is None else std  # ``setup`` knows the width

    def passes(self, epochs: int) -> Price:
        """Return one pass of training, and validation at the checkpoints."""
        return price_of_widths(self.networks, epochs)

    def setup(self, run: RunInfo) -> None:
        """Fix the distribution of widths; all features count until the first choice."""
        self.used_std = resolved_std(self.std, run.features)
        self.nested = NestedWidths(run, self.networks, self.used_std, self.penalty)
        self.rng = self.nested.rng  # a wrapper that takes a second gradient repeats its draws
        self.due = frozenset(checkpoints(run.epochs))

    def resolved(self) -> dict[str, float]:
        """Return the standard deviation that widths were drawn with."""
        return {"std": self.used_std}

    def objective(self, step: Step) -> Tensor:
        """Return the mean loss with a width drawn for this batch."""
        (units,) = self.nested.drawn(step)
        return self.loss(units.output, units.target).mean()

    def on_epoch_end(self, epoch: int, evaluate: Evaluate) -> None:
        """Choose the width anew where a checkpoint is due."""
        if epoch in self.due:
            self.nested.choose(evaluate)

    def predict(self, step: Step) -> Tensor:
        """Return (U, K) with the chosen width."""
        return self.nested.predict(step)


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
