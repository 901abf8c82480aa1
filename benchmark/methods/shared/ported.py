"""What methods for classes share that are carried over to numbers: squared errors, their history, and what they suspect."""

from __future__ import annotations

from typing import ClassVar

import torch
from torch import Tensor, nn

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


class Forgetting(nn.Module):
    """Hold the noise rate r and leave out the share R(t) = r min(t / T_k, 1) of a batch, ``ramp`` = T_k / epochs."""

    rate: Tensor

    def __init__(self, run: RunInfo, ramp: float) -> None:
        super().__init__()
        self.ramp = ramp
        self.epochs = run.epochs
        self.register_buffer("rate", run.need("noise_rate").mean())

    def share(self, epoch: int) -> float:
        """Return the share of a batch to leave out in an epoch, counted from 0."""
        return float(self.rate) * functional.forget_schedule(epoch, self.epochs, self.ramp)

    def keep(self, score: Tensor, epoch: int) -> Tensor:
        """Return (U,) bool: all units but the share to leave out, those of smallest ``score`` (U,) first."""
        share = torch.full_like(score, self.share(epoch))
        return functional.small_loss(score, share, torch.zeros(len(score), dtype=torch.long, device=score.device))


class History(nn.Module):
    """Hold a value of every unit and network for each of the last ``length`` epochs: memory networks x N x length."""

    past: Tensor

    def __init__(self, run: RunInfo, networks: int, length: int) -> None:
        super().__init__()
        self.length = length
        self.register_buffer("past", torch.zeros(networks, run.num_units, length, device=run.device))

    def before(self, net: int, units: Units, step: Step) -> Tensor:
        """Return (U, T) the values of earlier epochs, T at most ``length``."""
        return self.past[net, units.index, : min(step.epoch, self.length)]

    def remember(self, net: int, units: Units, value: Tensor, step: Step) -> None:
        """Keep ``value`` (U,) of this epoch, of the first pass over a batch."""
        if step.repeat == 0:
            self.past[net, units.index, step.epoch % self.length] = value.detach()


def warm_up_epochs(share: float, epochs: int) -> int:
    """Return how many epochs train on all examples before a method begins to choose: a share of them, at least one."""
    return max(1, round(share * epochs))


def price_after_warm_up(start: int, epochs: int, share: float) -> Price:
    """Return the cost of ``start`` epochs on all examples, then on a ``share`` of them with an inference pass over all."""
    choosing = 1 - start / epochs
    trained = 1 - choosing + choosing * share
    return Price(trained + choosing, trained)
