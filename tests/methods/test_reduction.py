"""A loss that is a sum says so, and gets the weight decay that belongs to a sum."""

from __future__ import annotations

from typing import ClassVar

import pytest
import torch
from support.multilabel import Y, Z, no_noise, ready, step
from support.tiny import make_conditions
from torch import Tensor

from benchmark.api import load_method
from benchmark.config.registry import names
from benchmark.methods.base import Method, Reduction, set_up
from benchmark.methods.step import Passes, Step
from benchmark.training.learner import Learner
from benchmark.training.recipe import run_info
from benchmark.training.trainer import TrainerSettings, train

SUMS = {"asl", "hill", "splc", "comic", "pu_mlc", "multilabel_distillation"}
PREPARED = {"bomd", "multilabel_distillation", "confident_learning", "glc", "late_stopping", "weighted"}  # no loss before their side training
OTHER_NEEDS = {"oracle_mask", "oracle_subset", "nested_coteaching", "nested_dropout", "roster", "pu_mlc"}  # the last one mixes the halves of a batch


def multilabel_methods() -> list[str]:
    made = {name: load_method(name) for name in names("method")}
    return [name for name, method in made.items() if "categorical" in method.kinds and (method.problems is None or "multilabel" in method.problems)]


def test_the_sums_are_those_that_declare_it() -> None:
    assert {name for name in names("method") if load_method(name).reduction == "sum"} == SUMS


@pytest.mark.parametrize("name", sorted(set(multilabel_methods()) - PREPARED - OTHER_NEEDS))
def test_a_batch_twice_as_long_doubles_a_sum_and_no_mean(name: str) -> None:
    values = []
    for times in (1, 2):
        y, z = Y.repeat(times, 1), Z.repeat(times, 1)
        method = ready(name, y, declared=no_noise())
        with torch.random.fork_rng(devices=[]):
            torch.manual_seed(0)
            values.append(float(method.objective(step(z, y, networks=method.networks)).detach()))
    expected = 2.0 if method.reduction == "sum" else 1.0
    assert values[1] / values[0] == pytest.approx(expected, abs=0.15)  # some draw numbers for a batch


class Plain(Method):
    """Cross entropy: a mean or a sum."""

    def objective(self, step: Step) -> Tensor:
        units = step.units()
        loss = self.loss(units.output, units.target)
        return loss.sum() if self.reduction == "sum" else loss.mean()


class Summed(Plain):
    reduction: ClassVar[Reduction] = "sum"


class Undeclared(Method):
    """A sum that says nothing."""

    def objective(self, step: Step) -> Tensor:
        units = step.units()
        return self.loss(units.output, units.target).sum()


def learner(method: Method, **trainer: object) -> Learner:
    conditions = make_conditions("multilabel", epochs=3, **trainer)
    settings, data = conditions.recipe.settings, conditions.data
    networks = conditions.recipe.networks(data.problem, 1)
    set_up(method, run_info(data, settings, settings.epochs, 0, {}))
    return Learner(method, networks, data, settings, 0, epochs=settings.epochs, passes=Passes.zeros(1))


def weights(method: Method, **trainer: object) -> Tensor:
    made = learner(method, **trainer)
    train(made)
    return torch.cat([p.detach().flatten() for p in made.networks[0].parameters()])


def batch_units() -> tuple[int, int]:
    """A batch size that parts the training set evenly, and the live units of such a batch."""
    part = make_conditions("multilabel").data.train
    assert bool(part.live.all())
    size = next(size for size in range(len(part) // 2, 0, -1) if len(part) % size == 0)
    return size, size * part.live.shape[1]


def test_a_sum_trains_as_the_mean_does_by_sgd() -> None:
    """With the learning rate divided by the units of a batch every step is the same, weight decay included."""
    size, units = batch_units()
    mean = weights(Plain(), optimizer="sgd", lr=0.1, weight_decay=0.05, batch_size=size)
    same = weights(Summed(), optimizer="sgd", lr=0.1 / units, weight_decay=0.05, batch_size=size)
    other = weights(Undeclared(), optimizer="sgd", lr=0.1 / units, weight_decay=0.05, batch_size=size)
    torch.testing.assert_close(same, mean, atol=1e-5, rtol=1e-4)
    assert float((other - mean).abs().max()) > 1e-3


def test_a_sum_trains_as_the_mean_does_by_adam() -> None:
    """Adam takes no notice of the scale of its gradient, to which weight decay belongs."""
    size, _ = batch_units()
    options = {"optimizer": "adam", "lr": 0.01, "weight_decay": 0.05, "batch_size": size}
    mean, same, other = (weights(method, **options) for method in (Plain(), Summed(), Undeclared()))
    torch.testing.assert_close(same, mean, atol=2e-3, rtol=0)
    assert float((other - mean).abs().max()) > 0.02


def test_a_sum_trains_as_the_mean_does_by_adamw_without_help() -> None:
    """AdamW decays apart from the gradient: nothing is scaled, and an undeclared sum does the same."""
    size, _ = batch_units()
    options = {"optimizer": "adamw", "lr": 0.01, "weight_decay": 0.5, "batch_size": size}
    mean, same, other = (weights(method, **options) for method in (Plain(), Summed(), Undeclared()))
    torch.testing.assert_close(same, mean, atol=2e-3, rtol=0)
    assert torch.equal(same, other)


@pytest.mark.parametrize(("optimizer", "factor"), [("sgd", 896), ("adam", 896), ("adamw", 1)])
def test_decay_is_multiplied_where_it_joins_the_gradient(optimizer: str, factor: int) -> None:
    settings = TrainerSettings(epochs=1, batch_size=64, optimizer=optimizer, lr=0.1, weight_decay=1e-5)  # type: ignore[arg-type]
    made = settings.make_optimizer([torch.nn.Parameter(torch.zeros(1))], 896)
    assert made.param_groups[0]["weight_decay"] == pytest.approx(1e-5 * factor)


def test_the_scale_is_the_live_units_of_a_full_batch() -> None:
    made = learner(Summed(), batch_size=10)
    live = made.data.train.live
    assert made.loss_scale() == 10 * live.shape[1]
    live[::2, 0] = False  # half of the examples lack a label
    assert made.loss_scale() == pytest.approx(10 * float(live.sum()) / len(live))
    assert learner(Summed(), batch_size=10**6).loss_scale() == live.numel()  # no batch is larger than the training set
    assert learner(Plain(), batch_size=10).loss_scale() == 1


def test_a_wrapper_reduces_as_its_base_does() -> None:
    assert load_method("sam", base=load_method("hill")).reduction == "sum"
