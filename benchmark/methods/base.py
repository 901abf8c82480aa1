"""The contract of a method for learning with noisy labels.

A method is one small ``nn.Module``: the constructor stores hyper-parameters, ``setup`` allocates state,
and one of three levels says how a batch is learned from:

1. ``loss(output, target)``: a loss per unit;
2. ``objective(step)``: a scalar from a batch (several networks, views, memories);
3. ``update(step, backward, optimizers)``: the gradient step itself.

The suite turns images, tokens, (example, label) pairs and ratings into the same flat units, so a method
written on units serves every modality of its ``kinds``.
"""

from __future__ import annotations

from collections.abc import Callable, Iterable, Mapping, Sequence
from dataclasses import dataclass, field
from typing import Any, ClassVar, Literal

import numpy as np
import torch
from torch import Tensor, nn
from torch.nn import functional as F  # noqa: N812
from torch.optim import Optimizer

from benchmark.core.seeds import seed_for
from benchmark.core.types import Evaluate, Kind, Observed, Optimizers, Phase, Split
from benchmark.functional import group_folds
from benchmark.methods.step import Step

NEEDS = ("noise_rate", "transition", "clean_val", "privileged", "candidates", "votes", "soft", "trusted", "right")  # what a method can know beyond noisy labels

Fidelity = Literal["exact", "adapted"]
Reduction = Literal["mean", "sum"]

FOLLOWS = ("schedule", "normalisation", "batch_statistics", "predicts")  # what ``Method.follows`` has a line about
AFTER = ("as released", "as the paper", "ours, because ")  # how each of its lines begins


@dataclass(frozen=True)
class Price:
    """Passes per training example and epoch of the trainer, summed over the networks, side trainings included."""

    forward: float
    backward: float
    at_most: bool = False  # the count depends on the data: these are its bounds

    @property
    def relative(self) -> float:
        """(forward + 2 backward) / 3: the cost as a multiple of plain training's."""
        return (self.forward + 2 * self.backward) / 3


@dataclass
class Fit:
    """A finished side training. ``predict(indices)`` gives (len(indices) * W, K) class probabilities, ``features`` (len(indices) * W, D)."""

    predict: Callable[[np.ndarray], Tensor]
    features: Callable[[np.ndarray], Tensor]
    network: nn.Module


FitFunction = Callable[..., Fit]  # training.SideTrainings: fit(indices=, targets=, outputs=, epochs=, method=, on_epoch=)


@dataclass(frozen=True)
class RunInfo:
    """What a method knows of its run. ``declared`` holds what it asked for in ``needs``, and nothing else.

    ``observed`` has the labels of the training set and, for a method that declares ``uses_val``, of its half of validation.
    """

    problem: str
    kind: Kind
    num_examples: int
    width: int
    num_classes: int
    epochs: int
    steps_per_epoch: int
    observed: dict[Split, Observed]
    device: torch.device
    groups: np.ndarray  # (num_examples,) examples with one number, duplicates above all, belong into one fold
    seed: int  # of the method's own draws: a hash of the training seed, from which no flip of the noise can be drawn again
    declared: dict[str, Any] = field(default_factory=dict)
    features: int = 0  # width of what the networks' encoders give
    names: tuple[str, ...] = ()  # of the classes; of the labels for multi-label
    tokens: Tensor | None = None  # (E, W, F) ids of the training sentences, where inputs are tokens

    @property
    def num_units(self) -> int:
        """Unit slots of the training set: the length of a per-unit table."""
        return self.num_examples * self.width

    def generator(self, name: str) -> np.random.Generator:
        """A random generator of the method's own."""
        return np.random.Generator(np.random.Philox(key=seed_for("method", name, self.seed)))

    def folds(self, count: int) -> list[np.ndarray]:
        """Examples of each of ``count`` folds, at random by the training seed; groups stay together."""
        return group_folds(self.groups, count, self.generator("folds"))

    def need(self, name: str) -> Any:
        """A declared need: ``noise_rate`` (C, K) per column and observed class, ``transition`` (L, K, K), ``privileged`` (N, A), ``candidates`` (num_units, K),
        ``soft`` (num_units, K), ``votes`` the ``Answers`` on the training units.

        Raises:
            KeyError: the method reads what it did not declare.
        """
        if name not in self.declared:
            raise KeyError(f"this method reads {name!r} without declaring it in needs")
        return self.declared[name]


class Method(nn.Module):
    """Base class. Plain empirical risk minimisation: cross entropy, or squared error on continuous targets."""

    kinds: ClassVar[frozenset[str]] = frozenset({"categorical", "continuous"})
    problems: ClassVar[frozenset[str] | None] = None  # None = all of its kinds
    native: ClassVar[frozenset[str]] = frozenset({"multiclass"})  # problem types of the paper; others are marked adapted
    needs: ClassVar[frozenset[str]] = frozenset()  # of NEEDS
    needs_where: ClassVar[dict[str, tuple[str, Any]]] = {}  # need -> (hyper-parameter, value): an instance with another value has no such need
    meets: ClassVar[dict[str, tuple[str, str]]] = {}  # need of a wrapped method -> (hyper-parameter, value) with which this one meets it from noisy labels
    uses_val: ClassVar[bool] = False  # fits something on noisy validation labels: it gets half of them, selection the other half
    uses_unlabelled: ClassVar[bool] = False  # gets live units without a label too, target -1 or NaN, and tells them apart by ``units.labelled``
    intervals: ClassVar[bool] = False  # ``deviation`` gives intervals around the predictions of numbers
    warm_up: ClassVar[bool] = False  # begins with epochs of plain training
    own_gradient: ClassVar[bool] = False  # ``update`` steps along another gradient than the objective's: no method can take it anew at other weights
    keeps: ClassVar[str] = ""  # state beside networks and optimizers: N units, K classes, C columns
    version: ClassVar[int] = 1  # raised when the method's numbers change on purpose: rows of other versions are other cells
    family: ClassVar[str]  # of ``families.FAMILIES``: what it does about wrong labels
    cites: ClassVar[str] = ""  # authors, year, arXiv id
    fidelity: ClassVar[Fidelity] = "exact"  # to the paper, on its native task types
    differs: ClassVar[str] = ""  # what differs from the released code, or from the paper if adapted
    release: ClassVar[str] = ""  # owner/repository@commit that lines "as released" were compared with; empty = the paper only
    follows: ClassVar[Mapping[str, str]] = {}  # each of ``FOLLOWS``: one of ``AFTER``, and how; no subclass inherits these two
    developed_on: ClassVar[tuple[str, ...]] = ()  # tasks on whose results a default was chosen: the method is no stranger to them
    reduction: ClassVar[Reduction] = "mean"  # of the objective over the units of a batch; a sum gets the weight decay that belongs to it
    networks: int = 1
    averaged: int = 0  # so many of the networks, the last ones, are moving averages that no optimizer trains
    views: int = 1
    strong_views: ClassVar[frozenset[int]] = frozenset()  # views of images that are strongly augmented wherever the trainer augments at all
    epoch_factor: float = 1.0  # trains this many times the trainer's epochs

    def __init__(self) -> None:
        super().__init__()

    def passes(self, epochs: int) -> Price:
        """What training costs in a run of ``epochs``; the contract tests count it."""
        return Price(self.networks * self.epoch_factor, self.networks * self.epoch_factor)

    def setup(self, run: RunInfo) -> None:
        """Allocate state. Called once, inside a forked and seeded generator."""

    def loss(self, output: Tensor, target: Tensor) -> Tensor:
        """Level 1. output (U, K), target (U,) -> (U,)."""
        if output.shape[1] == 1:
            return (output[:, 0] - target) ** 2
        return F.cross_entropy(output, target, reduction="none")

    def objective(self, step: Step) -> Tensor:
        """Level 2. The scalar that is minimised: the mean loss over the live units."""
        units = step.units()
        return self.loss(units.output, units.target).mean()

    def update(self, step: Step, backward: Callable[[Tensor], None], optimizers: Optimizers) -> Tensor:
        """Level 3. One gradient step; returns the objective's value."""
        optimizers.zero_grad()
        value = self.objective(step)
        backward(value)
        optimizers.step()
        return value.detach()

    def optimizers(self, lr: float) -> list[Optimizer]:
        """Optimizers of the method's own, beside the one that each network has. ``lr`` is the trainer's."""
        return []

    def trained_parameters(self) -> Iterable[nn.Parameter]:
        """Own parameters that join the first network's optimizer (extra heads)."""
        return ()

    def lr_factor(self, epoch: int) -> float:
        """What the learning rate of the networks is multiplied with in this epoch, beside the trainer's schedule."""
        return 1.0

    def phases(self, epoch: int, evaluate: Evaluate) -> Sequence[Phase]:
        """Plan of this epoch; [] = nothing to train."""
        return (Phase(),)

    def on_epoch_end(self, epoch: int, evaluate: Evaluate) -> bool | None:
        """After the last batch of an epoch; True stops training."""
        return None

    def prepare(self, fit: FitFunction, run: RunInfo) -> None:
        """Before training: side trainings through ``fit`` (folds, restarts, experts). Their cost is counted."""

    def predict(self, step: Step) -> Tensor:
        """(U, K) class probabilities, or (U, 1) predictions: the mean over the networks."""
        outputs = [activate(step.units(net).output) for net in range(self.networks)]
        return torch.stack(outputs).mean(0) if len(outputs) > 1 else outputs[0]

    def deviation(self, step: Step) -> Tensor:
        """(U,) predicted standard deviation of the targets, of methods that declare ``intervals``."""
        raise NotImplementedError(f"{type(self).__name__} gives no intervals")

    def suspicion(self) -> Tensor | None:
        """(num_units,) how likely each training label is wrong, larger = more suspicious; None = no opinion."""
        return None

    def estimated_transition(self) -> Tensor | None:
        """(L, K, K) estimate of the transition matrix, where the method makes one."""
        return None

    def resolved(self) -> Mapping[str, float]:
        """Return the hyper-parameters that a rule made of this run's size, by name: what was really used. A row keeps them."""
        return {}


def set_up(method: Method, run: RunInfo) -> None:
    """``setup`` inside a forked, seeded generator."""
    with torch.random.fork_rng(devices=[]):
        torch.manual_seed(seed_for("setup", run.seed))
        method.setup(run)


def activate(output: Tensor) -> Tensor:
    """Logits -> probabilities; a single column is a prediction and stays."""
    return output if output.shape[-1] == 1 else output.softmax(-1)
