"""A batch of multi-label logits, and methods that are ready for it."""

from __future__ import annotations

from collections.abc import Mapping
from typing import Any

import numpy as np
import torch
from torch import Tensor, nn

from benchmark.api import load_method
from benchmark.core.types import Observed
from benchmark.data.problems import MultiLabel
from benchmark.methods.base import Method, RunInfo
from benchmark.methods.step import Batch, Passes, Step
from benchmark.models.base import Network

N, C, EPOCHS = 6, 4, 10
RNG = np.random.default_rng(1)
Z = torch.from_numpy(RNG.normal(0, 2, (N, C))).float()
Y = torch.from_numpy((RNG.random((N, C)) < 0.4).astype(np.int64))
Y[:, 0] = torch.tensor([1, 0, 1, 0, 0, 1])


class Echo(Network):
    """Its output is its input."""

    def __init__(self) -> None:
        super().__init__()
        self.head = nn.Identity()

    def encode(self, x: Tensor) -> Tensor:
        return x


def info(y: Tensor = Y, epochs: int = EPOCHS, **declared: Any) -> RunInfo:
    rows, columns = torch.meshgrid(torch.arange(len(y)), torch.arange(y.shape[1]), indexing="ij")
    seen = Observed(y.reshape(-1), rows.reshape(-1), columns.reshape(-1), y.reshape(-1) >= 0)
    return RunInfo(
        problem="multilabel",
        kind="categorical",
        num_examples=len(y),
        width=y.shape[1],
        num_classes=2,
        epochs=epochs,
        steps_per_epoch=1,
        observed={"train": seen, "val": seen},
        device=torch.device("cpu"),
        groups=np.arange(len(y)),
        seed=0,
        declared=declared,
    )


def step(z: Tensor = Z, y: Tensor = Y, epoch: int = 0, networks: int = 1) -> Step:
    live = None if bool((y >= 0).all()) else y >= 0
    batch = Batch([z], torch.arange(len(z)), y, live)
    return Step([Echo()] * networks, MultiLabel([str(k) for k in range(y.shape[1])]), batch, Passes.zeros(networks), epoch=epoch)


def ready(name: str, y: Tensor = Y, epochs: int = EPOCHS, declared: Mapping[str, Any] | None = None, **options: Any) -> Method:
    method = load_method(name, **options)
    with torch.random.fork_rng(devices=[]):
        torch.manual_seed(0)
        method.setup(info(y, epochs, **(declared or {})))
    return method


def no_noise(c: int = C) -> dict[str, Tensor]:
    return {"noise_rate": torch.zeros(c, 2), "transition": torch.eye(2).repeat(c, 1, 1)}
