"""One split of a task: inputs and observed labels, some rows at a time."""

from __future__ import annotations

from collections.abc import Iterator, Mapping
from dataclasses import dataclass, field

import torch
from torch import Tensor

from benchmark.core.answers import Answers
from benchmark.core.types import Observed


@dataclass(frozen=True)
class Part:
    """Inputs and observed labels of one split. ``value``, ``live`` and ``labelled`` are (E, W) grids.

    A live unit that is not labelled has the value -1, or NaN where labels are numbers; ``labelled`` None: all live units are.

    The input of example e is ``pool[source[e]]``: the parts of a task share one tensor, which is not copied. Without ``source`` it is ``pool[e]``.
    ``extras`` has one row an example of what a method may declare: privileged inputs (E, A), candidate sets (E, W, K).
    """

    pool: Tensor
    value: Tensor
    live: Tensor
    source: Tensor | None = None
    extras: Mapping[str, Tensor] = field(default_factory=dict)
    labelled: Tensor | None = None
    answers: Answers | None = None  # of single sources on the units of this split

    def __len__(self) -> int:
        return len(self.value)

    @property
    def taught(self) -> Tensor:
        """(E, W) bool: the live units with an observed label, from which methods learn unless they declare ``uses_unlabelled``."""
        return self.live if self.labelled is None else self.labelled

    @property
    def x(self) -> Tensor:
        """(E, ...) the inputs, in a copy where the pool holds others too."""
        return self.inputs(torch.arange(len(self), device=self.value.device))

    def inputs(self, at: Tensor) -> Tensor:
        """Inputs of some examples, as they are kept."""
        return self.pool[at if self.source is None else self.source[at]]

    def take(self, at: Tensor) -> Part:
        """Some examples as a part."""
        extras = {name: table[at] for name, table in self.extras.items()}
        units = (at.cpu()[:, None] * self.value.shape[1] + torch.arange(self.value.shape[1])).reshape(-1).numpy()
        return Part(
            self.pool,
            self.value[at],
            self.live[at],
            at if self.source is None else self.source[at],
            extras,
            None if self.labelled is None else self.labelled[at],
            None if self.answers is None else self.answers.take(units),
        )

    def blocks(self, size: int = 4096) -> Iterator[Tensor]:
        """The inputs, ``size`` examples at a time."""
        return map(self.inputs, torch.arange(len(self), device=self.value.device).split(size))

    @property
    def lengths(self) -> Tensor | None:
        """(E,) used slots of token inputs, which come first in their rows; None where inputs have no length."""
        return _used(self.live) if self._tokens else None

    @property
    def _tokens(self) -> bool:
        return not (self.pool.is_floating_point() or self.pool.dtype == torch.uint8)

    def rows(self, at: Tensor) -> tuple[Tensor, Tensor, Tensor | None]:
        """Return inputs, values and live slots of some examples, cut at the longest one: (B, W) with a W of their own.

        The live slots are None where every slot up to that W is live; the values have the W that they belong to.
        """
        x, (value, live) = as_numbers(self.inputs(at)), self.labels(at)
        if live is not None and self._tokens:
            longest = max(1, int(_used(live).max()))
            x, value, live = x[:, :longest], value[:, :longest], live[:, :longest]
        return x, value, None if live is None or bool(live.all()) else live

    def labels(self, at: Tensor) -> tuple[Tensor, Tensor | None]:
        """Values and live slots of some examples; None where every slot is live."""
        value, live = self.value[at], self.live[at]
        return value, None if bool(live.all()) else live

    def to(self, device: torch.device) -> Part:
        """The same part with its tensors on ``device``."""
        source = None if self.source is None else self.source.to(device)
        extras = {name: table.to(device) for name, table in self.extras.items()}
        labelled = None if self.labelled is None else self.labelled.to(device)
        return Part(self.pool.to(device), self.value.to(device), self.live.to(device), source, extras, labelled, self.answers)

    def observed(self, unlabelled: bool = False) -> Observed:
        """Return the flat labels that a method may see, on the CPU; with ``unlabelled`` units that have none are live too."""
        e, w = self.value.shape
        group, column = torch.meshgrid(torch.arange(e), torch.arange(w), indexing="ij")
        live = self.live if unlabelled else self.taught
        labelled = self.taught.reshape(-1).cpu() if unlabelled else None
        return Observed(self.value.reshape(-1).cpu(), group.reshape(-1), column.reshape(-1), live.reshape(-1).cpu(), labelled)


def has_label(value: Tensor) -> Tensor:
    """Return which labels there are: classes from 0 on, finite numbers."""
    return value.isfinite() if value.is_floating_point() else value >= 0


def _used(live: Tensor) -> Tensor:
    """Return the slots (E,) up to the last live one: a slot before it may have no label."""
    place = torch.arange(1, live.shape[1] + 1, device=live.device)
    return (live * place).amax(1)


def as_numbers(x: Tensor) -> Tensor:
    """Images are kept as bytes and become numbers in [0, 1] a batch at a time; other inputs stay as they are."""
    return x.float().div_(255) if x.dtype == torch.uint8 else x
