"""The trainer's schedules, its groups of parameters, and steps of several batches."""

from __future__ import annotations

import dataclasses
from typing import Any

import pytest
import torch
from omegaconf import OmegaConf
from support.optimizers import Fixed, Tower
from torch import nn
from torch.optim import Optimizer

from benchmark.config.build import construct, option
from benchmark.config.registry import names
from benchmark.core.errors import ConfigError
from benchmark.core.paths import CONF
from benchmark.models.base import Network
from benchmark.training.learner import turn
from benchmark.training.trainer import ActiveOptimizers, TrainerSettings, parameter_groups


def test_every_field_has_a_neutral_value_that_is_a_literal() -> None:
    defaults = {field.name: field.default for field in dataclasses.fields(TrainerSettings)}
    assert dataclasses.MISSING not in defaults.values()
    assert TrainerSettings() == TrainerSettings(33, 64, "adam", 0.003)
    neutral = {
        "decay_norms": True,
        "warmup": 0.0,
        "accumulate": 1,
        "clip": None,
        "weight_decay": 0.0,
    }
    assert {name: defaults[name] for name in neutral} == neutral


@pytest.mark.parametrize(
    ("changes", "message"),
    [
        ({"warmup": -0.1}, r"trainer.warmup=-0.1 is outside \[0, 1\)"),
        ({"warmup": 1.0}, r"trainer.warmup=1.0 is outside \[0, 1\)"),
        ({"warmup": float("nan")}, r"trainer.warmup=nan is outside \[0, 1\)"),
        ({"accumulate": 0}, "trainer.accumulate=0 is below 1"),
        ({"clip": 0.0}, "trainer.clip=0.0 is not above 0"),
        ({"clip": float("nan")}, "trainer.clip=nan is not above 0"),
    ],
)
def test_values_out_of_range_are_one_line(changes: dict[str, Any], message: str) -> None:
    with pytest.raises(ConfigError, match=message) as refused:
        TrainerSettings(**changes)
    assert "\n" not in str(refused.value)


def test_a_schedule_that_does_not_exist_is_refused_with_the_choices() -> None:
    with pytest.raises(ConfigError, match=r"trainer.schedule='step' is unknown: .*constant, cosine, linear"):
        construct(TrainerSettings, {"schedule": "step"}, "trainer")


def rates(steps: int, epochs: int, **trainer: Any) -> list[float]:
    """Factors of the learning rate at every step of a training, written as the learner asks for them."""
    settings = TrainerSettings(**trainer)
    out = []
    for epoch in range(epochs):
        for k in range(steps):
            place = turn((0,), (0, 1), (k, steps), settings.accumulate)
            if place.closes:
                out.append(settings.lr_factor(epoch, epochs, place.begin, place.end))
    return out


def test_schedules_by_hand() -> None:
    assert rates(2, 2, schedule="constant") == [1, 1, 1, 1]
    assert rates(2, 2, schedule="cosine") == pytest.approx([1, 1, 0.5, 0.5])
    assert rates(2, 2, schedule="linear") == [1, 0.75, 0.5, 0.25]
    assert rates(4, 2, schedule="constant", warmup=0.5) == [0.25, 0.5, 0.75, 1, 1, 1, 1, 1]
    assert rates(4, 2, schedule="linear", warmup=0.5) == [0.25, 0.5, 0.75, 1, 1, 0.75, 0.5, 0.25]
    assert rates(4, 2, schedule="cosine", warmup=0.25) == pytest.approx([0.5, 1, 1, 1, 0.5, 0.5, 0.5, 0.5])
    assert rates(1, 5, schedule="constant", warmup=0.3) == pytest.approx([2 / 3, 1, 1, 1, 1])  # 1.5 epochs


def test_steps_of_several_batches_have_the_rates_of_steps_of_one_large_batch() -> None:
    for batches, steps in ((6, 2), (7, 3)):  # the last group of seven is one of one batch
        large = rates(steps, 2, schedule="linear", warmup=0.3)
        assert rates(batches, 2, schedule="linear", warmup=0.3, accumulate=3) == large
        assert large[-1] > 0


def grouped(network: Network, optimizer: Optimizer) -> list[tuple[set[str], float, float]]:
    """Names, learning rate and weight decay of the groups of an optimizer."""
    names = {id(parameter): name for name, parameter in network.named_parameters()}
    return [({names.get(id(p), "further") for p in group["params"]}, group["lr"], group["weight_decay"]) for group in optimizer.param_groups]


WEIGHTS, VECTORS = (
    {"encoder.0.weight", "head.weight"},
    {"encoder.0.bias", "encoder.1.weight", "encoder.1.bias", "head.bias"},
)


@pytest.mark.parametrize("optimizer", ["sgd", "adam", "adamw"])
def test_norms_and_biases_can_go_without_decay(optimizer: Any) -> None:
    network = Tower()
    everything = TrainerSettings(optimizer=optimizer, lr=0.1, weight_decay=0.5)
    assert grouped(network, everything.make_optimizer(network.parameters())) == [(WEIGHTS | VECTORS, 0.1, 0.5)]
    without = dataclasses.replace(everything, decay_norms=False)
    assert grouped(network, without.make_optimizer(network.parameters())) == [
        (WEIGHTS, 0.1, 0.5),
        (VECTORS, 0.1, 0.0),
    ]


def test_decay_acts_on_matrices_alone() -> None:
    network = Tower()
    optimizer = TrainerSettings(optimizer="sgd", lr=0.1, weight_decay=0.5, momentum=0.0, decay_norms=False).make_optimizer(network.parameters())
    before = {name: p.detach().clone() for name, p in network.named_parameters()}
    for p in network.parameters():
        p.grad = torch.zeros_like(p)
    optimizer.step()
    for name, p in network.named_parameters():
        torch.testing.assert_close(p.detach(), before[name] * (0.95 if name in WEIGHTS else 1))


def test_the_decay_of_a_sum_is_scaled_where_it_is_part_of_the_gradient() -> None:
    weight = [nn.Parameter(torch.ones(2, 2))]
    scaled = {
        kind: TrainerSettings(optimizer=kind, weight_decay=0.25).make_optimizer(weight, decay_scale=8.0).param_groups[0]["weight_decay"]
        for kind in ("sgd", "adam", "adamw")
    }
    assert scaled == {"sgd": 2.0, "adam": 2.0, "adamw": 0.25}


@pytest.mark.parametrize("kind", ["sgd", "adam"])
def test_a_sum_with_scaled_decay_goes_the_way_of_a_mean(kind: Any) -> None:
    """SGD at an eighth of the rate, Adam at the same rate: the weights agree after ten steps."""
    x = torch.randn(8, 3, generator=torch.Generator().manual_seed(0))
    ends = []
    for scale, rate in ((1.0, 0.1), (8.0, 0.1 / 8 if kind == "sgd" else 0.1)):
        weight = nn.Parameter(torch.ones(3))
        optimizer = TrainerSettings(optimizer=kind, lr=rate, weight_decay=0.5).make_optimizer([weight], decay_scale=scale)
        for _ in range(10):
            optimizer.zero_grad()
            (scale * ((x @ weight - 1) ** 2).mean()).backward()
            optimizer.step()
        ends.append(weight.detach())
    torch.testing.assert_close(ends[0], ends[1], rtol=1e-5, atol=1e-6)


def test_an_encoder_has_a_rate_of_its_own() -> None:
    further = [nn.Parameter(torch.zeros(3, 3))]
    settings = TrainerSettings(lr=0.1, weight_decay=0.5, decay_norms=False)
    assert len(settings.make_optimizer(parameter_groups(Tower(), further)).param_groups) == 2
    network = Tower(lr_scale=0.25)
    assert grouped(network, settings.make_optimizer(parameter_groups(network, further))) == [
        ({"encoder.0.weight"}, 0.025, 0.5),
        ({"encoder.0.bias", "encoder.1.weight", "encoder.1.bias"}, 0.025, 0.0),
        ({"head.weight", "further"}, 0.1, 0.5),
        ({"head.bias"}, 0.1, 0.0),
    ]


def test_without_groups_a_step_is_a_step() -> None:
    assert type(ActiveOptimizers([], [], None).batch(Fixed(1), closes=True)).__name__ == "nullcontext"  # type: ignore[arg-type]


def test_the_base_of_all_trainers_holds_the_neutral_values_and_is_no_trainer() -> None:
    base = OmegaConf.to_container(OmegaConf.load(CONF / "trainer" / "_base.yaml"))
    assert base == {field.name: field.default for field in dataclasses.fields(TrainerSettings)}
    assert "_base" not in names("trainer")
    assert {"smoke", "quick", "full", "gpu", "finetune"} <= set(names("trainer"))


def test_trainers_say_what_differs_from_their_base() -> None:
    base = dataclasses.asdict(TrainerSettings())
    small = {"epochs": 1, "batch_size": 128, "schedule": "constant"}
    assert option("trainer", "smoke") == base | small
    assert option("trainer", "quick") == base | {"schedule": "constant"}
    papers = {"epochs": 150, "batch_size": 128, "optimizer": "sgd", "lr": 0.02, "weight_decay": 5e-4, "augment": "crop_flip"}
    assert option("trainer", "full") == base | papers
    assert option("trainer", "gpu") == base | papers | {"precision": "bf16-mixed", "channels_last": True, "accelerator": "gpu"}
    for name in names("trainer"):
        assert construct(TrainerSettings, option("trainer", name), "trainer") is not None
