"""What methods for classes share that are carried over to numbers: squared errors, their history, and what they suspect."""

from __future__ import annotations

from typing import ClassVar

import torch
from torch import Tensor

from benchmark import functional
from benchmark.core.types import Units
from benchmark.methods.base import Fidelity, Method, Price, RunInfo
from benchmark.methods.step import Step


class Ported(Method):
    """Squared error of standardized targets takes the place of cross entropy, a prediction that of a class.

    No official code of these methods has a version for regression: they are our adaptations, and the board marks them.
    """

    kinds = frozenset({"continuous"})
    native = frozenset({"multiclass"})
    fidelity: ClassVar[Fidelity] = "adapted"
    differs = "ours for numbers: squared error, no official code for regression"
    keeps = "N"

    suspect: Tensor

    def setup(self, run: RunInfo) -> None:
        """What is suspected of each unit so far."""
        self.epochs = run.epochs
        self.register_buffer("suspect", torch.zeros(run.num_units, device=run.device))

    def note(self, units: Units, value: Tensor, step: Step) -> None:
        """Keep ``value`` (U,), large = suspicious, of the first pass over a batch."""
        if step.repeat == 0:
            self.suspect[units.index] = value.detach().to(self.suspect.dtype)

    def suspicion(self) -> Tensor:
        """What was noted last."""
        return self.suspect


class AfterWarmUp(Ported):
    """Base of ports that train on all examples for ``warmup`` of the epochs and then on a ``share`` of them, chosen from an inference pass over all."""

    family = "sample selection"
    warm_up = True

    def __init__(self, share: float = 0.5, warmup: float = 0.2) -> None:
        super().__init__()
        self.share, self.warmup = share, warmup

    def passes(self, epochs: int) -> Price:
        """All examples in the warm-up, then a share of them, and features of all."""
        rest = 1 - self._start(epochs) / epochs
        trained = 1 - rest + rest * self.share
        return Price(trained + rest, trained)

    def _start(self, epochs: int) -> int:
        return max(1, round(self.warmup * epochs))

    def setup(self, run: RunInfo) -> None:
        """The targets, and the length of the warm-up."""
        super().setup(run)
        self.start = self._start(run.epochs)
        self.y = run.observed["train"].value.double().numpy()


class Selecting(Ported):
    """Base of ports that are told the noise rate and leave a share of each batch out, R(t) = r min(t / T_k, 1), ``ramp`` = T_k / epochs."""

    family = "sample selection"
    needs = frozenset({"noise_rate"})

    rate: Tensor

    def __init__(self, ramp: float = 0.05) -> None:
        super().__init__()
        self.ramp = ramp

    def setup(self, run: RunInfo) -> None:
        """The rate."""
        super().setup(run)
        self.register_buffer("rate", run.need("noise_rate").mean())

    def forget(self, step: Step) -> float:
        """Share to leave out in this epoch."""
        return float(self.rate) * functional.forget_schedule(step.epoch, self.epochs, self.ramp)

    def keep(self, score: Tensor, step: Step) -> Tensor:
        """(U,) bool: all but the share to leave out, smallest scores first."""
        share = torch.full_like(score, self.forget(step))
        return functional.small_loss(score, share, torch.zeros(len(score), dtype=torch.long, device=score.device))


class Remembering(Selecting):
    """Base of ports that look back on the last ``history`` epochs of every unit. Memory networks x N x history."""

    keeps = "N x history"

    past: Tensor

    def __init__(self, ramp: float = 0.05, history: int = 10) -> None:
        super().__init__(ramp)
        self.history = history

    def setup(self, run: RunInfo) -> None:
        """An empty history."""
        super().setup(run)
        self.register_buffer("past", torch.zeros(self.networks, run.num_units, self.history, device=run.device))

    def before(self, net: int, units: Units, step: Step) -> Tensor:
        """(U, T) what was remembered in earlier epochs, T at most ``history``."""
        return self.past[net, units.index, : min(step.epoch, self.history)]

    def remember(self, net: int, units: Units, value: Tensor, step: Step) -> None:
        """Keep ``value`` (U,) of this epoch."""
        if step.repeat == 0:
            self.past[net, units.index, step.epoch % self.history] = value.detach()
