"""A lazy view of one batch: what a method's objective works with.

A Step reaches the networks, the inputs and the observed labels of its batch, and nothing else: no
attribute of it leads to a right label or to the test set.
"""

from __future__ import annotations

import functools
from collections.abc import Mapping, Sequence
from contextlib import AbstractContextManager, nullcontext
from dataclasses import dataclass, field, replace
from typing import Any

import torch
from torch import Tensor
from torch.nn import functional as F  # noqa: N812
from torch.optim.swa_utils import get_ema_multi_avg_fn

from benchmark.core import parallel
from benchmark.core.types import Phase, Problem, Units
from benchmark.methods.answers import AnswerTable
from benchmark.models.base import Network, Passes
from benchmark.models.batch_norm import fixed_statistics, kept_statistics


@dataclass(frozen=True)
class Batch:
    """Hold rows of one split, cut at the longest sentence among them: W may be below the split's.

    ``value``, ``live`` and ``labelled`` are (B, W) grids; ``value`` is None at test time.
    """

    x: Sequence[Tensor]  # one tensor per view
    index: Tensor  # (B,) example ids
    value: Tensor | None
    live: Tensor | None  # None = every slot is live
    extras: Mapping[str, Tensor] = field(default_factory=dict)
    width: int | None = None  # W; None: that of the grids, and of the problem where there are none
    labelled: Tensor | None = None  # of methods that use unlabelled units; None = every live slot has an observed label
    answers: AnswerTable | None = None  # of single sources on all units of the split

    def __post_init__(self) -> None:
        width = self.width
        for grid in (self.value, self.live, self.labelled):
            if grid is None:
                continue
            if width is not None and grid.shape[1] != width:
                raise ValueError(f"the grids of a batch differ in width: {sorted((width, grid.shape[1]))}")
            width = grid.shape[1]
        if width != self.width:
            object.__setattr__(self, "width", width)


class Step:
    """One batch for one objective.

    Attributes:
        index: (B,) example ids.
        epoch, repeat, phase: where in training this is; ``repeat`` is 1 after ``again()``.
        streams: further batches that the phase asked for, each a Step.
        extras: privileged inputs and the like: only what the method declared.
    """

    def __init__(
        self,
        networks: Sequence[Network],
        problem: Problem,
        batch: Batch,
        passes: Passes,
        *,
        epoch: int = 0,
        phase: Phase | None = None,
        repeat: int = 0,
        streams: Mapping[str, Step] | None = None,
    ) -> None:
        self.index, self.extras = batch.index, batch.extras
        self.epoch, self.repeat, self.phase = epoch, repeat, phase or Phase()
        self.streams = streams or {}
        self._networks, self._problem, self._batch, self._passes = networks, problem, batch, passes
        self._units: dict[tuple[int, int, bool], Units] = {}
        for at, network in enumerate(networks):
            network.count_in(passes, at)

    def __len__(self) -> int:
        return len(self.index)

    def units(self, net: int = 0, view: int = 0) -> Units:
        """Outputs and observed targets of the live units, from one forward pass of ``net`` (cached)."""
        key = (net, view, torch.is_grad_enabled())
        if key not in self._units:
            self._units[key] = self.flatten(self.forward(net, view))
        return self._units[key]

    def forward(self, net: int = 0, view: int = 0, x: Tensor | None = None) -> Tensor:
        """Raw network output (B, ...) for a view of the batch, or for inputs ``x``."""
        x = self.inputs(view) if x is None else x
        return self.head(net, self.encode(net, view, x), x)

    def encode(self, net: int = 0, view: int = 0, x: Tensor | None = None) -> Tensor:
        """Return features (B, ..., D) before the head; several devices share the pass."""
        x = self.inputs(view) if x is None else x
        network = self._networks[net]
        with self._statistics(net), network.casting(x.device):
            features = parallel.encoded(network.encode, x)
        return features if network.precision is None else features.float()

    def head(self, net: int, features: Tensor, x: Tensor | None = None) -> Tensor:
        """Output of the network's head on features; ``x`` are the inputs that they come from (the batch's by default)."""
        network = self._networks[net]
        return network.finish(network.head(features), self.inputs() if x is None else x)

    def inputs(self, view: int = 0) -> Tensor:
        """Inputs (B, ...) of one augmented view."""
        return self._batch.x[view]

    def flatten(self, output: Tensor) -> Units:
        """Network output (B, ...) -> units with their observed targets."""
        grid = self._problem.lift(output)
        b, w, k = grid.shape
        if w != self.width:
            raise ValueError(f"an output of {w} slots a row for a batch of {self.width}")
        index, row, column = self.slots()
        output, value, live = grid.reshape(b * w, k), self._batch.value, self._batch.live
        target = None if value is None else value.reshape(-1)
        labelled = None if self._batch.labelled is None else self._batch.labelled.reshape(-1)
        if live is not None:
            at = live.reshape(-1)
            output = output[at]
            target = None if target is None else target[at]
            labelled = None if labelled is None else labelled[at]
        return Units(output, target, index, row, column, (b, w), labels=labelled)

    def targets(self) -> Tensor:
        """(U,) observed labels of the live units, without a pass; a LookupError at test time."""
        value, live = self._batch.value, self._batch.live
        if value is None:
            raise LookupError("a batch has no targets at test time")
        return value.reshape(-1) if live is None else value[live]

    def soft(self) -> Tensor:
        """Return (U, K): how probable a label model holds each class of the live units; of a method that needs ``soft``."""
        grid = self.extras["soft"][:, : self.width]
        live = self._batch.live
        return grid.flatten(0, 1) if live is None else grid[live]

    def answers(self) -> tuple[Tensor, Tensor, Tensor]:
        """Return the answers of single sources on the live units: position of the unit in the batch's units, source and label, (T,) each.

        Raises:
            LookupError: the method does not declare the need ``votes``.
        """
        if self._batch.answers is None:
            raise LookupError("a step has answers only for a method that declares the need 'votes'")
        return self._batch.answers.of(self.slots()[0])

    def votes(self) -> Tensor:
        """Return the answers as a table (U, A), -1 where a source said nothing of a unit: for few sources.

        Raises:
            LookupError: the method does not declare the need ``votes``.
        """
        unit, source, label = self.answers()
        assert self._batch.answers is not None
        table = label.new_full((len(self.slots()[0]), self._batch.answers.sources), -1)
        table[unit, source] = label
        return table

    @property
    def width(self) -> int:
        """W, the slots of a row of this batch: fewer than the problem's where its sentences are shorter."""
        return self._problem.width if self._batch.width is None else self._batch.width

    def slots(self) -> tuple[Tensor, Tensor, Tensor]:
        """Unit id, row and column of the live units of the batch, (U,) each."""
        stride, w = self._problem.width, self.width
        live = self._batch.live
        row, column = _layout(len(self), w, self.index.device)
        index = self.index if stride == 1 else (self.index[:, None] * stride + column.view(len(self), w)).view(-1)
        if live is None:
            return index, row, column
        at = live.reshape(-1)
        return index[at], row[at], column[at]

    @property
    def size(self) -> int:
        """How many things ``mix`` permutes: examples where inputs can be mixed, else units."""
        if self.inputs().is_floating_point():
            return len(self)
        return len(self.slots()[0])

    def mix(self, lam: float | Tensor, permutation: Tensor, net: int = 0, view: int = 0) -> Units:
        """Units of the batch mixed with its own permutation: lam a + (1 - lam) a[permutation].

        Inputs are mixed where they are continuous; inputs that are not (token ids) mix their unit features
        before the head (Guo et al., 2019, arXiv:1905.08941). ``partner`` of the result is the unit that was mixed in, as a position
        among the units of the batch; a unit whose partner slot is not live is its own partner.

        Args:
            lam: a number, or (``size``,) weights.
            permutation: (``size``,).
        """
        x = self.inputs(view)
        if x.is_floating_point():
            weight = lam.reshape(-1, *[1] * (x.dim() - 1)) if isinstance(lam, Tensor) else lam
            mixed = weight * x + (1 - weight) * x[permutation]
            units = self.flatten(self.forward(net, x=mixed))
            position = units.dense(torch.arange(len(units.index), device=x.device), -1)
            partner = position[permutation[units.row], units.column]
            partner = torch.where(partner < 0, torch.arange(len(partner), device=x.device), partner)
        else:
            features = self.encode(net, view)
            live = self._batch.live
            live = _all_live(len(self), self.width, x.device) if live is None else live
            flat = features[live]
            weight = lam[:, None] if isinstance(lam, Tensor) else lam
            mixed = features.clone()
            mixed[live] = weight * flat + (1 - weight) * flat[permutation]
            units = self.flatten(self.head(net, mixed, x))
            partner = permutation
        return replace(units, partner=partner)

    def again(self) -> Step:
        """The same batch for a second gradient: ``repeat`` is 1, batch-norm statistics stay, memories must not be updated."""
        streams = {name: step.again() for name, step in self.streams.items()}
        return Step(self._networks, self._problem, self._batch, self._passes, epoch=self.epoch, phase=self.phase, repeat=1, streams=streams)

    def stack(self, parts: Sequence[tuple[Step, int]]) -> Step:
        """One Step over several (step, view) parts, in order, without targets: what MixMatch-type methods mix across."""
        batches = [step._batch for step, _ in parts]
        inputs = [step.inputs(view) for step, view in parts]
        widths = [step.width for step, _ in parts]
        longest = max(widths)
        if not inputs[0].is_floating_point():  # sentences were cut at the longest one of their own batch
            inputs = [F.pad(x, (0, 0, 0, longest - x.shape[1])) for x in inputs]
        live = None
        if min(widths) < longest or any(batch.live is not None for batch in batches):
            masks = []  # a part without a mask is live up to its own width, not to that of the longest part
            for batch, width in zip(batches, widths, strict=True):
                mask = _all_live(len(batch.index), width, batch.index.device) if batch.live is None else batch.live
                masks.append(F.pad(mask, (0, longest - width)))
            live = torch.cat(masks)
        joined = Batch([torch.cat(inputs)], torch.cat([batch.index for batch in batches]), None, live, width=longest)
        return Step(self._networks, self._problem, joined, self._passes, epoch=self.epoch, phase=self.phase, repeat=self.repeat)

    @torch.no_grad()
    def average(self, net: int, into: int, decay: float) -> None:
        """Move network ``into`` to decay x itself + (1 - decay) x network ``net``, weights and statistics; counters are copied.

        The statistics of another network do not fit averaged weights: the average gathers its own in the passes that it
        makes in training, where it is in training mode, and they only lean towards those of ``net``.
        """
        source, mean = self._networks[net], self._networks[into]
        get_ema_multi_avg_fn(decay)(list(mean.parameters()), list(source.parameters()), 0)
        for own, other in zip(mean.buffers(), source.buffers(), strict=True):
            if own.is_floating_point():
                own.lerp_(other, 1 - decay)
            else:
                own.copy_(other)

    def sequence_loss(self, net: int = 0, view: int = 0) -> Tensor | None:
        """Mean negative log-likelihood per live unit of whole sequences, where the model defines one (a CRF); else None."""
        network: Any = self._networks[net]
        if not hasattr(network, "sequence_loss") or self._batch.value is None:
            return None
        x = self.inputs(view)
        loss: Tensor = network.sequence_loss(network.head(self.encode(net, view)), x, self._batch.value)
        return loss

    def decode(self, net: int = 0, view: int = 0) -> Tensor | None:
        """(U,) best joint decision of a structured model (Viterbi), where the model defines one; else None."""
        network: Any = self._networks[net]
        if not hasattr(network, "decode"):
            return None
        x = self.inputs(view)
        path: Tensor = network.decode(network.head(self.encode(net, view)), x)
        return path[self._batch.live] if self._batch.live is not None else path.reshape(-1)

    def _statistics(self, net: int) -> AbstractContextManager[None]:
        """Batch-norm statistics come from the first pass over a batch only; a phase can have them frozen."""
        if self.phase.frozen_statistics:
            return fixed_statistics(self._networks[net])
        return kept_statistics(self._networks[net]) if self.repeat else nullcontext()


def _all_live(rows: int, columns: int, device: torch.device) -> Tensor:
    """Return a (rows, columns) mask that is true everywhere."""
    return torch.ones(rows, columns, dtype=torch.bool, device=device)


@functools.lru_cache(maxsize=256)
def _layout(rows: int, columns: int, device: torch.device) -> tuple[Tensor, Tensor]:
    """Row and column of each slot of a (rows, columns) grid, flat. Shared: not to be written to."""
    at = torch.arange(rows * columns, device=device)
    return at.div(columns, rounding_mode="floor"), at.remainder(columns)
