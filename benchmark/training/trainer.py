"""What ``conf/trainer`` fixes, the optimizers of a step, and Lightning's Trainer."""

from __future__ import annotations

import logging
import os
import warnings
from collections.abc import Iterable, Iterator, Sequence
from dataclasses import dataclass
from typing import Any, Literal

import numpy as np
import pytorch_lightning as L  # noqa: N812
import torch
from pytorch_lightning.strategies import DDPStrategy
from torch import nn

from benchmark.core import parallel
from benchmark.core.errors import ConfigError
from benchmark.models.base import Network


@dataclass(frozen=True)
class TrainerSettings:
    """What ``conf/trainer`` fixes; all of it is part of a cell's identity."""

    epochs: int
    batch_size: int
    optimizer: Literal["adam", "adamw", "sgd"]
    lr: float
    weight_decay: float = 0.0
    momentum: float = 0.9
    schedule: Literal["constant", "cosine"] = "cosine"
    clip: float | None = None
    threads: int = 1
    precision: Literal["32-true", "bf16-mixed"] = "32-true"
    channels_last: bool = False
    accelerator: str = "cpu"
    devices: int = 1
    strategy: str = "auto"
    augment: Literal["none", "crop_flip", "cutout", "strong"] = "none"
    reference_folds: int = 2

    def __post_init__(self) -> None:
        if self.devices < 1:
            raise ConfigError(f"trainer.devices={self.devices}: a run takes one device or more")
        if self.devices > 1 and self.strategy not in ("auto", "ddp"):
            raise ConfigError(f"trainer.strategy={self.strategy}: a run on several devices takes trainer.strategy=ddp")

    def prepare(self, network: Network) -> Network:
        """The network in the memory layout and with the precision of its passes that the trainer asks for."""
        if self.precision == "bf16-mixed":
            network.precision = torch.bfloat16
        return network.to(memory_format=torch.channels_last) if self.channels_last else network  # type: ignore[call-overload]

    @property
    def device(self) -> torch.device:
        """Where this process trains.

        Raises:
            ConfigError: there is no such device here.
        """
        if self.accelerator == "cpu":
            return torch.device("cpu")
        found = torch.accelerator.current_accelerator(check_available=True)
        if found is None:
            raise ConfigError(f"trainer.accelerator={self.accelerator}, but this machine shows torch no GPU: take trainer.accelerator=cpu")
        return torch.device(found.type, int(os.environ.get("LOCAL_RANK", "0")))

    def make_optimizer(self, parameters: Iterable[nn.Parameter]) -> torch.optim.Optimizer:
        """The optimizer of one network."""
        if self.optimizer == "sgd":
            return torch.optim.SGD(parameters, lr=self.lr, momentum=self.momentum, weight_decay=self.weight_decay)
        kind = {"adam": torch.optim.Adam, "adamw": torch.optim.AdamW}[self.optimizer]
        return kind(parameters, lr=self.lr, weight_decay=self.weight_decay, fused=True)

    def lr_factor(self, epoch: int, epochs: int) -> float:
        """Share of the initial learning rate in this epoch."""
        if self.schedule == "constant":
            return 1.0
        return 0.5 * (1 + float(np.cos(np.pi * epoch / epochs)))


class ActiveOptimizers:
    """The optimizers of the networks that a phase trains, and the method's own."""

    def __init__(self, main: Sequence[torch.optim.Optimizer], own: Sequence[torch.optim.Optimizer], clip: float | None) -> None:
        self._main, self._own, self._clip = main, own, clip

    def parameters(self) -> Iterator[nn.Parameter]:
        """What the networks' optimizers train."""
        for optimizer in self._main:
            for group in optimizer.param_groups:
                yield from group["params"]

    def zero_grad(self) -> None:
        """Forget the gradients."""
        for optimizer in (*self._main, *self._own):
            optimizer.zero_grad(set_to_none=True)

    def step(self, by: torch.optim.Optimizer | None = None) -> None:
        """Clip the networks' gradients, where the trainer asks for it, and update; ``by`` does so in place of all of them."""
        if self._clip is not None:
            nn.utils.clip_grad_norm_(self.parameters(), self._clip)
        for optimizer in (*self._main, *self._own) if by is None else (by,):
            optimizer.step()


class Unwrapped(DDPStrategy):
    """Lightning's DDP, its devices and its synchronized batch norm, but without the wrapper: every process sees the whole batch (``parallel.py``)."""

    def configure_ddp(self) -> None:
        """Leave the module as it is."""


def train(learner: Any, callbacks: Sequence[L.Callback] = (), logger: Any = False) -> None:
    """Run Lightning's Trainer, quietly, with a seed of its own for what networks draw themselves (dropout; processes draw different masks).

    Raises:
        ConfigError: not as many processes work on this as the trainer takes devices.
    """
    logging.getLogger("pytorch_lightning").setLevel(logging.ERROR)
    settings: TrainerSettings = learner.settings
    if settings.devices != parallel.size():
        raise ConfigError(f"trainer.devices={settings.devices}, but {parallel.size()} at work: only cells are trained on several devices, under torchrun")
    several = settings.devices > 1
    with warnings.catch_warnings(), torch.random.fork_rng(devices=[]):
        torch.manual_seed(learner.training_seed + parallel.rank())
        warnings.filterwarnings("ignore", module="pytorch_lightning")
        trainer = L.Trainer(
            max_epochs=learner.epochs,
            accelerator=settings.accelerator,
            devices=settings.devices,
            strategy=Unwrapped() if several else settings.strategy,
            sync_batchnorm=several and settings.accelerator != "cpu",  # torch has it for GPUs only
            logger=logger,
            callbacks=list(callbacks),
            enable_checkpointing=False,
            enable_progress_bar=False,
            enable_model_summary=False,
            num_sanity_val_steps=0,
            limit_val_batches=0,
        )
        trainer.fit(learner)
        learner.to(settings.device)  # Lightning leaves the networks on the CPU
