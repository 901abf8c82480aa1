"""Schedules, selections and test-time rules against the released loops: figures computed by hand or by those loops, outside the tree."""

from __future__ import annotations

import math
from collections.abc import Callable, Mapping, Sequence
from typing import Any

import numpy as np
import pytest
import torch
from support.tiny import make_conditions, run
from torch import Tensor
from torch.nn import functional as F  # noqa: N812

from benchmark.config.build import build, load, option
from benchmark.config.paper import published
from benchmark.config.registry import raw
from benchmark.core.types import Evaluate, Phase
from benchmark.data.problems import Multiclass
from benchmark.methods.base import Method, set_up
from benchmark.methods.step import Batch, Passes, Step
from benchmark.models.base import InputShape, Network
from benchmark.models.mlp import MLP
from benchmark.running.conditions import Conditions
from benchmark.training.recipe import run_info
from benchmark.training.trainer import ActiveOptimizers

B, K, D = 24, 4, 16


@pytest.fixture(scope="module")
def conditions() -> Conditions:
    return make_conditions("multiclass")


def made(name: str, conditions: Conditions, epochs: int = 20, declared: Mapping[str, Any] | None = None, **keys: Any) -> Any:
    """A method that is set up for the tiny task."""
    method: Method = build(load("method", name, **keys), "method")
    needs = {need: conditions.declared[need] for need in method.needs} | dict(declared or {})
    set_up(method, run_info(conditions.data, conditions.recipe.settings, epochs, 0, needs, method.uses_val, D))
    return method


def networks(count: int) -> list[Network]:
    """Networks with 16 features and weights of their own each."""
    out: list[Network] = []
    for seed in range(count):
        with torch.random.fork_rng(devices=[]):
            torch.manual_seed(seed)
            out.append(MLP(InputShape((8,), torch.float32), K, [D]))
    return out


def step_of(nets: Sequence[Network], conditions: Conditions, size: int = B, **more: Any) -> Step:
    """The first examples of training as a batch."""
    part, at = conditions.data.train, torch.arange(size)
    return Step(nets, Multiclass(list("abcd")), Batch([part.x[at]], at, part.value[at], None), Passes.zeros(len(nets)), **more)


def chosen_by(name: str, task: str, rate: float) -> dict[str, Any]:
    """Hyper-parameters of a method as its paper chose them."""
    default = option("method", name)
    return default | published(raw("method", name)["paper"], default, {"noise": "symmetric", "task": task, "rate": rate}, name)


@pytest.mark.parametrize(
    ("task", "rate", "rounds", "keep"),
    [
        ("cifar100", 0.2, [4, 4, 4], 0.98),  # main_cifar100_noise_ratio=20.py
        ("cifar100", 0.4, [22, 5, 0], 0.975),  # main_cifar100_noise_ratio=40.py
        ("cifar10", 0.2, [4, 4, 4], 0.98),
        ("cifar10", 0.4, [4, 4, 4], 0.955),
    ],
)
def test_late_stopping_has_a_released_script_a_task_and_rate(task: str, rate: float, rounds: list[int], keep: float) -> None:
    found = chosen_by("late_stopping", task, rate)
    assert (found["rounds"], found["keep"]) == (rounds, keep)


@pytest.mark.parametrize(("task", "rate", "lam"), [("cifar100", 0.8, 0.85), ("cifar100", 0.2, 0.85), ("cifar10", 0.8, 0.65), ("cifar10", 0.5, 0.9)])
def test_jocor_has_one_weight_for_cifar100(task: str, rate: float, lam: float) -> None:
    assert chosen_by("jocor", task, rate)["lam"] == lam


def test_late_stopping_counts_runs_from_the_epoch_it_collects_from(conditions: Conditions) -> None:
    """Every unit is right in every epoch: with k = 3 and a start at epoch 7 of 300 the first ones are collected after epoch 9, not 7."""
    given, stopped = conditions.data.train.value[:, 0], []

    def fit(*, indices: np.ndarray, epochs: int, method: Method, on_epoch: Callable[[int, Evaluate], bool]) -> None:
        for epoch in range(epochs):
            if on_epoch(epoch, lambda split: F.one_hot(given, K).float()):  # type: ignore[misc]
                stopped.append(epoch)
                return

    method = made("late_stopping", conditions, rounds=[1, 1, 1], keep=0.9)
    method.prepare(fit, run_info(conditions.data, conditions.recipe.settings, 300, 0, {"noise_rate": torch.zeros(1, K)}))
    assert stopped == [7, 8, 9]


def test_partial_labels_are_purified_at_the_released_epochs(conditions: Conditions) -> None:
    """``epoch >= 20 and epoch % 5 == 0`` of 500 epochs from 0; a share of them in a shorter run."""
    for epochs, first in ((500, 20), (250, 10), (50, 5), (10, 5)):
        method = made("partial_label", conditions, epochs=epochs)
        purified = []
        for epoch in range(first + 12):
            if epoch >= epochs:
                break
            method.candidates.fill_(True)
            method.confidence.copy_(torch.tensor([1.0, 0.0, 0.0, 0.0]).expand_as(method.confidence))
            method.history.copy_(method.confidence.expand_as(method.history))
            method.on_epoch_end(epoch, evaluate=None)
            if not bool(method.candidates.all()):
                purified.append(epoch)
        assert purified == [epoch for epoch in (first, first + 5, first + 10) if epoch < epochs]


def test_em_labels_nine_tenths_of_the_unknown_in_ten_epochs() -> None:
    """E = 10, W = 5, theta = .9: .18 of the unknown after each of the epochs 5 to 9, counted from 1."""
    tiny = make_conditions("multilabel", epochs=10)
    method: Any = build(load("method", "em_apl", theta=0.9, warmup=0.5), "method")
    set_up(method, run_info(tiny.data, tiny.recipe.settings, 10, 0, {}, False, D))
    size = len(tiny.data.train) * 3
    p = torch.rand(size, generator=torch.Generator().manual_seed(0))
    looks, shares = [], []
    unknown = method.unknown.sum(0)
    for epoch in range(10):

        def evaluate(split: str, epoch: int = epoch) -> Tensor:
            looks.append(epoch + 1)
            return torch.stack([1 - p, p], 1)

        method.on_epoch_end(epoch, evaluate)
        shares.append((~method.pseudo.isnan()).sum(0))
    assert looks == [5, 6, 7, 8, 9]
    quota = (0.9 * unknown / 5).int()
    assert torch.equal(shares[4], quota)
    assert torch.equal(shares[-1], 5 * quota)
    assert method.passes(10).forward == 1.5


def jointmatch(conditions: Conditions, tau: float) -> Any:
    """The method with class means .5, .3, .2, 0 before the batch."""
    method = made("jointmatch", conditions, tau=tau, momentum=0.5)
    method.mean.copy_(torch.tensor([0.5, 0.3, 0.2, 0.0]))
    return method


def test_jointmatch_judges_one_network_after_the_other(conditions: Conditions) -> None:
    """Means after network 0: .45, .35, .15, .05, after network 1: .275, .225, .375, .125 (figures of the released loop)."""
    first = torch.tensor([[0.7, 0.3, 0.0, 0.0], [0.1, 0.5, 0.2, 0.2]])
    second = torch.tensor([[0.1, 0.1, 0.7, 0.1], [0.1, 0.1, 0.5, 0.3]])
    method = jointmatch(conditions, 0.7)
    sure = method.confident([first, second], False)
    torch.testing.assert_close(method.mean, torch.tensor([0.275, 0.225, 0.375, 0.125]))
    # network 0: .7 >= .7 x 1 and .5 < .7 x .35 / .45 = .544; by the later means it would be .5 >= .7 x .225 / .375 = .42
    assert [mask.tolist() for mask in sure] == [[True, False], [True, False]]
    assert [mask.tolist() for mask in method.confident([first, second], True)] == [[True, False], [True, False]]
    torch.testing.assert_close(method.mean, torch.tensor([0.275, 0.225, 0.375, 0.125]))  # a second look moves nothing


def test_jointmatch_takes_a_probability_that_reaches_the_threshold(conditions: Conditions) -> None:
    p = torch.tensor([[0.75, 0.25, 0.0, 0.0]])
    method = jointmatch(conditions, 0.75)
    assert method.confident([p, p], False)[0].tolist() == [True]
    assert jointmatch(conditions, 0.7501).confident([p, p], False)[0].tolist() == [False]


def test_crossweigh_judges_three_times_unless_told_and_says_what_that_costs() -> None:
    method: Any = build(load("method", "crossweigh"), "method")
    assert (method.folds, method.repetitions) == (4, 3)
    price = method.passes(10)
    assert (price.forward, price.backward) == (1 + 9 + 0.3, 10)
    assert type(method)().repetitions == 3


HALF = {"noise_rate": torch.full((1, K), 0.5)}


def nested(net: Network, x: Tensor, width: int) -> Tensor:
    """Logits from the first features, by hand: a head without its bias."""
    weight: Tensor = net.head.weight  # type: ignore[union-attr,assignment]
    return net.encode(x)[:, :width] @ weight[:, :width].T


def test_nested_coteaching_exchanges_halves_with_one_width_for_both(conditions: Conditions) -> None:
    nets = networks(2)
    method = made("nested_coteaching", conditions, declared=HALF, std=5.0)
    method.nested.chosen.fill_(3)
    chance = np.exp(-((np.arange(1, D + 1) / 5.0) ** 2))
    drawn = np.random.Generator(type(method.nested.rng.bit_generator)())
    drawn.bit_generator.state = method.nested.rng.bit_generator.state
    width = 1 + int(drawn.choice(D, p=chance / chance.sum()))
    assert width != 3  # else the widths of selection and of learning cannot be told apart
    x, y = conditions.data.train.x[:B], conditions.data.train.value[:B, 0]
    half = B // 2
    with torch.no_grad():
        first = F.cross_entropy(nested(nets[0], x[:half], 3), y[:half], reduction="none").argsort()[: half // 2]
        second = half + F.cross_entropy(nested(nets[1], x[half:], 3), y[half:], reduction="none").argsort()[: half // 2]
    expected = F.cross_entropy(nested(nets[0], x[second], width), y[second]) + F.cross_entropy(nested(nets[1], x[first], width), y[first])
    step = step_of(nets, conditions, epoch=method.start, phase=Phase("exchange", frozen_statistics=True))
    found = method.objective(step)
    torch.testing.assert_close(found, expected)
    assert drawn.bit_generator.state["state"]["counter"].tolist() == method.nested.rng.bit_generator.state["state"]["counter"].tolist()  # one draw a batch
    found.backward()
    assert (step._passes.forward, step._passes.backward) == ([B, B], [half, half])


@pytest.mark.parametrize(("name", "count", "phase"), [("nested_dropout", 1, "train"), ("nested_coteaching", 2, "exchange")])
def test_a_second_gradient_of_nested_dropout_has_the_width_of_the_first(name: str, count: int, phase: str, conditions: Conditions) -> None:
    method = made("sam", conditions, declared=HALF, base=load("method", name, std=5.0), rho=0.0)
    nets = networks(count)
    drawn: list[int] = []
    real = method.base.nested.widths.draw
    method.base.nested.widths.draw = lambda rng: drawn.append(real(rng)) or drawn[-1]
    optimizers = ActiveOptimizers([torch.optim.SGD(net.parameters(), lr=0.1) for net in nets], [], None)
    for _ in range(4):
        method.update(step_of(nets, conditions, phase=Phase(phase)), lambda loss: loss.backward(), optimizers)
    assert drawn[0::2] == drawn[1::2]
    assert len(set(drawn)) > 1


def test_nested_coteaching_learns_from_a_batch_of_one_and_of_an_odd_number(conditions: Conditions) -> None:
    for size in (1, 3):
        method, nets = made("nested_coteaching", conditions, declared=HALF, std=5.0), networks(2)
        value = method.objective(step_of(nets, conditions, size, epoch=method.start, phase=Phase("exchange", frozen_statistics=True)))
        assert bool(value.isfinite())


def test_nested_coteaching_decides_by_the_mean_logits_of_both(conditions: Conditions) -> None:
    nets, x = networks(2), conditions.data.train.x[:B]
    method = made("nested_coteaching", conditions, declared=HALF, std=3.0)
    assert method.nested.widths.most == 12
    step = step_of(nets, conditions)
    with torch.no_grad():
        means = [(nested(nets[0], x, k) + nested(nets[1], x, k)) / 2 for k in range(1, 13)]
        wanted = torch.stack([mean.argmax(1).float() for mean in means], 1)
        assert torch.equal(method.joint_decisions(step), wanted)
        other = torch.stack([(nested(nets[0], x, k).softmax(1) + nested(nets[1], x, k).softmax(1)).argmax(1).float() for k in range(1, 13)], 1)
        assert not torch.equal(wanted, other)  # the mean of probabilities decides otherwise
        method.nested.chosen.fill_(5)
        torch.testing.assert_close(method.predict(step), means[4].softmax(1))


def test_nested_coteaching_chooses_one_width_anew_after_every_epoch_of_its_second_stage() -> None:
    conditions = make_conditions("multiclass", epochs=10)
    method = made("nested_coteaching", conditions, epochs=10, declared=HALF, stage=0.5)
    seen, asked = method.nested.held.value, []
    best = {4: 7, 5: 2, 6: 9, 7: 3, 8: 3, 9: 12}

    def evaluate(split: str, by: Any = None, epoch: int = 0) -> Tensor:
        asked.append((epoch, by is not None))
        right = torch.arange(1, method.nested.widths.most + 1) == best.get(epoch, 4)
        return torch.where(right, seen[:, None], (seen[:, None] + 1) % K).float()

    for epoch in range(10):
        method.on_epoch_end(epoch, lambda split, by=None, epoch=epoch: evaluate(split, by, epoch))
        if epoch in best:
            assert method.nested.chosen.tolist() == [best[epoch]] * 2
    assert [epoch for epoch, joint in asked if joint] == [4, 5, 6, 7, 8, 9]  # before the stage begins, and after each of its epochs


def test_nested_coteaching_pays_for_half_of_the_backward_passes_in_its_second_stage() -> None:
    conditions = make_conditions("multiclass", epochs=8)
    outcome = run(load("method", "nested_coteaching", stage=0.5), conditions)
    price = outcome.method.passes(8)
    assert sum(outcome.cost["backward"]) / (8 * len(conditions.data.train)) == pytest.approx(1.5, abs=0.02)
    assert price.backward == 1.5
    assert math.isclose(price.forward, 2 + 2 * 8 / 8)  # 3 looks in the first stage, where every epoch is a checkpoint, and 5 from then on
