"""Steps over several batches are steps over one large batch."""

from __future__ import annotations

from collections.abc import Callable, Sequence
from typing import Any

import pytest
import torch
from support.optimizers import Fixed, learned
from support.tiny import make_conditions
from torch import Tensor, nn

from benchmark.config.build import build, load
from benchmark.core.types import Evaluate, Optimizers, Phase
from benchmark.methods.base import Method
from benchmark.methods.step import Passes, Step
from benchmark.models.base import Network
from benchmark.running.conditions import Conditions
from benchmark.running.execution import execute
from benchmark.training.accumulation import AccumulatingOptimizers
from benchmark.training.learner import Learner
from benchmark.training.trainer import train


def weights(learner: Learner) -> Tensor:
    """All weights of a learner's networks."""
    return torch.cat([p.detach().flatten() for network in learner.networks for p in network.parameters()])


def first_two(method: Method, network: Network, conditions: Conditions) -> list[Step]:
    """Return the first two batches of an epoch."""
    settings, passes = conditions.recipe.settings, Passes.zeros(1)
    learner = Learner(method, [network], conditions.data, settings, 0, epochs=1, passes=passes)
    return [step for step, _ in learner.steps(0)][:2]


@pytest.mark.parametrize(
    "trainer",
    [
        {"optimizer": "sgd"},
        {
            "optimizer": "adam",
            "clip": 0.05,
            "weight_decay": 0.01,
            "warmup": 0.4,
            "schedule": "linear",
        },
    ],
)
def test_batches_of_a_group_are_one_large_batch(trainer: dict[str, Any]) -> None:
    """120 examples: 8 batches of 16, the last one of 8, in groups of three, or 3 batches of 48, the last one of 24."""
    small, large = (
        weights(
            learned(
                make_conditions("multiclass", epochs=2, batch_size=size, accumulate=count, **trainer),
                Method(),
            )
        )
        for size, count in ((16, 3), (48, 1))
    )
    torch.testing.assert_close(small, large, rtol=0, atol=1e-6)
    plain = weights(learned(make_conditions("multiclass", epochs=2, batch_size=16, **trainer), Method()))
    assert (plain - large).abs().max() > 1e-3


def test_batches_of_sentences_weigh_as_many_tokens_as_they_have() -> None:
    conditions = make_conditions("tagging", epochs=1, batch_size=30, accumulate=2, optimizer="sgd")
    network = conditions.recipe.networks(conditions.data.problem, 1)[0]
    start = [p.detach().clone() for p in network.parameters()]
    steps = first_two(Method(), network, conditions)
    sizes = [len(step.targets()) for step in steps]
    assert sizes[0] != sizes[1]
    optimizers = AccumulatingOptimizers([torch.optim.SGD(network.parameters(), lr=0.5)], [], None)
    for k, step in enumerate(steps):
        with optimizers.batch(step, closes=k == 1):
            Method().update(step, lambda loss: loss.backward(), optimizers)
    moved = [(before - p.detach()) / 0.5 for before, p in zip(start, network.parameters(), strict=True)]
    for before, p in zip(start, network.parameters(), strict=True):
        p.data.copy_(before)
    units = [step.again().units() for step in steps]
    loss = nn.functional.cross_entropy(torch.cat([u.output for u in units]), torch.cat([u.target for u in units]))
    for expected, found in zip(torch.autograd.grad(loss, list(network.parameters())), moved, strict=True):
        torch.testing.assert_close(found, expected, rtol=0, atol=1e-6)


def test_nothing_moves_before_a_group_ends_and_passes_are_those_of_the_batches() -> None:
    counts = []
    for accumulate in (1, 4):
        conditions = make_conditions("multiclass", epochs=2, accumulate=accumulate)
        counts.append(execute(load("method", "erm"), conditions, 0).cost["passes"])
    assert counts[0] == counts[1]
    conditions = make_conditions("multiclass", epochs=1, accumulate=3)
    network = conditions.recipe.networks(conditions.data.problem, 1)[0]
    moved = []

    class Noting(Method):
        def update(self, step: Step, backward: Callable[[Tensor], None], optimizers: Optimizers) -> Tensor:
            before = network.head.weight.detach().clone()
            value = super().update(step, backward, optimizers)
            moved.append(not torch.equal(before, network.head.weight))
            return value

    learned(conditions, Noting(), [network])
    assert moved == [False, False, True, True]  # the fourth batch is the rest of the epoch


def scalar(value: float) -> nn.Parameter:
    return nn.Parameter(torch.tensor([value]))


def test_updates_that_step_twice_step_twice_a_group() -> None:
    """The teacher's gradients are 1 and 4, the student's 2 and 6, batches weigh 1 and 3; the student's second one is made after the teacher stepped."""
    teacher, student = scalar(0.0), scalar(0.0)
    optimizers = AccumulatingOptimizers([torch.optim.SGD([teacher], lr=1.0), torch.optim.SGD([student], lr=1.0)], [], None)
    seen = []
    for units, gradients in ((1, (1.0, 2.0)), (3, (4.0, 6.0))):
        with optimizers.batch(Fixed(units), closes=units == 3):  # type: ignore[arg-type]
            for parameter, gradient in zip((teacher, student), gradients, strict=True):
                optimizers.zero_grad()
                (gradient * parameter).sum().backward()
                optimizers.step()
                seen.append((teacher.item(), student.item()))
    assert seen == [(0, 0), (0, 0), (-3.25, 0), (-3.25, -5.0)]


def test_a_step_that_only_earlier_batches_made_is_made_at_the_end() -> None:
    weight = scalar(0.0)
    optimizers = AccumulatingOptimizers([torch.optim.SGD([weight], lr=1.0)], [], None)
    for number in (0, 1):
        with optimizers.batch(Fixed(2), closes=number == 1):  # type: ignore[arg-type]
            for gradient in (1.0, 5.0)[: 2 - number]:
                optimizers.zero_grad()
                (gradient * weight).sum().backward()
                optimizers.step()
    assert weight.item() == -6.0  # 1, then 5, of one batch
    with optimizers.batch(Fixed(2), closes=True):  # type: ignore[arg-type]
        optimizers.zero_grad()
        weight.sum().backward()
        optimizers.step()
    assert weight.item() == -7.0  # nothing is left of the group before


def test_the_mean_is_clipped_not_its_parts() -> None:
    weight = scalar(0.0)
    optimizers = AccumulatingOptimizers([torch.optim.SGD([weight], lr=1.0)], [], 1.0)
    for gradient in (8.0, -7.0):
        with optimizers.batch(Fixed(1), closes=gradient < 0):  # type: ignore[arg-type]
            optimizers.zero_grad()
            (gradient * weight).sum().backward()
            optimizers.step()
    assert weight.item() == -0.5


def test_sparse_gradients_of_a_table_are_summed() -> None:
    table = nn.Embedding(4, 1, sparse=True)
    nn.init.zeros_(table.weight)
    head = scalar(0.0)
    optimizers = AccumulatingOptimizers([torch.optim.SGD([head], lr=1.0)], [torch.optim.SGD(table.parameters(), lr=1.0)], None)
    for rows in ([0, 1], [1, 3]):
        with optimizers.batch(Fixed(2), closes=rows[0] == 1):  # type: ignore[arg-type]
            optimizers.zero_grad()
            (table(torch.tensor(rows)).sum() + head.sum()).backward()
            optimizers.step()
    assert table.weight.detach()[:, 0].tolist() == [-0.5, -1.0, 0.0, -0.5]
    assert head.item() == -1.0


def test_sharpness_aware_steps_are_means_of_the_gradients_at_the_top() -> None:
    """Two batches a group: each climbs along its own gradient, and the weights move by the mean of what was found there."""
    conditions = make_conditions("multiclass", epochs=1, batch_size=30, optimizer="sgd", accumulate=2, momentum=0.0, lr=0.1)
    method = build(load("method", "sam", rho=0.5), "method")
    network = conditions.recipe.networks(conditions.data.problem, 1)[0]
    steps = first_two(method, network, conditions)
    start = [p.detach().clone() for p in network.parameters()]
    found = []
    for step in steps:
        gradients = torch.autograd.grad(Method().objective(step.again()), list(network.parameters()))
        norm = torch.cat([g.flatten() for g in gradients]).norm()
        for p, g in zip(network.parameters(), gradients, strict=True):
            p.data.add_(0.5 * g / norm)
        found.append(torch.autograd.grad(Method().objective(step.again()), list(network.parameters())))
        for p, before in zip(network.parameters(), start, strict=True):
            p.data.copy_(before)
    optimizers = AccumulatingOptimizers([torch.optim.SGD(network.parameters(), lr=0.1)], [], None)
    for k, step in enumerate(steps):
        with optimizers.batch(step, closes=k == 1):
            method.update(step, lambda loss: loss.backward(), optimizers)
    for p, before, first, second in zip(network.parameters(), start, *found, strict=True):
        torch.testing.assert_close(p.detach(), before - 0.1 * (first + second) / 2, rtol=0, atol=1e-6)


class Halves(Method):
    """Two phases, each for a network of its own."""

    networks = 2

    def phases(self, epoch: int, evaluate: Evaluate) -> Sequence[Phase]:
        """The first network, then the second."""
        return (Phase(networks=(0,)), Phase(networks=(1,)))

    def objective(self, step: Step) -> Tensor:
        """The loss of the network whose turn it is."""
        assert step.phase is not None
        units = step.units(step.phase.networks[0])  # type: ignore[index]
        return self.loss(units.output, units.target).mean()


def test_a_group_ends_with_its_phase() -> None:
    conditions = make_conditions("multiclass", epochs=1, accumulate=3)
    method = Halves()
    learner = Learner(
        method,
        conditions.recipe.networks(conditions.data.problem, 2),
        conditions.data,
        conditions.recipe.settings,
        0,
        epochs=1,
        passes=Passes.zeros(2),
    )
    places = [place for _, place in learner.steps(0)]
    assert [place.closes for place in places] == [False, False, True, True] * 2
    assert [place.networks for place in places] == [(0,)] * 4 + [(1,)] * 4
    before = weights(learner)
    train(learner)
    half = len(before) // 2
    moved = weights(learner) != before
    assert moved[:half].any()
    assert moved[half:].any()


@pytest.mark.parametrize("name", ["sop", "coteaching", "dividemix", "elr_plus", "t_revision", "volminnet"])
def test_methods_with_state_and_optimizers_of_their_own_run_in_groups(name: str) -> None:
    plain, grouped_ = (execute(load("method", name), make_conditions("multiclass", epochs=3, accumulate=count), 0) for count in (1, 2))
    assert plain.evaluation.records[-1].predictions != grouped_.evaluation.records[-1].predictions
    assert plain.cost["examples"] == grouped_.cost["examples"]
