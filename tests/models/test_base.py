"""Networks count their passes themselves, whoever calls them and however."""

from __future__ import annotations

import copy
from collections.abc import Callable
from typing import Any

import pytest
import torch
from support.tiny import make_conditions, run
from torch import Tensor, nn

from benchmark.core.types import Evaluate
from benchmark.methods.base import FitFunction, Method, RunInfo
from benchmark.methods.step import Step
from benchmark.models.base import Network, Passes
from benchmark.running.conditions import Conditions


class Small(Network):
    """An encoder, and a head that works on its input in place."""

    def __init__(self) -> None:
        super().__init__()
        self.body = nn.Linear(3, 4)
        self.head = nn.Sequential(nn.ReLU(inplace=True), nn.Linear(4, 2))

    def encode(self, x: Tensor) -> Tensor:
        return self.body(x)


class Deeper(Small):
    def encode(self, x: Tensor) -> Tensor:
        return super().encode(x) * 2


class Whole(Small):
    def forward(self, x: Tensor) -> Tensor:
        return self.head(self.body(x))


class Twice(Small):
    def forward(self, x: Tensor) -> Tensor:
        return self.head(self.encode(x) + self.encode(-x))


def once(network: Network, x: Tensor) -> Tensor:
    return network(x)


def by_parts(network: Network, x: Tensor) -> Tensor:
    return network.head(network.encode(x))


@pytest.mark.parametrize(
    ("cls", "call", "passes"),
    [(Small, once, 1), (Small, by_parts, 1), (Deeper, once, 1), (Deeper, by_parts, 1), (Whole, once, 1), (Twice, once, 2)],
)
def test_a_network_counts_wherever_it_is_called(cls: type[Network], call: Callable[[Network, Tensor], Tensor], passes: int) -> None:
    network, counted, x = cls(), Passes.zeros(2), torch.randn(5, 3)
    call(network, x).sum().backward()  # before anybody asks
    network.count_in(counted, 1)
    call(network, x).sum().backward()
    assert (counted.forward, counted.backward) == ([0, 5 * passes], [0, 5 * passes])
    with torch.no_grad():
        call(network, x[:2])
    assert (counted.forward, counted.backward) == ([0, 7 * passes], [0, 5 * passes])
    loss = call(network, x[:1]).sum()
    loss.backward(retain_graph=True)
    loss.backward()
    assert (counted.forward, counted.backward) == ([0, 8 * passes], [0, 7 * passes])
    assert counted.total() == 22 * passes


def test_a_copy_counts_where_its_network_does_and_a_failed_call_does_not_count() -> None:
    network, counted = Small(), Passes.zeros(1)
    network.count_in(counted, 0)
    network.count_in(counted, 5)  # it counts there already
    copy.deepcopy(network)(torch.randn(4, 3)).sum().backward()
    assert counted == Passes([4], [4])
    with pytest.raises(RuntimeError):
        network(torch.randn(4, 7))
    network(torch.randn(4, 3))
    assert counted == Passes([8], [4])


def test_counting_changes_neither_outputs_nor_gradients() -> None:
    torch.manual_seed(0)
    network, x = Small(), torch.randn(5, 3)
    found = []
    for _ in range(2):
        network.zero_grad()
        out = network(x)
        out.square().sum().backward()
        found.append([out.detach(), *(p.grad.clone() for p in network.parameters() if p.grad is not None)])
        network.count_in(Passes.zeros(1), 0)
    assert len(found[0]) == 5
    assert all(torch.equal(a, b) for a, b in zip(*found, strict=True))


class Direct(Method):
    """Calls its network past the step, and that of a side training after it is over."""

    def __init__(self) -> None:
        super().__init__()
        self.extra, self.side = 0, 0

    def prepare(self, fit: FitFunction, run: RunInfo) -> None:
        self.fitted = [fit(epochs=1).network]

    def objective(self, step: Step) -> Tensor:
        x, network = step.inputs(), step._networks[0]
        network(x).sum().mul(0).backward()
        with torch.no_grad():
            copy.deepcopy(network)(x)
            self.fitted[0](x)
        self.extra += len(x)
        return super().objective(step)


class Plain(Method):
    def prepare(self, fit: FitFunction, run: RunInfo) -> None:
        fit(epochs=1)


@pytest.mark.parametrize("problem", ["multiclass", "tagging"])
def test_a_method_pays_for_what_it_calls_directly(problem: str, settings: dict[str, Conditions], monkeypatch: pytest.MonkeyPatch) -> None:
    costs, direct = [], Direct()
    for method in (Plain(), direct):
        monkeypatch.setattr("benchmark.running.execution.build", lambda *a, method=method, **k: method)
        costs.append(run({}, settings[problem]).cost)
    assert direct.extra > 0
    assert costs[1]["forward"][0] - costs[0]["forward"][0] == 3 * direct.extra
    assert costs[1]["backward"][0] - costs[0]["backward"][0] == direct.extra


class Watcher(Method):
    """Looks at its training set once an epoch, and calls its network while it does."""

    def on_epoch_end(self, epoch: int, evaluate: Evaluate) -> None:
        evaluate("train", by=lambda step: step._networks[0](step.inputs()))


def test_evaluations_of_the_suite_are_free_and_those_of_the_method_are_not(monkeypatch: pytest.MonkeyPatch) -> None:
    conditions = make_conditions("multiclass", epochs=2)

    def cost(method: Method) -> tuple[Any, Any]:
        monkeypatch.setattr("benchmark.running.execution.build", lambda *a, **k: method)
        found = run({}, conditions).cost
        return found["forward"], found["backward"]

    size = len(conditions.data.train)
    assert cost(Method()) == ([2 * size], [2 * size])
    assert cost(Watcher()) == ([4 * size], [2 * size])
