"""Small trainings whose every step can be told."""

from __future__ import annotations

from collections.abc import Sequence

import torch
from torch import Tensor, nn

from benchmark.methods.base import Method
from benchmark.methods.step import Passes
from benchmark.models.base import Network
from benchmark.running.conditions import Conditions
from benchmark.training.learner import Learner
from benchmark.training.trainer import train


def learned(conditions: Conditions, method: Method, networks: Sequence[Network] | None = None) -> Learner:
    """A training of a method, finished."""
    settings, data = conditions.recipe.settings, conditions.data
    made = list(networks or conditions.recipe.networks(data.problem, method.networks))
    learner = Learner(
        method,
        made,
        data,
        settings,
        0,
        epochs=settings.epochs,
        passes=Passes.zeros(method.networks),
    )
    train(learner)
    return learner


class Tower(Network):
    """An encoder with normalization, and a head."""

    def __init__(self, lr_scale: float = 1.0) -> None:
        super().__init__()
        self.lr_scale = lr_scale
        self.encoder = nn.Sequential(nn.Linear(8, 6), nn.LayerNorm(6))
        self.head = nn.Linear(6, 4)

    def encode(self, x: Tensor) -> Tensor:
        """(B, 8) -> (B, 6)."""
        features: Tensor = self.encoder(x)
        return features


class Fixed:
    """Stands for a step of some units."""

    def __init__(self, units: int) -> None:
        self.units = units

    def targets(self) -> Tensor:
        """So many."""
        return torch.zeros(self.units)
