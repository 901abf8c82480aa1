"""A network is an encoder and a linear head; structured models add a last step on the head's scores."""

from __future__ import annotations

import functools
from collections.abc import Callable, Mapping
from contextlib import AbstractContextManager, nullcontext
from dataclasses import dataclass
from typing import Any, ClassVar, Self

import torch
from torch import Tensor, nn

from benchmark.core import parallel
from benchmark.models.encoder import Encoder


@dataclass
class Passes:
    """Count the examples that went through each network: a forward pass counts 1, a backward pass 2 per example.

    Copies of a network count where the network does: a copy of the counts is the counts themselves.
    """

    forward: list[int]
    backward: list[int]

    @classmethod
    def zeros(cls, networks: int) -> Passes:
        """Return counts of nothing yet."""
        return cls([0] * networks, [0] * networks)

    def total(self) -> int:
        """Return forward + 2 x backward over all networks."""
        return sum(self.forward) + 2 * sum(self.backward)

    def __deepcopy__(self, _: dict[int, Any]) -> Self:
        return self


@dataclass
class Counts:
    """Say where a network counts its passes: as network ``at`` of ``passes``. Not a tuple: torch is slow to set a module's attributes."""

    passes: Passes
    at: int
    calls: int = 0  # that were counted
    inside: bool = False  # of a call that counts: what it calls in its turn is a part of it


@dataclass(frozen=True)
class InputShape:
    """What a model must know of a task's inputs: the shape of one example, its type, and the sizes of id vocabularies."""

    shape: tuple[int, ...]
    dtype: torch.dtype
    vocabulary: tuple[int, ...] = ()  # one size per embedded id column of token inputs
    surfaces: tuple[str, ...] = ()  # tokens as they are written, if a further last column has their places here


class Network(nn.Module):
    """Base of the backbones. ``encode`` gives features (B, ..., D), ``head`` is linear.

    With ``places`` features are those of every place of an image, (B, P, D), and ``finish`` takes the mean of the head's scores over places.

    A network counts its passes itself, whoever calls it: a forward pass of every example that goes through ``encode`` (or through a
    ``forward`` that does without it), a backward pass of all of them each time a gradient comes back through what that returned.
    """

    version: ClassVar[int] = 1  # raised when the network's numbers change on purpose
    places: ClassVar[bool] = False
    pretrained: ClassVar[bool] = False  # begins as an encoder that other data trained: a tier of its own on the board
    inputs: ClassVar[frozenset[str]] = frozenset({"vector", "image"})  # kinds of inputs that it reads
    files: ClassVar[tuple[str, ...]] = ()  # options that name a file or folder which it reads
    head: nn.Module
    precision: torch.dtype | None = None  # of the encoder's passes where it is lower than that of the weights
    counts: Counts | None = None  # None: nobody asks for them

    def __init_subclass__(cls, **options: Any) -> None:
        """Let the ``encode`` and ``forward`` of a subclass count."""
        super().__init_subclass__(**options)
        for name in ("encode", "forward"):
            if name in vars(cls):
                setattr(cls, name, _counted(vars(cls)[name]))

    def count_in(self, passes: Passes, at: int) -> None:
        """Count in ``passes`` from now on, as its network ``at``; a network that counts there already keeps its place."""
        if self.counts is None or self.counts.passes is not passes:
            self.counts = Counts(passes, at)

    @classmethod
    def begins_as(cls, config: Mapping[str, Any]) -> Encoder | None:
        """The pretrained encoder that a network of this configuration begins as; None: it begins from random weights."""
        return None

    def casting(self, device: torch.device) -> AbstractContextManager[object]:
        """Autocast for ``encode``, the bulk of the work; the head, losses and memories stay in float32."""
        return nullcontext() if self.precision is None else torch.autocast(device.type, self.precision)

    @property
    def feature_width(self) -> int:
        """D, the size of a feature vector: what the linear head takes in."""
        return next(layer.in_features for layer in self.head.modules() if isinstance(layer, nn.Linear))

    def encode(self, x: Tensor) -> Tensor:
        """Inputs (B, ...) -> features (B, ..., D)."""
        raise NotImplementedError

    def finish(self, scores: Tensor, x: Tensor) -> Tensor:
        """Head scores -> output; a CRF turns emissions into log-marginals here."""
        return scores

    def forward(self, x: Tensor) -> Tensor:
        """finish(head(encode(x)))."""
        return self.finish(self.head(self.encode(x)), x)


def _counted(made: Callable[..., Tensor]) -> Callable[..., Tensor]:
    """Return a network's ``encode`` or ``forward`` that counts its passes, unless it is called by one that does."""

    encodes = made.__name__ == "encode"

    @functools.wraps(made)
    def counting(self: Network, x: Tensor, *more: Any, **options: Any) -> Tensor:
        counts = self.counts
        if counts is None or counts.inside:
            return made(self, x, *more, **options)
        before = counts.calls
        counts.inside = encodes
        try:
            out = made(self, x, *more, **options)
        finally:
            counts.inside = False
        if counts.calls != before:  # this ``forward`` called ``encode``, which has counted
            return out
        counts.calls += 1
        rows = parallel.rows(x)
        counts.passes.forward[counts.at] += rows
        if not out.requires_grad:
            return out
        counted: Tensor = _CountedBackward.apply(out, counts, rows)
        return counted

    return counting


class _CountedBackward(torch.autograd.Function):
    """The identity, whose gradient adds the examples of a pass to the backward passes when it comes back.

    The result is detached from the input and no view of it, so that a head may work on it in place.
    """

    @staticmethod
    def forward(ctx: Any, out: Tensor, counts: Counts, rows: int) -> Tensor:
        ctx.counts, ctx.rows = counts, rows
        return out.detach()

    @staticmethod
    def backward(ctx: Any, *gradients: Tensor) -> tuple[Tensor, None, None]:
        ctx.counts.passes.backward[ctx.counts.at] += ctx.rows
        return gradients[0], None, None
