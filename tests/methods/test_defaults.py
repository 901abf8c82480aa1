"""Defaults that belong to a batch size, a length or a width: what a run makes of them."""

from __future__ import annotations

import math
from typing import Any

import pytest
import torch
from support.tiny import make_conditions, make_task, run
from torch import Tensor
from torch.nn import functional as F  # noqa: N812

from benchmark.config.build import build, load, resolve_target
from benchmark.config.registry import names
from benchmark.methods.base import Method, set_up
from benchmark.methods.step import Batch, Passes, Step
from benchmark.models.base import Network
from benchmark.running.conditions import Conditions
from benchmark.training.recipe import run_info
from benchmark.training.trainer import ActiveOptimizers

K = 4
WHOLE = 128  # units a batch of the released runs


@pytest.fixture(scope="module")
def large() -> Conditions:
    """A setting with a batch as large as the released one."""
    return make_conditions("multiclass", task=make_task("multiclass", 256), batch_size=WHOLE)


def ready(conditions: Conditions, name: str, epochs: int, features: int = 32, **keys: Any) -> Any:
    """A method that is set up for a run of ``epochs``."""
    method: Method = build(load("method", name, **keys), "method")
    set_up(method, run_info(conditions.data, conditions.recipe.settings, epochs, 0, {}, method.uses_val, features))
    return method


def step_of(conditions: Conditions, networks: list[Network], units: int, epoch: int = 0) -> Step:
    """The first ``units`` examples."""
    part = conditions.data.train
    at = torch.arange(units)
    return Step(networks, conditions.data.problem, Batch([part.x[at]], at, part.value[at], None), Passes.zeros(1), epoch=epoch)


def moved(conditions: Conditions, method: Any, units: int, steps: int = 1) -> tuple[Tensor, Tensor]:
    """u and v after some steps from .3 and .2 of a network that does not move."""
    networks = conditions.recipe.networks(conditions.data.problem, 1)
    with torch.no_grad():
        method.u.weight.fill_(0.3)
        method.v.weight.fill_(0.2)
    still = torch.optim.SGD(networks[0].parameters(), lr=0.0)
    optimizers = ActiveOptimizers([still], method.optimizers(0.1), None)
    for _ in range(steps):
        method.update(step_of(conditions, networks, units), lambda loss: loss.backward(), optimizers)
    return method.u.weight.detach().clone(), method.v.weight.detach().clone()


def released(conditions: Conditions, which: str, lr_u: float, lr_v: float, steps: int) -> tuple[Tensor, Tensor]:
    """The rule of the released code, written once more with dense tables and sums, at its batch size."""
    part = conditions.data.train
    (network,) = conditions.recipe.networks(conditions.data.problem, 1)
    target = F.one_hot(part.value[:WHOLE, 0], K).float()
    u = torch.full((len(part), 1), 0.3, requires_grad=True)
    v = torch.full((len(part), K), 0.2, requires_grad=True)
    top = 1.0 if which == "9a3fd24" else 1 - 1e-4
    descent = torch.optim.SGD([{"params": [u], "lr": lr_u}, {"params": [v], "lr": lr_v}], lr=0.0)
    for _ in range(steps):
        logits = network(part.x[:WHOLE]).detach()
        plus = torch.clamp(u[:WHOLE] ** 2 * target, 0, top)
        minus = torch.clamp(v[:WHOLE] ** 2 * (1 - target), 0, top)
        corrected = torch.clamp(F.softmax(logits, dim=1) + plus - minus.detach(), min=1e-4)
        corrected = torch.clamp(F.normalize(corrected, p=1, eps=1e-4), min=1e-4, max=1.0)
        decided = F.one_hot(logits.argmax(1), K)
        shown = plus if which == "9a3fd24" else plus.detach()
        error = F.mse_loss(decided + shown - minus, target, reduction="sum") / WHOLE
        weight = 1 if which == "9a3fd24" else 100
        loss = torch.mean(-torch.sum(target * torch.log(corrected), dim=1)) + weight * error
        descent.zero_grad()
        loss.backward()
        descent.step()
    return u.detach(), v.detach()


@pytest.mark.parametrize("which", ["9a3fd24", "21a4017"])
def test_sop_at_the_released_batch_and_length_is_the_released_rule_bit_for_bit(which: str, large: Conditions) -> None:
    method = ready(large, "sop", 300, lr_u=1.0, lr_v=3.0, released=which)
    expected = released(large, which, 1.0, 3.0, steps=3)
    found = moved(large, method, WHOLE, steps=3)
    assert not torch.equal(found[0], torch.full_like(found[0], 0.3))
    assert torch.equal(found[0], expected[0])
    assert torch.equal(found[1], expected[1])


def test_sop_has_two_released_losses() -> None:
    conditions = make_conditions("multiclass", task=make_task("multiclass", 256), batch_size=WHOLE)
    both = [moved(conditions, ready(conditions, "sop", 300, released=which), WHOLE) for which in ("9a3fd24", "21a4017")]
    assert not torch.equal(both[0][0], both[1][0])
    start = torch.full_like(both[0][1], 0.2)
    torch.testing.assert_close(both[1][1] - start, 100 * (both[0][1] - start))  # the squared term alone trains v


@pytest.mark.parametrize(("units", "epochs"), [(32, 300), (64, 30), (128, 15), (96, 600)])
def test_sop_moves_a_unit_as_far_a_run_whatever_its_batch_and_length(units: int, epochs: int, large: Conditions) -> None:
    """One visit of a run of E epochs counts for 300 / E released ones, and a small batch does not move a unit further than a large one."""
    whole = moved(large, ready(large, "sop", 300, lr_u=0.01, lr_v=0.02), WHOLE)
    method = ready(large, "sop", epochs, lr_u=0.01, lr_v=0.02)
    found = moved(large, method, units)
    for mine, theirs, start in zip(found, whole, (0.3, 0.2), strict=True):
        torch.testing.assert_close((mine[:units] - start) * epochs / 300, theirs[:units] - start, rtol=1e-3, atol=2e-7)


def test_sop_keeps_the_rates_of_its_usual_batch(large: Conditions) -> None:
    """192 examples in batches of at most 128 are two batches of 96, taken as the usual size."""
    method = ready(large, "sop", 30, lr_u=2.0, lr_v=5.0)
    factor = 96 / 128 * 10
    assert (method.scaled_lr_u, method.scaled_lr_v) == (2 * factor, 5 * factor)
    assert method.resolved() == {"lr_u": 2 * factor, "lr_v": 5 * factor}
    assert [o.param_groups[0]["lr"] for o in method.optimizers(0.1)] == [2 * factor, 5 * factor]
    assert (method.lr_u, method.lr_v) == (2.0, 5.0)


def test_a_row_keeps_what_a_rule_made_of_hyper_parameters(large: Conditions) -> None:
    from benchmark.running.execution import measure

    metrics = measure(run(load("method", "sop"), large), large)
    assert metrics["train/resolved/lr_u"] == 10 * 96 / 128 * 300 / 6
    wrapped = build(load("method", "sam", base=load("method", "sop")), "method")
    set_up(wrapped, run_info(large.data, large.recipe.settings, 30, 0, {}, False, 32))
    assert wrapped.resolved() == {"lr_u": 75.0, "lr_v": 75.0}


@pytest.mark.parametrize(("kind", "beta"), [("hard", 0.3), ("soft", 0.6)])
def test_bootstrap_listens_to_the_network_from_a_quarter_of_the_epochs_on(kind: str, beta: float, large: Conditions) -> None:
    method = ready(large, "bootstrap", 20, kind=kind, beta=beta)
    networks = large.recipe.networks(large.data.problem, 1)
    log_p = networks[0](large.data.train.x[:24]).log_softmax(1)
    given = -log_p.gather(1, large.data.train.value[:24])[:, 0]
    own = -log_p.max(1).values if kind == "hard" else -(log_p.exp() * log_p).sum(1)
    found = [method.objective(step_of(large, networks, 24, epoch)) for epoch in (0, 4, 5, 19)]
    torch.testing.assert_close(torch.stack(found[:2]), given.mean().expand(2))
    torch.testing.assert_close(torch.stack(found[2:]), (beta * given + (1 - beta) * own).mean().expand(2))
    without = ready(large, "bootstrap", 20, kind=kind, beta=beta, warmup=0.0)
    torch.testing.assert_close(without.objective(step_of(large, networks, 24, 0)), found[2])


@pytest.mark.parametrize(("features", "std"), [(8, 10.0), (20, 10.0), (21, 10.5), (64, 32.0), (512, 256.0)])
def test_nested_dropout_draws_from_half_of_the_features_unless_told(features: int, std: float, large: Conditions) -> None:
    method = ready(large, "nested_dropout", 20, features)
    ratio = method.nested.widths.chance[1] / method.nested.widths.chance[0]  # of widths 2 and 1
    assert ratio == pytest.approx(math.exp(-3 / std**2), rel=1e-9)
    assert method.resolved() == {"std": std}
    told = ready(large, "nested_dropout", 20, features, std=7.0)
    assert told.nested.widths.chance[1] / told.nested.widths.chance[0] == pytest.approx(math.exp(-3 / 49), rel=1e-9)
    assert (told.std, told.resolved()) == (7.0, {"std": 7.0})


@pytest.mark.parametrize(("task", "std"), [("cifar10", 10.0), ("cifar100_fine", 100.0), ("clothing1m", 100.0)])
def test_nested_dropout_as_in_the_paper_has_the_paper_s_width(task: str, std: float) -> None:
    from benchmark.config.build import default_of
    from benchmark.config.paper import published
    from benchmark.config.registry import raw

    default = default_of("method", "nested_dropout")
    assert default["std"] is None
    chosen = published(raw("method", "nested_dropout")["paper"], default, {"task": task, "noise": "symmetric", "rate": 0.2}, "nested_dropout")
    assert chosen == {"std": std}


def test_a_card_names_the_tasks_that_a_default_was_chosen_on(capsys: pytest.CaptureFixture[str]) -> None:
    """Every one of them is a task of the suite; methods with defaults of their papers name none."""
    from benchmark.board.page import _method
    from benchmark.commands.catalog import describe
    from benchmark.commands.documents import method_table

    named = {name: resolve_target(load("method", name), "method").developed_on for name in names("method")}
    assert {task for tasks in named.values() for task in tasks} <= set(names("task"))
    expected = {
        "huber": ("diamonds",),
        "log_cosh": ("diamonds",),
        "coregularization": ("wikigold",),
        "bootstrap": ("digits",),
        "nested_dropout": ("digits",),
        "erm": (),
        "sop": (),
    }
    assert {name: named[name] for name in expected} == expected
    line = next(line for line in method_table().splitlines() if line.startswith("| `huber` |"))
    assert line.split(" | ")[8].endswith("developed on diamonds")
    describe(["huber"])
    assert "developed on: diamonds\n" in capsys.readouterr().out
    describe(["erm"])
    assert "developed on" not in capsys.readouterr().out
    assert _method("huber", "benchmark.methods.robust_loss.huber.Huber")["developed_on"] == "diamonds"


def test_a_wrapped_method_is_no_stranger_to_the_tasks_of_its_base() -> None:
    wrapped = build(load("method", "sam", base=load("method", "bootstrap")), "method")
    assert wrapped.developed_on == ("digits",)
