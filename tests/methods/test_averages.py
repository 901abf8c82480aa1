"""Moving averages of weights: their batch statistics, who predicts, and the released schedules of their decay."""

from __future__ import annotations

import math
from typing import Any

import numpy as np
import pytest
import torch
from support.tiny import make_conditions
from torch import Tensor, nn

from benchmark.config.build import build, load, option
from benchmark.config.paper import published
from benchmark.config.registry import names, raw
from benchmark.data.problems import Multiclass, MultiLabel
from benchmark.methods.base import Method, set_up
from benchmark.methods.step import Batch, Passes, Step
from benchmark.models.base import Network
from benchmark.running.conditions import Conditions
from benchmark.training.learner import Learner
from benchmark.training.recipe import run_info
from benchmark.training.trainer import ActiveOptimizers

B, K, WIDTH = 24, 4, 6
AVERAGING = [name for name in names("method") if build(load("method", name), "method").averaged]


class Normed(Network):
    """A network with batch statistics."""

    def __init__(self, outputs: int) -> None:
        super().__init__()
        self.body, self.norm, self.head = nn.Linear(8, WIDTH), nn.BatchNorm1d(WIDTH), nn.Linear(WIDTH, outputs)

    def encode(self, x: Tensor) -> Tensor:
        found: Tensor = self.norm(self.body(x)).relu()
        return found


def normed(count: int, outputs: int = K) -> list[Normed]:
    """Networks with weights of their own each."""
    out = []
    for seed in range(count):
        with torch.random.fork_rng(devices=[]):
            torch.manual_seed(seed)
            out.append(Normed(outputs))
    return out


@pytest.fixture(scope="module")
def conditions() -> Conditions:
    return make_conditions("multiclass")


def ready(name: str, conditions: Conditions, epochs: int = 6, **keys: Any) -> Any:
    """A method that is set up for the tiny task."""
    method: Method = build(load("method", name, **keys), "method")
    set_up(method, run_info(conditions.data, conditions.recipe.settings, epochs, 0, {}, False, WIDTH))
    return method


def learner_of(method: Method, nets: list[Normed], conditions: Conditions) -> Learner:
    """A learner with given networks, its optimizers made."""
    found = Learner(method, nets, conditions.data, conditions.recipe.settings, 0, epochs=6, passes=Passes.zeros(len(nets)))
    found.configure_optimizers()
    return found


def own_statistics(net: Normed, x: Tensor) -> Tensor:
    """Output of a network that normalizes by mean and variance of x itself, by hand."""
    with torch.no_grad():
        hidden = net.body(x)
        scaled = (hidden - hidden.mean(0)) / (hidden.var(0, correction=0) + net.norm.eps).sqrt()
        found: Tensor = net.head((net.norm.weight * scaled + net.norm.bias).relu())
    return found


def backward(loss: Tensor) -> None:
    loss.backward()  # type: ignore[no-untyped-call]


def test_some_methods_average_their_weights() -> None:
    assert {"elr_plus", "nvum"} <= set(AVERAGING)


def test_targets_of_elr_plus_come_from_the_statistics_of_the_batch(conditions: Conditions) -> None:
    """In a run, where networks that no optimizer trains would otherwise be in evaluation mode."""
    nets, method = normed(4), ready("elr_plus", conditions, beta=0.6)
    learner = learner_of(method, nets, conditions)
    step, turn = next(iter(learner.steps(0)))
    learner._activate(turn.networks)
    assert turn.networks == (0, 1)
    assert [net.training for net in nets] == [True] * 4
    wanted = [own_statistics(nets[3 - net], step.inputs()).softmax(1) for net in (0, 1)]
    method.objective(step)
    for net in (0, 1):
        torch.testing.assert_close(method.memory[net, step.index], 0.4 * wanted[net], rtol=1e-4, atol=1e-6)


@pytest.mark.parametrize("name", AVERAGING)
def test_an_average_gathers_statistics_of_its_own(name: str) -> None:
    """After training on one large batch, against the mean of its own hidden values; those of the trained network are far from them."""
    conditions = make_conditions("multilabel" if name == "nvum" else "multiclass", lr=0.05, batch_size=200)
    method: Any = build(load("method", name), "method")
    set_up(method, run_info(conditions.data, conditions.recipe.settings, 60, 0, {}, False, WIDTH))
    method.decay, method.decay_ramp = 0.98, 0.0
    nets = normed(method.networks, conditions.data.problem.outputs)
    learner = learner_of(method, nets, conditions)
    for epoch in range(60):
        for step, turn in learner.steps(epoch):
            learner._activate(turn.networks)
            method.update(step, backward, learner._optimizers)
    mean, source = nets[-1], nets[method.networks - method.averaged - 1]
    with torch.no_grad():
        wanted = mean.body(conditions.data.train.x).mean(0)
    own, other = (float((net.norm.running_mean - wanted).norm()) for net in (mean, source))  # type: ignore[operator]
    assert own < 0.35 * other


def test_an_average_moves_its_statistics_by_its_decay_and_copies_counters() -> None:
    nets = normed(2)
    nets[0].norm.running_var.fill_(3.0)  # type: ignore[union-attr,operator]
    nets[0].norm.num_batches_tracked.fill_(7)  # type: ignore[union-attr,operator]
    at = torch.arange(2)
    step = Step(nets, Multiclass(list("abcd")), Batch([torch.zeros(2, 8)], at, at[:, None], None), Passes.zeros(2))
    step.average(0, 1, 0.75)
    assert nets[1].norm.running_var.tolist() == [1.5] * WIDTH  # type: ignore[union-attr,operator]
    assert int(nets[1].norm.num_batches_tracked) == 7  # type: ignore[arg-type]
    step.average(0, 1, 0.0)
    for own, other in zip(nets[1].state_dict().values(), nets[0].state_dict().values(), strict=True):
        assert torch.equal(own, other)


@pytest.mark.parametrize(
    ("step", "decay"),
    [
        (1, 0.997 * math.exp(-5 * (1 - 2 / 400) ** 2)),  # the released counter is one ahead
        (199, 0.997 * math.exp(-5 * 0.25)),
        (398, 0.997 * math.exp(-5 * (1 / 400) ** 2)),
        (399, 0.997),
        (500, 0.997),
    ],
)
def test_the_decay_of_elr_plus_rises_as_in_the_released_runs_of_cifar(step: int, decay: float, conditions: Conditions) -> None:
    """Figures of sigmoid_rampup(t + 1, 400) x .997 for a ramp of 400 of 700 steps (released: 40,000 of 70,400)."""
    method = ready("elr_plus", conditions, decay_ramp=400 / 700)
    method.steps = 700
    method.count.fill_(step - 1)
    assert method.average_decay() == pytest.approx(decay, rel=1e-9)


def test_the_decay_of_elr_plus_without_a_ramp_is_that_of_clothing1m(conditions: Conditions) -> None:
    method = ready("elr_plus", conditions, decay=0.9, decay_ramp=0.0)
    found = []
    for count in (0, 1, 7, 8, 100):
        method.count.fill_(count)
        found.append(method.average_decay())
    assert found == pytest.approx([1 / 2, 2 / 3, 8 / 9, 0.9, 0.9])


def test_the_weight_of_elr_plus_rises_from_its_first_step(conditions: Conditions) -> None:
    """exp(-5 (1 - t / T)^2) with t = 1 at the first batch, as released."""
    method = ready("elr_plus", conditions, ramp=0.5)
    method.steps = 20
    assert [method._ramp(method.ramp, t) for t in (1, 5, 10, 15)] == pytest.approx([math.exp(-5 * 0.81), math.exp(-1.25), 1.0, 1.0])
    seen: list[int] = []
    real = method._ramp
    method._ramp = lambda share, t: seen.append(t) or real(share, t)
    nets = normed(4)
    learner = learner_of(method, nets, conditions)
    step, turn = next(iter(learner.steps(0)))
    learner._activate(turn.networks)
    method.objective(step)
    assert seen == [1, 1]


def test_elr_plus_remembers_predictions_as_they_are(conditions: Conditions) -> None:
    """No clamp before the memory: an average that is sure leaves others next to nothing."""
    nets, method = normed(4), ready("elr_plus", conditions, beta=0.0)
    with torch.no_grad():
        for net in nets:
            net.head.weight.zero_()  # type: ignore[operator,union-attr]
            net.head.bias.copy_(torch.tensor([30.0, 0.0, 0.0, 0.0]))  # type: ignore[operator,union-attr]
    at = torch.arange(B)
    step = Step(nets, Multiclass(list("abcd")), Batch([conditions.data.train.x[at]], at, conditions.data.train.value[at], None), Passes.zeros(4))
    loss = method.objective(step)
    assert float(method.memory[0, :B, 1].max()) == pytest.approx(math.exp(-30), rel=1e-3)
    assert bool(loss.isfinite())


def test_elr_plus_averages_logits_at_test_time_and_not_probabilities(conditions: Conditions) -> None:
    nets, method = normed(4), ready("elr_plus", conditions)
    with torch.no_grad():
        for net, logits in zip(nets, ([8.0, 0.0, 1.0, 0.0], [0.0, 2.0, 1.0, 0.0], [0.0] * 4, [0.0] * 4), strict=True):
            net.head.weight.zero_()  # type: ignore[operator,union-attr]
            net.head.bias.copy_(torch.tensor(logits))  # type: ignore[operator,union-attr]
    at = torch.arange(2)
    step = Step(nets, Multiclass(list("abcd")), Batch([conditions.data.train.x[at]], at, None, None), Passes.zeros(4))
    wanted = np.exp([4.0, 1.0, 1.0, 0.0]) / np.exp([4.0, 1.0, 1.0, 0.0]).sum()
    np.testing.assert_allclose(method.predict(step).numpy(force=True), np.tile(wanted, (2, 1)), rtol=1e-5)


def test_blocks_of_elr_plus_are_the_released_configurations() -> None:
    default = option("method", "elr_plus")
    found = {}
    for task in ("cifar10", "cifar100", "clothing1m"):
        facts = {"noise": "symmetric", "task": task, "rate": 0.4}
        found[task] = default | published(raw("method", "elr_plus")["paper"], default, facts, "elr_plus")
    assert [found["cifar10"][key] for key in ("lam", "beta", "decay", "ramp", "decay_ramp")] == [3.0, 0.7, 0.997, 0.0, 0.57]
    assert [found["cifar100"][key] for key in ("lam", "beta", "decay", "ramp", "decay_ramp")] == [7.0, 0.9, 0.997, 0.45, 0.45]
    assert [found["clothing1m"][key] for key in ("lam", "beta", "decay", "decay_ramp")] == [3.0, 0.7, 0.9999, 0.0]


def multilabel_step(nets: list[Normed], x: Tensor, y: Tensor | None) -> Step:
    """A batch of a task of three labels."""
    return Step(nets, MultiLabel(["p", "q", "r"]), Batch([x], torch.arange(len(x)), y, None), Passes.zeros(len(nets)))


def nvum_steps(count: int) -> tuple[Any, list[Normed], Tensor, list[Tensor]]:
    """NVUM after so many steps on one batch: method, networks, inputs, and the trained network's head after each step, the first before any."""
    conditions = make_conditions("multilabel")
    method: Any = build(load("method", "nvum", decay=0.8), "method")
    set_up(method, run_info(conditions.data, conditions.recipe.settings, 6, 0, {}, False, WIDTH))
    nets, x = normed(2, 3), conditions.data.train.x[:B]
    optimizers = ActiveOptimizers([torch.optim.SGD(nets[0].parameters(), lr=0.5)], [], None)
    heads = [nets[0].head.weight.detach().clone()]
    for _ in range(count):
        method.update(multilabel_step(nets, x, conditions.data.train.value[:B]), backward, optimizers)
        heads.append(nets[0].head.weight.detach().clone())
    return method, nets, x, heads


def test_nvum_predicts_by_its_moving_average() -> None:
    method, nets, x, heads = nvum_steps(3)
    wanted = heads[0]  # the average begins as a copy
    for head in heads[1:]:
        wanted = 0.8 * wanted + 0.2 * head
    torch.testing.assert_close(nets[1].head.weight.detach(), wanted)
    assert not torch.allclose(nets[0].head.weight, wanted, atol=1e-3)
    for net in nets:
        net.eval()
    with torch.no_grad():
        found = method.predict(multilabel_step(nets, x, None)).reshape(B, 3, 2)[..., 1]
        torch.testing.assert_close(found, nets[1](x).sigmoid())
    assert method.averaged == 1


def test_nvum_remembers_what_the_average_says_before_the_step_with_the_statistics_of_the_batch() -> None:
    method, nets, x, _ = nvum_steps(1)
    prior = method.prior
    first = 0.1 * (own_statistics(normed(1, 3)[0], x) - (prior + 1e-12).log())
    torch.testing.assert_close(method.memory[:B], first, rtol=1e-4, atol=1e-5)
    assert int(nets[1].norm.num_batches_tracked) == 1  # type: ignore[arg-type]


def test_a_checkpoint_knows_whether_the_average_of_nvum_has_begun() -> None:
    method, *_ = nvum_steps(1)
    assert bool(method.state_dict()["begun"])
