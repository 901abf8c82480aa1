"""CrossSplit."""

from __future__ import annotations

from collections.abc import Sequence
from typing import ClassVar

import numpy as np
import torch
from torch import Tensor, nn
from torch.nn import functional as F  # noqa: N812
from torch.optim import SGD, Optimizer

from benchmark import functional
from benchmark.core.types import Evaluate, Phase
from benchmark.methods.base import Method, Price, RunInfo, activate
from benchmark.methods.step import Step

PROJECTION = 128  # features that are contrasted


class CrossSplit(Method):
    """Each of two networks learns one half of the labels, softened by the other network, which never saw them; the other half it guesses.

    Kim et al., 2023, arXiv:2212.01674. After a warm-up of each network on its half: a label becomes sharpen(b p + (1 - b) y) with the other network's p
    (mean of two views), b = clip((J - J_min) / (J_max - J_min), 0, 1), then (b - .5) gamma + .5; J is the Jensen-Shannon divergence of p and y, its range
    that of the observed class over the half, before each epoch; gamma is .6, .8 and 1 in turn, changing ``relax`` and 1.5 ``relax`` of
    training after the warm-up. Inputs of the other half get the sharpened mean of the network's own two views. MixMatch on two
    stronger views of both as in DivideMix (lambda_u, ramp of 16 epochs, uniform prior on multiclass tasks), plus ``lambda_c`` NT-Xent on a
    linear projection of the guessed half's views. No noise rate, no threshold. ``warmup`` is a share of the epochs (10 of 300; CIFAR-100 30).
    The released code warms both networks up on all labels (``warmup_on_all``), and its loaders read the whole data set behind the halves that it
    draws: each network trains on every label and guesses every label. Here they are apart, as the paper has it. Predictions without gradient share
    one batch (and its statistics) per network, released one by one.

    Adapted: continuous targets have squared errors in place of J and cross entropy and are not sharpened.
    Twelve forward and six backward passes after warm-up.
    """

    problems = frozenset({"multiclass", "multilabel", "regression"})
    native = frozenset({"multiclass"})
    networks, views = 2, 4
    strong_views = frozenset({2, 3})
    warm_up = True
    keeps = "N"
    release = "SAITPublic/CrossSplit@28b9f1f"
    follows: ClassVar[dict[str, str]] = {
        "schedule": (
            "ours, because shares of the epochs count: the ramp goes by epochs (released: by batches, 16 epochs of any run); both ranges before the epoch"
        ),
        "normalisation": "ours, because cosines are compared at .07 on a linear projection (released: .05, batch norm behind it); other means as released",
        "batch_statistics": (
            "ours, because one pass is cheaper: both weak views share it (released: one after the other); the resting network in evaluation mode"
        ),
        "predicts": "ours, because probabilities are what is averaged: their mean over both networks (released: the sum of logits)",
    }
    family = "sample selection"
    cites = "Kim et al., 2023, arXiv:2212.01674"
    differs = (
        "each network warms up on its own half (released: on all labels, warmup_on_all=true) and "
        "never sees the other's labels (released: the halves are drawn and not applied); NT-Xent "
        "at .07 (.05) on a linear projection (with batch norm, and the network's decay and "
        "schedule); as many guessed as labelled examples a batch (half as many); the ramp goes by "
        "epochs and is a share of the run (by batches, 16 epochs); both ranges before the epoch "
        "(one after the first network's); no entropy penalty in warm-up (.1 under asymmetric "
        "noise); mean probability (sum of logits)"
    )

    low: Tensor
    high: Tensor

    def __init__(
        self,
        lambda_u: float = 30.0,
        lambda_c: float = 0.025,
        temperature: float = 0.5,
        alpha: float = 4.0,
        warmup: float = 0.033,
        relax: float = 0.067,
        warmup_on_all: bool = False,
    ) -> None:
        super().__init__()
        self.lambda_u, self.lambda_c, self.temperature, self.alpha = lambda_u, lambda_c, temperature, alpha
        self.warmup, self.relax, self.warmup_on_all = warmup, relax, warmup_on_all

    def passes(self, epochs: int) -> Price:
        """Own guesses 2, the other's labels 2, MixMatch 4, contrast 2, the epoch's divergences 2; halves that do not fill their batches cost a bit less."""
        before = self._start(epochs) / epochs * (2 if self.warmup_on_all else 1)
        after, contrast = 1 - self._start(epochs) / epochs, 2 if self.lambda_c else 0
        return Price(before + after * (10 + contrast), before + after * (4 + contrast), at_most=True)

    def _start(self, epochs: int) -> int:
        return min(max(1, round(self.warmup * epochs)), epochs)

    def setup(self, run: RunInfo) -> None:
        """Split the examples, and lay out the ranges of divergence by network and group."""
        self.run, self.rng, self.start = run, run.generator("cross_split"), self._start(run.epochs)
        self.halves = [np.sort(half) for half in np.array_split(self.rng.permutation(run.num_examples), 2)]
        groups = 1 if run.kind == "continuous" else run.num_classes * (run.width if run.problem == "multilabel" else 1)
        self.register_buffer("low", torch.zeros(2, groups, device=run.device))
        self.register_buffer("high", torch.ones(2, groups, device=run.device))
        self.projections = nn.ModuleList(nn.Linear(run.features, PROJECTION, device=run.device) for _ in range(2))

    def optimizers(self, lr: float) -> list[Optimizer]:
        """For the projections: a network that rests must not hold back its own."""
        return [SGD(self.projections.parameters(), lr=lr, momentum=0.9)]

    def phases(self, epoch: int, evaluate: Evaluate) -> Sequence[Phase]:
        """One phase a network, on its half."""
        if epoch < self.start:
            return tuple(Phase("warmup", indices=None if self.warmup_on_all else self.halves[net], networks=(net,)) for net in (0, 1))
        for net in (0, 1):
            self._range(net, evaluate("train", net=1 - net))
        return tuple(Phase("split", indices=self.halves[net], networks=(net,), streams={"other": self.halves[1 - net]}) for net in (0, 1))

    def _range(self, net: int, prediction: Tensor) -> None:
        """Smallest and largest divergence of the other network from the labels of this one's half, by group."""
        seen = self.run.observed["train"]
        mine = torch.zeros(self.run.num_examples, dtype=torch.bool)
        mine[torch.from_numpy(self.halves[net])] = True
        at = (mine.repeat_interleave(self.run.width) & seen.live).to(prediction.device)
        target = seen.value.to(prediction.device)[at]
        group = self._group(target, seen.column.to(prediction.device)[at])
        distance = self._divergence(prediction[at], self._label(target))
        for bound, how in ((self.low, "amin"), (self.high, "amax")):
            bound[net] = bound[net].scatter_reduce(0, group, distance.to(bound), how, include_self=False)

    def _group(self, target: Tensor, column: Tensor) -> Tensor:
        if self.run.kind == "continuous":
            return torch.zeros_like(column)
        return (column * self.run.num_classes if self.run.problem == "multilabel" else 0) + target

    def _label(self, target: Tensor) -> Tensor:
        """(U, K) one-hot, or (U, 1) numbers."""
        return target.unsqueeze(1) if self.run.kind == "continuous" else F.one_hot(target, self.run.num_classes).float()

    def _divergence(self, prediction: Tensor, label: Tensor) -> Tensor:
        return ((prediction - label) ** 2)[:, 0] if self.run.kind == "continuous" else functional.jensen_shannon(prediction, label)

    def _sharpened(self, target: Tensor) -> Tensor:
        return target if self.run.kind == "continuous" else functional.sharpen(target, self.temperature)

    def objective(self, step: Step) -> Tensor:
        """Plain loss in warm-up, else MixMatch and contrast."""
        nets = step.phase.networks or (0, 1)
        if "other" not in step.streams:
            return torch.stack([self.loss(u.output, u.target).mean() for u in map(step.units, nets)]).sum()
        return self._mixmatch(step, nets[0])

    def _mixmatch(self, step: Step, net: int) -> Tensor:
        other = step.streams["other"]
        with torch.no_grad():
            softened, guessed = self._softened(step, net), self._guessed(other, net)
        target = torch.cat([softened, softened, guessed, guessed])
        draw = float(self.rng.beta(self.alpha, self.alpha))
        lam = max(draw, 1 - draw)
        both = step.stack([(step, 2), (step, 3), (other, 2), (other, 3)])
        mixed = both.mix(lam, torch.from_numpy(self.rng.permutation(both.size)), net)
        assert mixed.partner is not None
        target, known = functional.mix_targets(target, mixed.partner, lam), mixed.row < 2 * len(step)
        prediction = activate(mixed.output)
        loss = functional.soft_loss(mixed.output[known], target[known]).mean()
        loss = loss + self.lambda_u * self._ramp(step.epoch) * ((prediction[~known] - target[~known]) ** 2).mean()
        if self.run.problem == "multiclass":
            loss = loss + functional.uniform_penalty(prediction)
        return loss + self.lambda_c * self._contrast(other, net) if self.lambda_c else loss

    def _softened(self, step: Step, net: int) -> Tensor:
        """Labels of this half, as far as the other network believes them."""
        p = self._two_views(step, 1 - net)
        target, (_, _, column) = step.targets(), step.slots()
        label, group = self._label(target), self._group(target, column)
        span = (self.high[net, group] - self.low[net, group]).clamp(min=1e-12)
        share = ((self._divergence(p, label) - self.low[net, group]) / span).clamp(0, 1)
        return self._sharpened(functional.refine(p, label, (share - 0.5) * self.gamma(step.epoch) + 0.5))

    def _guessed(self, step: Step, net: int) -> Tensor:
        return self._sharpened(self._two_views(step, net))

    def _two_views(self, step: Step, net: int) -> Tensor:
        """Mean prediction of the two weak views, from one pass."""
        return functional.co_guess(activate(step.stack([(step, 0), (step, 1)]).units(net).output).chunk(2))

    def gamma(self, epoch: int) -> float:
        """How far labels and predictions may differ in weight."""
        since = epoch - self.start
        return 0.6 if since < self.relax * self.run.epochs else 0.8 if since < 1.5 * self.relax * self.run.epochs else 1.0

    def _contrast(self, step: Step, net: int) -> Tensor:
        project = self.projections[net]
        return functional.contrast(*(project(step.encode(net, view)) for view in (2, 3)))

    def _ramp(self, epoch: int) -> float:
        return functional.linear_ramp(epoch, self.run.epochs, self.start / self.run.epochs, 16 / 300)
