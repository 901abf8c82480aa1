"""What ``conf/trainer`` fixes, the optimizers of a step, and Lightning's Trainer."""

from __future__ import annotations

import logging
import os
import warnings
from collections.abc import Iterable, Iterator, Sequence
from contextlib import AbstractContextManager, nullcontext
from dataclasses import dataclass
from typing import Any, Literal

import numpy as np
import pytorch_lightning as L  # noqa: N812
import torch
from pytorch_lightning.strategies import DDPStrategy
from torch import nn

from benchmark.core import parallel
from benchmark.core.errors import ConfigError
from benchmark.methods.step import Step
from benchmark.models.base import Network

Groups = Iterable[nn.Parameter] | Iterable[dict[str, Any]]  # as torch's optimizers take them
MOST_EPOCHS = 10_000  # of a run


@dataclass(frozen=True)
class TrainerSettings:
    """Hold what ``conf/trainer`` fixes; all of it is part of a cell's identity.

    Each default is the neutral value of its field: a cell is named by the fields that differ from
    theirs, so a default never changes, and a new field comes with the value at which it does nothing.

    Args:
        epochs: passes over the training set.
        batch_size: examples of a batch.
        optimizer: of the networks.
        lr: learning rate at its highest.
        weight_decay: added to the gradient (sgd, adam), or beside it times the rate (adamw).
        decay_norms: False leaves biases and the gains of normalization, all parameters of one
            dimension, without decay.
        momentum: of sgd.
        schedule: of the learning rate. ``cosine`` falls with every epoch; ``linear`` with every step,
            from the end of the warm-up to 0, as language models are fine-tuned (Devlin et al., 2019,
            arXiv:1810.04805).
        warmup: share of the epochs, in [0, 1), over which the learning rate rises with every step
            from 0 to its schedule (Goyal et al., 2017, arXiv:1706.02677). A method's own optimizers
            keep their rates.
        clip: largest norm of the gradient of all networks that a step trains; None = any.
        accumulate: batches whose mean gradient makes one step (``benchmark.training.accumulation``).
        threads: of the processor.
        precision: of the encoders' passes.
        channels_last: memory layout of images.
        accelerator, devices, strategy: where a run trains.
        augment: of images.
        reference_folds: of the out-of-fold predictions that noise is measured by; 0 = none.

    Raises:
        ConfigError: a value is out of its range; names it and its bounds.
    """

    epochs: int = 33
    batch_size: int = 64
    optimizer: Literal["adam", "adamw", "sgd"] = "adam"
    lr: float = 0.003
    weight_decay: float = 0.0
    decay_norms: bool = True
    momentum: float = 0.9
    schedule: Literal["constant", "cosine", "linear"] = "cosine"
    warmup: float = 0.0
    clip: float | None = None
    accumulate: int = 1
    threads: int = 1
    precision: Literal["32-true", "bf16-mixed"] = "32-true"
    channels_last: bool = False
    accelerator: str = "cpu"
    devices: int = 1
    strategy: str = "auto"
    augment: Literal["none", "crop_flip", "cutout", "strong"] = "none"
    reference_folds: int = 2

    def __post_init__(self) -> None:
        if not 1 <= self.epochs <= MOST_EPOCHS:
            raise ConfigError(f"trainer.epochs={self.epochs} is outside 1 to {MOST_EPOCHS}: give the passes over the training set")
        if not 0 <= self.warmup < 1:
            raise ConfigError(f"trainer.warmup={self.warmup} is outside [0, 1): give the share of the epochs over which the learning rate rises")
        if self.accumulate < 1:
            raise ConfigError(f"trainer.accumulate={self.accumulate} is below 1: give the number of batches of a step")
        if self.clip is not None and not self.clip > 0:
            raise ConfigError(f"trainer.clip={self.clip} is not above 0: give the largest norm of a gradient, or null for any")
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

    def make_optimizer(self, parameters: Groups, decay_scale: float = 1.0) -> torch.optim.Optimizer:
        """Return the optimizer of one network.

        Args:
            parameters: or groups of them, each a dict of ``params`` and ``lr_scale``, its learning
                rate over the trainer's (``parameter_groups``).
            decay_scale: how many times the method's loss is that of a mean. Where weight decay is a
                part of the gradient (sgd, adam) it is multiplied with it, and the balance of the two
                stays that of a mean. The decay of adamw stands beside the gradient, whose scale adam
                takes away, and stays.
        """
        decay = self.weight_decay if self.optimizer == "adamw" else self.weight_decay * decay_scale
        groups = self._groups(parameters)
        if self.optimizer == "sgd":
            return torch.optim.SGD(groups, lr=self.lr, momentum=self.momentum, weight_decay=decay)
        kind = {"adam": torch.optim.Adam, "adamw": torch.optim.AdamW}[self.optimizer]
        return kind(groups, lr=self.lr, weight_decay=decay, fused=True)

    def _groups(self, parameters: Groups) -> list[dict[str, Any]]:
        """Return the groups of an optimizer: one for each rate, without ``decay_norms`` two."""
        listed: list[Any] = list(parameters)
        given: list[dict[str, Any]] = [{"params": listed}]
        if listed and isinstance(listed[0], dict):
            given = [dict(group) for group in listed]
        for group in given:
            if "lr_scale" in group:
                group["lr"] = self.lr * group["lr_scale"]
        if self.decay_norms:
            return given
        out: list[dict[str, Any]] = []
        for group in given:
            decayed = [p for p in group["params"] if p.dim() > 1]
            others = [p for p in group["params"] if p.dim() <= 1]
            out += [{**group, "params": decayed}] if decayed else []
            out += [{**group, "params": others, "weight_decay": 0.0}] if others else []
        return out

    @property
    def changes_rate_within_epochs(self) -> bool:
        """Whether the learning rate is another one at every step."""
        return self.warmup > 0 or self.schedule == "linear"

    def lr_factor(self, epoch: int, epochs: int, begin: float = 0.0, end: float = 1.0) -> float:
        """Return the share of the trainer's learning rate at a step.

        A step that begins at the share u of a training and ends at v has min(1, v / warmup) times the
        schedule's share: 1 (constant), (1 + cos(pi epoch / epochs)) / 2 (cosine) or
        min(1, (1 - u) / (1 - warmup)) (linear). So no step has rate 0, and steps of ``accumulate``
        batches have the rates of steps of one batch of their size.

        Args:
            epoch: from 0.
            epochs: of the training.
            begin, end: of the step, as shares of the epoch.

        >>> settings = TrainerSettings(schedule="linear", warmup=0.5)
        >>> [settings.lr_factor(epoch, 4) for epoch in range(4)]
        [0.5, 1.0, 1.0, 0.5]
        """
        share = 1.0
        if self.schedule == "cosine":
            share = 0.5 * (1 + float(np.cos(np.pi * epoch / epochs)))
        elif self.schedule == "linear":
            share = min(1.0, (1 - (epoch + begin) / epochs) / (1 - self.warmup))
        if self.warmup > 0:
            share *= min(1.0, (epoch + end) / (self.warmup * epochs))
        return share


def parameter_groups(network: Network, further: Sequence[nn.Parameter] = ()) -> Groups:
    """Return what the optimizer of a network trains: its parameters and ``further`` ones of the method.

    A network with ``lr_scale`` other than 1 has two groups: its encoder, which is all but its head,
    with that share of the learning rate, and the head with the further ones.
    """
    scale = float(getattr(network, "lr_scale", 1.0))
    if scale == 1:
        return [*network.parameters(), *further]
    head = list(network.head.parameters())
    of_head = {id(parameter) for parameter in head}
    encoder = [parameter for parameter in network.parameters() if id(parameter) not in of_head]
    return [{"params": encoder, "lr_scale": scale}, {"params": [*head, *further], "lr_scale": 1.0}]


class ActiveOptimizers:
    """The optimizers of the networks that a phase trains, and the method's own."""

    def __init__(self, main: Sequence[torch.optim.Optimizer], own: Sequence[torch.optim.Optimizer], clip: float | None) -> None:
        self._main, self._own, self._clip = main, own, clip

    def parameters(self) -> Iterator[nn.Parameter]:
        """What the networks' optimizers train."""
        for optimizer in self._main:
            for group in optimizer.param_groups:
                yield from group["params"]

    def batch(self, step: Step, closes: bool) -> AbstractContextManager[None]:
        """Take the body as the update of one batch, after which nothing is left to do here."""
        return nullcontext()

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
        # Lightning's handler of SIGTERM would raise in the middle of an epoch. A sweep has asked for that signal
        # already: the seed that runs is let end.
        trainer._signal_connector.register_signal_handlers = lambda: None  # type: ignore[method-assign]
        trainer.fit(learner)
        learner.to(settings.device)  # Lightning leaves the networks on the CPU
