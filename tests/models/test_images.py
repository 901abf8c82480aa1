"""Networks for images: the known ones have their published sizes; precision and memory layout are the trainer's, not the model's."""

from __future__ import annotations

import pytest
import torch
from support.networks import SMALL
from support.tiny import make_conditions
from torch import nn

from benchmark.config.build import build, load
from benchmark.core.errors import ConfigError
from benchmark.data.parts import Part, as_numbers
from benchmark.data.problems import Multiclass
from benchmark.data.splits import TrainingData
from benchmark.methods.step import Batch, Passes, Step
from benchmark.models.base import InputShape, Network
from benchmark.training.recipe import Recipe
from benchmark.training.trainer import TrainerSettings

CIFAR = InputShape((3, 32, 32), torch.uint8)


# Weights of the networks as papers and their code give them, for ten classes: 0.08, 4.4, 21.3, 11.2 and 36.5 million.
PUBLISHED = {"resnet8": 78_042, "cnn9": 4_434_570, "resnet34": 21_282_122, "preact_resnet18": 11_172_170, "wide_resnet28_10": 36_479_194}


FEATURES = {"cnn3": 256, "resnet8": 64, "cnn9": 128, "resnet34": 512, "preact_resnet18": 512, "wide_resnet28_10": 640}


def on_paper(name: str) -> Network:
    """The network without memory for its weights."""
    with torch.device("meta"):
        made: Network = build(load("model", name), "model", inputs=CIFAR, outputs=10)
    return made


@pytest.mark.parametrize(("name", "count"), PUBLISHED.items())
def test_known_networks_have_their_known_number_of_weights(name: str, count: int) -> None:
    assert sum(p.numel() for p in on_paper(name).parameters()) == count


@pytest.mark.parametrize(("name", "width"), FEATURES.items())
def test_features_of_cifar_images(name: str, width: int) -> None:
    network = on_paper(name)
    features = network.encode(torch.zeros(2, 3, 32, 32, device="meta"))
    assert features.shape == (2, width)
    assert network.head(features).shape == (2, 10)


@pytest.mark.parametrize(
    ("name", "convolutions"), [("cnn3", 3), ("cnn9", 9), ("resnet8", 7), ("preact_resnet18", 17), ("wide_resnet28_10", 25), ("resnet34", 33)]
)
def test_depth_is_that_of_the_name(name: str, convolutions: int) -> None:
    """Convolutions on the main path and the head; projections of shortcuts do not count."""
    wide = [m for m in on_paper(name).modules() if isinstance(m, nn.Conv2d) and m.kernel_size == (3, 3)]
    assert len(wide) == convolutions


@pytest.mark.parametrize("name", FEATURES)
def test_state_goes_into_another_network_and_gives_the_same_output(name: str) -> None:
    shape = InputShape((3, 28, 28), torch.uint8)
    first, second = (build(load("model", name, **SMALL.get(name, {})), "model", inputs=shape, outputs=10).eval() for _ in range(2))
    x = torch.rand(3, 3, 28, 28)
    assert not torch.equal(first(x), second(x))
    second.load_state_dict(first.state_dict())
    assert torch.equal(first(x), second(x))


def recipe(name: str, **trainer: object) -> Recipe:
    settings = TrainerSettings(**({"epochs": 1, "batch_size": 8, "optimizer": "adam", "lr": 0.01} | trainer))  # type: ignore[arg-type]
    return Recipe(load("model", name, **SMALL.get(name, {})), InputShape((3, 16, 16), torch.uint8), settings, 0)


def step_of(networks: list[Network], x: torch.Tensor) -> Step:
    return Step(networks, Multiclass(list("abc")), Batch([x], torch.arange(len(x)), None, None), Passes.zeros(len(networks)))


@pytest.mark.parametrize("name", ["cnn3", "resnet8", "preact_resnet18"])
def test_precision_and_layout_change_nothing_but_rounding(name: str) -> None:
    """The same weights in channels_last give the same features; in bf16 they differ by its rounding, and what a method sees is float32."""
    problem, x = Multiclass(list("abc")), torch.rand(6, 3, 16, 16)
    plain, last, low = (recipe(name, **options).networks(problem, 1) for options in ({}, {"channels_last": True}, {"precision": "bf16-mixed"}))
    features = [step_of(networks, x).encode() for networks in (plain, last, low)]
    for a, b in zip(plain[0].parameters(), low[0].parameters(), strict=True):
        assert torch.equal(a, b)
    assert next(p for p in last[0].parameters() if p.dim() == 4).is_contiguous(memory_format=torch.channels_last)
    torch.testing.assert_close(features[1], features[0], rtol=1e-4, atol=1e-5)
    torch.testing.assert_close(features[2], features[0], rtol=0.05, atol=0.03)
    assert not torch.equal(features[2], features[0])
    assert features[2].dtype == step_of(low, x).forward().dtype == torch.float32


def test_gradients_in_bf16_point_where_those_in_float32_do() -> None:
    x, y = torch.rand(32, 3, 16, 16), torch.arange(32) % 3
    gradients = []
    for precision in ("32-true", "bf16-mixed"):
        networks = recipe("resnet8", precision=precision, channels_last=precision != "32-true").networks(Multiclass(list("abc")), 1)
        nn.functional.cross_entropy(step_of(networks, x).forward(), y).backward()
        parameters = list(networks[0].parameters())
        assert all(p.grad is not None and p.grad.dtype == p.dtype == torch.float32 for p in parameters)
        gradients.append(torch.cat([p.grad.flatten() for p in parameters if p.grad is not None]))
    assert float(nn.functional.cosine_similarity(*gradients, dim=0)) > 0.98


def test_a_method_sees_float32_whatever_the_precision() -> None:
    conditions = make_conditions("multiclass", precision="bf16-mixed")
    networks = conditions.recipe.networks(conditions.data.problem, 1)
    assert networks[0].precision == torch.bfloat16
    assert step_of(networks, conditions.data.train.x[:4]).units().output.dtype == torch.float32


def test_images_stay_bytes_and_are_shared() -> None:
    pool = torch.randint(0, 256, (10, 3, 4, 4), dtype=torch.uint8)
    at = torch.tensor([7, 2, 5])
    part = Part(pool, torch.arange(3)[:, None], torch.ones(3, 1, dtype=torch.bool), at)
    assert len(part) == 3
    assert torch.equal(part.x, pool[at])
    x, value, live = part.rows(torch.tensor([2, 0]))
    assert live is None
    assert value.flatten().tolist() == [2, 0]
    torch.testing.assert_close(x, pool[[5, 7]].float() / 255)
    some = part.take(torch.tensor([1]))
    assert some.pool is pool
    assert torch.equal(some.x, pool[[2]])
    data = TrainingData(Multiclass(list("abc")), part, some).to(torch.device("cpu"))
    assert data.train.pool is data.val.pool is pool
    assert as_numbers(at) is at


def test_a_run_takes_a_device_that_is_there() -> None:
    assert TrainerSettings(1, 8, "adam", 0.1).device == torch.device("cpu")
    if not torch.accelerator.is_available():
        with pytest.raises(ConfigError, match="shows torch no GPU"):
            _ = TrainerSettings(1, 8, "adam", 0.1, accelerator="gpu").device
