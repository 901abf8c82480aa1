"""The only LightningModule: it plans epochs, hands batches to the method and counts what they cost.

Speed: the data are whole tensors on the device, and Lightning gets chunks of 16 batches, so that its
per-batch bookkeeping is paid once a chunk. Methods drive the gradient step (manual optimization).
"""

from __future__ import annotations

import weakref
from collections.abc import Callable, Iterable, Iterator, Sequence
from dataclasses import dataclass
from typing import Any

import numpy as np
import pytorch_lightning as L  # noqa: N812
import torch
from torch import Tensor, nn

from benchmark.core import parallel
from benchmark.core.seeds import seed_for
from benchmark.core.types import Phase
from benchmark.data.parts import as_numbers, has_label
from benchmark.data.splits import TrainingData
from benchmark.methods.answers import AnswerTable
from benchmark.methods.base import Method
from benchmark.methods.step import Batch, Passes, Step
from benchmark.models.base import Network
from benchmark.training.accumulation import AccumulatingOptimizers
from benchmark.training.augmentation import Augmentation
from benchmark.training.batches import batches, cycle, epoch_order
from benchmark.training.prediction import Predictor
from benchmark.training.trainer import ActiveOptimizers, TrainerSettings, parameter_groups

CHUNK = 16

EpochPlan = Callable[[int], tuple[np.ndarray | None, Tensor | None]]  # epoch -> examples, targets of their units


@dataclass(frozen=True)
class Turn:
    """A batch's place: the networks that it trains, and the optimizer step that it belongs to.

    A step is made by ``trainer.accumulate`` batches, by fewer at the end of a phase: none reaches
    beyond it.

    Attributes:
        networks: that the batch trains.
        begin, end: of the step, as shares of the steps of an epoch; each of P phases takes a P-th.
        closes: whether the batch is the step's last one.
    """

    networks: tuple[int, ...]
    begin: float
    end: float
    closes: bool


def turn(
    networks: tuple[int, ...],
    phase: tuple[int, int],
    batch: tuple[int, int],
    accumulate: int,
) -> Turn:
    """Return the place of a batch.

    Args:
        networks: that it trains.
        phase: its number in the epoch, from 0, and how many there are.
        batch: its number in the phase, from 0, and how many there are.
        accumulate: batches of a step.

    >>> turn((0,), (0, 1), (6, 7), accumulate=2)
    Turn(networks=(0,), begin=0.75, end=1.0, closes=True)
    """
    number, phases = phase
    k, count = batch
    group = k // accumulate
    groups = -(-count // accumulate)
    begin = (number + group / groups) / phases
    end = (number + (group + 1) / groups) / phases
    return Turn(networks, begin, end, closes=k + 1 == count or (k + 1) % accumulate == 0)


class Learner(L.LightningModule):
    """Trains one method on one training set.

    Args:
        method: set up already.
        networks: its networks.
        data: what training may touch.
        settings: the trainer's.
        seed: of training (order, views); ``axes`` name a side training of its own.
        plan: for side trainings: examples and targets of an epoch.
    """

    def __init__(
        self,
        method: Method,
        networks: Sequence[Network],
        data: TrainingData,
        settings: TrainerSettings,
        seed: int,
        *,
        epochs: int,
        passes: Passes,
        axes: tuple[Any, ...] = (),
        plan: EpochPlan | None = None,
        on_epoch: Callable[[int, Predictor], bool | None] | None = None,
    ) -> None:
        super().__init__()
        self.automatic_optimization = False
        self.method, self.networks = method, list(networks)
        for at, network in enumerate(networks):
            network.count_in(passes, at)
        self.registered = nn.ModuleList(networks)  # so that Lightning moves them
        self.data, self.settings, self.passes, self.epochs = data, settings, passes, epochs
        self.evaluate = Predictor(method, networks, data, passes)
        self._seed, self._axes, self._plan, self._on_epoch = seed, axes, plan, on_epoch
        self._main: list[torch.optim.Optimizer] = []
        self._own: list[torch.optim.Optimizer] = []
        part, whole = data.train, data.train.pool.is_floating_point() and bool(data.train.live.all())
        self._taught = self._examples_with_labels()
        units = len(part) * data.problem.width
        self._answers = AnswerTable(part.answers, units, part.value.device) if part.answers is not None and "votes" in method.needs else None
        self._rows = (lambda at: (part.inputs(at), part.value[at], None)) if whole else part.rows
        self._augmentation = Augmentation(settings.augment, method.views, method.strong_views)
        self._augments = self._augmentation.serves(part.pool)
        self.training_seed = seed_for("training", *axes, seed)
        self.losses: list[Tensor] = []
        self._active: tuple[int, ...] = ()
        self._optimizers: ActiveOptimizers
        self._backward: Callable[[Tensor], None] = _backward

    def configure_optimizers(self) -> list[torch.optim.Optimizer]:
        """One optimizer a network (the first one also trains the method's heads), then the method's own."""
        heads = list(self.method.trained_parameters())
        groups = [parameter_groups(network, heads if i == 0 else []) for i, network in enumerate(self.networks)]
        scale = self.loss_scale()
        self._main = [self.settings.make_optimizer(of_network, scale) for of_network in groups]
        self._own = self.method.optimizers(self.settings.lr)
        return [*self._main, *self._own]

    def loss_scale(self) -> float:
        """Return how many times a mean the method's loss is: 1, or the live units of a full batch, on average, for a sum."""
        if self.method.reduction == "mean":
            return 1.0
        part = self.data.train
        live = part.live if self.method.uses_unlabelled else part.taught
        used = int(live.any(1).sum())
        return int(live.sum()) / used * min(self.settings.batch_size, used)

    def train_dataloader(self) -> Iterable[Any]:
        """Chunks of steps; Lightning asks anew each epoch."""
        return _Epochs(self)

    def steps(self, epoch: int) -> Iterator[tuple[Step, Turn]]:
        """The steps of an epoch with the networks that each trains. The only place that plans an epoch."""
        order = epoch_order(self.data.train, self.settings.batch_size, *self._axes, self._seed, epoch)
        only = None
        if self._plan is not None:
            only, targets = parallel.agreed(self._plan(epoch))
            if targets is not None:
                at = torch.arange(len(self.data.train)) if only is None else torch.as_tensor(only)
                part = self.data.train
                part.value[at] = targets.reshape(len(at), -1).to(part.value)
                if part.labelled is not None:  # an unlabelled example may have got a target
                    part.labelled[at] = part.live[at] & has_label(part.value[at])
                    self._taught = self._examples_with_labels()
        phases = parallel.agreed(self.method.phases(epoch, self.evaluate))
        for number, phase in enumerate(phases):
            chosen = order
            for indices in (only, phase.indices):
                if indices is not None:
                    member = torch.zeros(len(order), dtype=torch.bool)
                    member[torch.as_tensor(indices)] = True
                    chosen = chosen[member[chosen]]
            main = list(batches(self._learned_from(chosen), self.settings.batch_size))
            seed = seed_for("stream", self._seed, epoch, number)
            extra = {}
            for name, indices in phase.streams.items():
                streamed = self._learned_from(torch.as_tensor(indices))
                extra[name] = cycle(streamed, self.settings.batch_size, len(main), seed_for(seed, name))
            networks = phase.networks if phase.networks is not None else tuple(range(self.method.networks - self.method.averaged))
            for k, at in enumerate(main):
                streams = {name: self._step(parts[k], epoch, phase, (number, k, name)) for name, parts in extra.items() if k < len(parts)}
                place = turn(networks, (number, len(phases)), (k, len(main)), self.settings.accumulate)
                yield self._step(at, epoch, phase, (number, k), streams), place

    def _learned_from(self, examples: Tensor) -> Tensor:
        """Return those of some examples that have a labelled unit: the only place where methods skip the others."""
        return examples if self._taught is None else examples[self._taught[examples]]

    def _examples_with_labels(self) -> Tensor | None:
        """Return (E,) bool: training examples that have a labelled unit; None where the method takes part in all of them."""
        part = self.data.train
        return None if self.method.uses_unlabelled or part.labelled is None else part.taught.any(1).cpu()

    def _step(self, at: Tensor, epoch: int, phase: Phase, place: tuple[int | str, ...], streams: dict[str, Step] | None = None) -> Step:
        """The step of some examples; ``place`` names it within its epoch."""
        part = self.data.train
        at = at.to(part.value.device)
        if self._augments:
            views = [as_numbers(view) for view in self._augmentation(part.inputs(at), *self._axes, self._seed, epoch, *place)]
            value, live = part.labels(at)
        else:
            x, value, live = self._rows(at)
            views = [x] * self.method.views
        extras = {name: table[at] for name, table in part.extras.items() if name in self.method.needs}
        labelled = None if part.labelled is None else part.labelled[at, : value.shape[1]]
        if labelled is not None and not self.method.uses_unlabelled:
            live, labelled = labelled, None
        batch = Batch(views, at, value, live, extras, value.shape[1], labelled, self._answers)
        return Step(self.networks, self.data.problem, batch, self.passes, epoch=epoch, phase=phase, streams=streams)

    def on_train_epoch_start(self) -> None:
        """Set the learning rates of the networks' optimizers; a method's own optimizers keep theirs."""
        self._set_rates()
        self.losses.clear()
        self._active = ()

    def _set_rates(self, begin: float = 0.0, end: float = 1.0) -> None:
        """Set the rates of the networks' optimizers for a step between two shares of the epoch."""
        epoch = self.current_epoch
        factor = self.settings.lr_factor(epoch, self.epochs, begin, end) * self.method.lr_factor(epoch)
        for optimizer in self._main:
            for group in optimizer.param_groups:
                group["lr"] = self.settings.lr * factor * group.get("lr_scale", 1.0)

    def on_train_start(self) -> None:
        """Choose how gradients are made: Lightning's hooks around backward have nothing to do without loss scaling."""
        if parallel.size() > 1:
            self._backward = parallel.averaging(self.parameters())

    def training_step(self, chunk: _Chunk, _: int) -> None:
        """Train on every step of the chunk."""
        for step, place in chunk.steps:
            if place.networks != self._active:
                self._activate(place.networks)
            if self.settings.changes_rate_within_epochs:
                self._set_rates(place.begin, place.end)
            with self._optimizers.batch(step, place.closes):
                self.losses.append(self.method.update(step, self._backward, self._optimizers))
        if chunk.last:
            stop = self.method.on_epoch_end(self.current_epoch, self.evaluate)
            if self._on_epoch is not None:
                stop = self._on_epoch(self.current_epoch, self.evaluate) or stop
            if parallel.agreed(stop):
                self.trainer.should_stop = True

    def _activate(self, networks: tuple[int, ...]) -> None:
        """Give these networks training mode and their optimizers; moving averages train along, the others are in evaluation mode.

        A moving average in training mode predicts with the statistics of its batch and gathers its own, as released mean teachers do.
        """
        trained = len(self.networks) - self.method.averaged
        for i, network in enumerate(self.networks):
            network.train(i in networks or i >= trained)
        self._active = networks
        kind = ActiveOptimizers if self.settings.accumulate == 1 else AccumulatingOptimizers
        self._optimizers = kind([self._main[i] for i in networks], self._own, self.settings.clip)

    def mean_loss(self) -> float:
        """Mean objective of the epoch so far."""
        return float(torch.stack(self.losses).mean()) if self.losses else float("nan")


def _backward(loss: Tensor) -> None:
    loss.backward()


class _Chunk:
    """Steps with the place of each. Not a dataclass: Lightning would walk through it."""

    def __init__(self) -> None:
        self.steps: list[tuple[Step, Turn]] = []
        self.last = False


class _Epochs:
    """Iterates over the chunks of the current epoch, the last one marked."""

    def __init__(self, learner: Learner) -> None:
        self._learner = weakref.ref(learner)

    def __iter__(self) -> Iterator[_Chunk]:
        learner = self._learner()
        assert learner is not None
        chunk = _Chunk()
        for step in learner.steps(learner.current_epoch):
            if len(chunk.steps) == CHUNK:
                yield chunk
                chunk = _Chunk()
            chunk.steps.append(step)
        chunk.last = True
        yield chunk
