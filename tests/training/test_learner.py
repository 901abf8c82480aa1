"""Where in its training a batch stands, and what follows from it."""

from __future__ import annotations

from collections.abc import Callable, Sequence

import pytest
from support.optimizers import Tower, learned
from support.tiny import make_conditions
from torch import Tensor
from torch.optim import Optimizer

from benchmark.core.types import Optimizers
from benchmark.methods.base import Method
from benchmark.methods.step import Step
from benchmark.training.learner import Turn, turn


def test_places_of_batches() -> None:
    assert [turn((0,), (0, 1), (k, 5), 2).closes for k in range(5)] == [
        False,
        True,
        False,
        True,
        True,
    ]
    assert turn((1,), (1, 2), (0, 4), 1) == Turn((1,), 0.5, 0.625, True)
    assert turn((1,), (1, 2), (3, 4), 3) == Turn((1,), 0.75, 1.0, True)


class Watching(Method):
    """Notes the learning rates that every batch is trained with."""

    def __init__(self) -> None:
        super().__init__()
        self.seen: list[list[float]] = []
        self.watched: list[Optimizer] = []

    def update(self, step: Step, backward: Callable[[Tensor], None], optimizers: Optimizers) -> Tensor:
        """Note, then a plain step."""
        main: Sequence[Optimizer] = optimizers._main  # type: ignore[attr-defined]
        self.seen.append([group["lr"] for optimizer in main for group in optimizer.param_groups])
        return super().update(step, backward, optimizers)

    def lr_factor(self, epoch: int) -> float:
        """Half of the rate from the second epoch on."""
        return 1.0 if epoch == 0 else 0.5


def test_a_training_follows_schedule_and_method_at_every_batch() -> None:
    method = Watching()
    conditions = make_conditions("multiclass", epochs=2, lr=0.1, schedule="linear", warmup=0.5)  # 120 examples, 4 batches
    learned(conditions, method)
    expected = [0.025, 0.05, 0.075, 0.1, 0.05, 0.0375, 0.025, 0.0125]
    assert [rate for batch in method.seen for rate in batch] == pytest.approx(expected)
    plain = Watching()
    learned(make_conditions("multiclass", epochs=2, lr=0.1, schedule="cosine"), plain)
    assert [rate for batch in plain.seen for rate in batch] == pytest.approx([0.1] * 4 + [0.025] * 4)


def test_an_encoders_rate_follows_the_schedule() -> None:
    method = Watching()
    learned(
        make_conditions("multiclass", epochs=2, lr=0.1, schedule="cosine"),
        method,
        [Tower(lr_scale=0.25)],
    )
    assert method.seen[0] == pytest.approx([0.025, 0.1])
    assert method.seen[-1] == pytest.approx([0.00625, 0.025])
