"""A method around another one."""

from __future__ import annotations

from collections.abc import Callable, Iterable, Mapping, Sequence

from torch import Tensor, nn
from torch.optim import Optimizer

from benchmark.core.types import Evaluate, Phase
from benchmark.methods.base import FitFunction, Method, Optimizers, Price, RunInfo
from benchmark.methods.step import Step


class Wrapper(Method):
    """Delegates everything to ``base``; a subclass changes what it is about. It serves what the base serves."""

    def __init__(self, base: Method) -> None:
        super().__init__()
        self.base = base
        self.kinds, self.native, self.needs = base.kinds, base.native, base.needs  # type: ignore[misc]
        self.networks, self.averaged, self.views, self.epoch_factor = base.networks, base.averaged, base.views, base.epoch_factor
        self.intervals, self.strong_views = base.intervals, base.strong_views  # type: ignore[misc]
        self.reduction = base.reduction  # type: ignore[misc]
        self.uses_val, self.warm_up, self.keeps = base.uses_val, base.warm_up, base.keeps  # type: ignore[misc]
        self.developed_on = base.developed_on  # type: ignore[misc]

    def passes(self, epochs: int) -> Price:
        """Of the base."""
        return self.base.passes(epochs)

    def setup(self, run: RunInfo) -> None:
        """Of the base."""
        self.base.setup(run)

    def loss(self, output: Tensor, target: Tensor) -> Tensor:
        """Of the base."""
        return self.base.loss(output, target)

    def objective(self, step: Step) -> Tensor:
        """Of the base."""
        return self.base.objective(step)

    def update(self, step: Step, backward: Callable[[Tensor], None], optimizers: Optimizers) -> Tensor:
        """Of the base."""
        return self.base.update(step, backward, optimizers)

    def optimizers(self, lr: float) -> list[Optimizer]:
        """Of the base."""
        return self.base.optimizers(lr)

    def trained_parameters(self) -> Iterable[nn.Parameter]:
        """Of the base."""
        return self.base.trained_parameters()

    def lr_factor(self, epoch: int) -> float:
        """Of the base."""
        return self.base.lr_factor(epoch)

    def phases(self, epoch: int, evaluate: Evaluate) -> Sequence[Phase]:
        """Of the base."""
        return self.base.phases(epoch, evaluate)

    def on_epoch_end(self, epoch: int, evaluate: Evaluate) -> bool | None:
        """Of the base."""
        return self.base.on_epoch_end(epoch, evaluate)

    def prepare(self, fit: FitFunction, run: RunInfo) -> None:
        """Of the base."""
        self.base.prepare(fit, run)

    def predict(self, step: Step) -> Tensor:
        """Of the base."""
        return self.base.predict(step)

    def deviation(self, step: Step) -> Tensor:
        """Of the base."""
        return self.base.deviation(step)

    def suspicion(self) -> Tensor | None:
        """Of the base."""
        return self.base.suspicion()

    def estimated_transition(self) -> Tensor | None:
        """Of the base."""
        return self.base.estimated_transition()

    def resolved(self) -> Mapping[str, float]:
        """Return those of the base."""
        return self.base.resolved()
