"""Gradient accumulation: one optimizer step for several batches, where one as large does not fit."""

from __future__ import annotations

from collections.abc import Iterator, Sequence
from contextlib import contextmanager
from dataclasses import dataclass, field

import torch
from torch import Tensor, nn

from benchmark.methods.step import Step
from benchmark.training.trainer import ActiveOptimizers


@dataclass
class _Sum:
    """Hold the weighted sum of what one call of ``step`` would have stepped with on each batch."""

    by: torch.optim.Optimizer | None = None
    gradients: dict[nn.Parameter, Tensor] = field(default_factory=dict)
    weight: float = 0.0


class AccumulatingOptimizers(ActiveOptimizers):
    """Step once for a group of batches, along the mean of the gradients that a method makes on each.

    A method's ``update`` is called on every batch and need not know. ``zero_grad`` forgets the
    gradients of the batch alone; ``step`` puts what the method would have stepped with aside, and at
    the last batch of a group clips the mean and steps with it. A batch weighs as many units as it
    has. So:

    * with a loss that is a mean over units a group is one batch of its size, but for batch norm,
      whose statistics stay those of a batch, and for what is normalized or chosen over a batch;
    * a loss that is a sum over a batch becomes the mean of such sums;
    * sharpness-aware minimization climbs on every batch, and the mean of the gradients up there is
      stepped with: the m-sharpness of Foret et al., 2021, arXiv:2010.01412, section 4.1, with m the
      size of a batch;
    * where an update steps several times, by different gradients (meta self-refinement), its first
      steps are one step of the group, its second ones another;
    * sparse gradients of a method's tables are summed as they are, and its own optimizers step when
      the networks' do;
    * what a method does without the optimizers, to memories and to weights (moving averages), it
      does on every batch, and a method counts batches, as ``RunInfo.steps_per_epoch`` does.

    Passes are those of the batches.
    """

    def __init__(
        self,
        main: Sequence[torch.optim.Optimizer],
        own: Sequence[torch.optim.Optimizer],
        clip: float | None,
    ) -> None:
        super().__init__(main, own, clip)
        self._sums: list[_Sum] = []
        self._calls = 0
        self._weight = 0.0
        self._closes = False

    @contextmanager
    def batch(self, step: Step, closes: bool) -> Iterator[None]:
        """Take the body's calls of ``step`` as those of one batch; the last one of a group ``closes`` it."""
        self._calls = 0
        self._weight = float(max(1, len(step.targets())))
        self._closes = closes
        yield
        if closes:
            # Other batches of the group may have made more steps than this one.
            while self._calls < len(self._sums):
                self._flush(self._sums[self._calls])
                self._calls += 1
            self._sums.clear()

    def step(self, by: torch.optim.Optimizer | None = None) -> None:
        """Put the gradients aside; at the end of a group step with their mean."""
        if self._calls == len(self._sums):
            self._sums.append(_Sum())
        total = self._sums[self._calls]
        total.by = by
        total.weight += self._weight
        for parameter in self._all(by):
            if parameter.grad is None:
                continue
            weighted = parameter.grad * self._weight
            before = total.gradients.get(parameter)
            total.gradients[parameter] = weighted if before is None else before + weighted
        if self._closes:
            self._flush(total)
        self._calls += 1

    def _flush(self, total: _Sum) -> None:
        """Step with the mean of what was put aside."""
        for parameter in self._all(total.by):
            summed = total.gradients.get(parameter)
            parameter.grad = None if summed is None else summed / total.weight
        super().step(total.by)

    def _all(self, by: torch.optim.Optimizer | None) -> Iterator[nn.Parameter]:
        """Yield every trained parameter, once."""
        seen = set[int]()
        for optimizer in (*self._main, *self._own, *(() if by is None else (by,))):
            for group in optimizer.param_groups:
                for parameter in group["params"]:
                    if id(parameter) not in seen:
                        seen.add(id(parameter))
                        yield parameter
