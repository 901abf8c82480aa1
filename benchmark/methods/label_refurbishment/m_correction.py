"""M-correction: bootstrapping by a beta mixture over losses."""

from __future__ import annotations

from collections.abc import Sequence
from typing import ClassVar

import numpy as np
import torch
from torch import Tensor
from torch.nn import functional as F  # noqa: N812

from benchmark import functional
from benchmark.core.types import Evaluate, Phase, Units
from benchmark.functional.mixtures import RESOLUTION
from benchmark.methods.base import Method, Price, RunInfo, activate
from benchmark.methods.step import Step


class MCorrection(Method):
    """Mixup whose labels become (1 - w_i) y_i + w_i z_i, w_i = P(label wrong | loss) by a two-component beta mixture, z_i the network's own label.

    Arazo et al., 2019, arXiv:1904.11238. Mixup with l ~ Beta(alpha, alpha) for the first ``warmup`` of the epochs (105 of 300); then the mixture is
    fitted before every epoch, w comes from the current loss of the unmixed input, and KL(uniform || mean prediction) is added with weight ``penalty`` on
    multiclass tasks. M-DYR-H: z = onehot(argmax). ``dynamic`` is MD-DYR-SH: inputs are mixed with (1 - w_i) / ((1 - w_i) + (1 - w_j)), their labels
    half and half as released, and z = softmax(output / T), T from 1 to .001 over the remaining epochs. Both predictions of the
    unmixed batch come from one pass without gradient in training mode (released: one more in evaluation mode), and the epoch's pass keeps no gradient.

    Adapted: continuous targets have squared errors, z is the prediction, and only the dynamic variant mixes (BMM and DY-S of ConFrag, Kim et al., 2024,
    arXiv:2502.17771), targets by the shares of their inputs: half a target for an input that has no share would pull all predictions to the mean.
    Tokens and multi-label have a mixture per column and observed class.
    After warm-up three forward and one backward pass.
    """

    native = frozenset({"multiclass"})
    warm_up = True
    keeps = "N"
    release = "PaulAlbert31/LabelNoiseCorrection@5e9a73e"
    follows: ClassVar[dict[str, str]] = {
        "schedule": (
            "ours, because the run's end counts: T falls until then (released: to .001 in 89 "
            "epochs), and labels move when inputs are first mixed by w (released: 5 epochs later)"
        ),
        "normalisation": (
            "ours, because no loss may be on an edge: all near one are clamped for the fit (released: those beyond it); means and penalty as released"
        ),
        "batch_statistics": "ours, because one pass is cheaper: w and z from the training pass (released: w from one more in evaluation mode)",
        "predicts": "as released: the network",
    }
    family = "label refurbishment"
    cites = "Arazo et al., 2019, arXiv:1904.11238"
    developed_on: ClassVar[tuple[str, ...]] = ("uci", "diamonds")
    differs = (
        "one training-mode pass over the unmixed batch (released: w from a second one in "
        "evaluation mode); dynamic: T falls over all remaining epochs (over 89, to .001 at epoch "
        "199 of 300) and labels move as soon as inputs are mixed by w (five epochs later); the fit "
        "reads plain images (augmented), clamps all losses to [.001, .999] (moves only those at or "
        "beyond the ends there), bounds its parameters (NaN for equal losses) and orders the "
        "components by mean"
    )

    table: Tensor
    low: Tensor
    high: Tensor
    wrong: Tensor

    def __init__(self, alpha: float = 32.0, warmup: float = 0.35, penalty: float = 1.0, dynamic: bool = False) -> None:
        super().__init__()
        self.alpha, self.warmup, self.penalty, self.dynamic = alpha, warmup, penalty, dynamic

    def passes(self, epochs: int) -> Price:
        """After warm-up the unmixed batch and the epoch's pass are added."""
        after = 1 - self._start(epochs) / epochs
        return Price(1 + 2 * after, 1)

    def _start(self, epochs: int) -> int:
        return min(max(1, round(self.warmup * epochs)), epochs)

    def setup(self, run: RunInfo) -> None:
        """A posterior's table for each group of labels, at first empty: every label is right."""
        self.run, self.rng, self.start = run, run.generator("m_correction"), self._start(run.epochs)
        self.mixes = run.kind == "categorical" or self.dynamic
        self.per_class = run.problem in ("tagging", "multilabel")
        groups = (run.width if run.problem == "multilabel" else 1) * run.num_classes if self.per_class else 1
        self.register_buffer("table", torch.zeros(groups, RESOLUTION, device=run.device))
        self.register_buffer("low", torch.zeros(groups, device=run.device))
        self.register_buffer("high", torch.ones(groups, device=run.device))
        self.register_buffer("wrong", torch.zeros(run.num_units, device=run.device))

    def phases(self, epoch: int, evaluate: Evaluate) -> Sequence[Phase]:
        """Fit the mixtures to the losses of the training set."""
        if epoch >= self.start:
            seen = self.run.observed["train"]
            loss = functional.prediction_loss(evaluate("train").cpu(), seen.value)
            group, live = self._group(seen.value, seen.column), seen.live.numpy()
            for g in np.unique(group[seen.live].numpy()):
                mixture = functional.beta_mixture(loss[seen.live & (group == g)].double().numpy())
                self.table[g] = 0.0 if mixture is None else torch.from_numpy(mixture.table()).to(self.table)
                self.low[g], self.high[g] = (0.0, 1.0) if mixture is None else (mixture.low, mixture.high)
            self.wrong.copy_(self._posterior(loss.to(self.wrong), group.to(self.wrong.device)) * torch.from_numpy(live).to(self.wrong))
        return (Phase(),)

    def _group(self, target: Tensor, column: Tensor) -> Tensor:
        if not self.per_class:
            return torch.zeros_like(column)
        return (column * self.run.num_classes if self.run.problem == "multilabel" else 0) + target.clamp(min=0)

    def _posterior(self, loss: Tensor, group: Tensor) -> Tensor:
        """(U,) P(label wrong | loss)."""
        return functional.look_up(loss, self.low[group], self.high[group], self.table[group])

    def objective(self, step: Step) -> Tensor:
        """Mixup on labels that are corrected after warm-up."""
        order = torch.from_numpy(self.rng.permutation(step.size))
        lam: float | Tensor = float(self.rng.beta(self.alpha, self.alpha)) if self.mixes else 1.0
        label = self._label(step.targets())
        if step.epoch >= self.start:
            with torch.no_grad():
                plain = step.units()
                wrong = self._posterior(self.loss(plain.output, plain.target), self._group(plain.target, plain.column)).clamp(1e-4, 1 - 1e-4)
            label = functional.refine(label, self._own_label(plain.output, step.epoch), 1 - wrong)
            if self.dynamic:
                trust = _per_mixed(plain, 1 - wrong, step)
                lam = trust / (trust + trust[order])
        mixed = step.mix(lam, order)
        assert mixed.partner is not None
        shares = lam if isinstance(lam, float) else lam[mixed.row] if self.run.kind == "continuous" else 0.5
        loss = functional.soft_loss(mixed.output, functional.mix_targets(label, mixed.partner, shares)).mean()
        if step.epoch >= self.start and self.run.problem == "multiclass":
            loss = loss + self.penalty * functional.uniform_penalty(mixed.output.softmax(1))
        return loss

    def _label(self, target: Tensor) -> Tensor:
        """(U, K) one-hot, or (U, 1) numbers."""
        return target.unsqueeze(1) if self.run.kind == "continuous" else F.one_hot(target, self.run.num_classes).float()

    def _own_label(self, output: Tensor, epoch: int) -> Tensor:
        """What the network would say: its arg-max, a softmax that hardens (dynamic), or its number."""
        if self.run.kind == "continuous":
            return output
        if not self.dynamic:
            return self._label(output.argmax(1))
        share = (epoch - self.start) / max(1, self.run.epochs - 1 - self.start)
        return activate(output / (1 + share * (0.001 - 1)))

    def suspicion(self) -> Tensor:
        """P(label wrong) by the last mixture."""
        return self.wrong


def _per_mixed(units: Units, value: Tensor, step: Step) -> Tensor:
    """A value per unit as one per thing that is mixed: the mean over an example's units where inputs are mixed."""
    if not step.inputs().is_floating_point():
        return value
    return units.dense(value, 0.0).sum(1) / units.dense(torch.ones_like(value), 0.0).sum(1).clamp(min=1)
