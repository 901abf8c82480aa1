"""Every backbone of conf/model on the inputs it reads, and the CRF against the enumeration of all tag sequences."""

from __future__ import annotations

import pytest
import torch
from support.models import BATCH, INPUTS, OUTPUTS, inputs, made
from support.tiny import make_conditions
from torch import nn

from benchmark.config.build import option, resolve_target
from benchmark.config.registry import names

MODELS, FETCHED = names("model"), {"pretrained", "transformer", "minilm"}  # these read weights from elsewhere, and have tests of their own
PAIRS = [(name, kind) for name in MODELS for kind in INPUTS if kind in resolve_target(option("model", name), "model").inputs and name not in FETCHED]


def test_every_kind_of_input_has_a_model() -> None:
    assert {kind for _, kind in PAIRS} == set(INPUTS)
    assert {name for name, _ in PAIRS} == set(MODELS) - FETCHED  # which needs a library of its own: test_encoders.py


@pytest.mark.parametrize(("name", "kind"), PAIRS)
def test_output_has_the_shape_of_the_units_and_is_finite(name: str, kind: str) -> None:
    network, x = made(name, kind), inputs(kind, name=name)
    output = network(x)
    assert output.shape == ((BATCH, x.shape[1], OUTPUTS) if kind == "tokens" else (BATCH, OUTPUTS))
    assert output.dtype == torch.float32
    assert bool(output.isfinite().all())
    assert network(x[:1]).shape[0] == 1


@pytest.mark.parametrize(("name", "kind"), PAIRS)
def test_it_is_an_encoder_and_a_linear_head(name: str, kind: str) -> None:
    network, x = made(name, kind), inputs(kind, name=name)
    features = network.encode(x)
    assert isinstance(network.head, nn.Linear)
    assert features.shape[-1] == network.head.in_features
    whole = features.mean(1) if network.places else features
    assert whole.shape[:-1] == network(x).shape[:-1]
    torch.testing.assert_close(network.finish(network.head(features), x), network(x))


@pytest.mark.parametrize(("name", "kind"), PAIRS)
def test_every_parameter_learns(name: str, kind: str) -> None:
    network, x = made(name, kind), inputs(kind, name=name)
    weight = torch.randn(OUTPUTS, generator=torch.Generator().manual_seed(2))
    (network(x) * weight).square().sum().backward()
    for parameter_name, parameter in network.named_parameters():
        assert parameter.grad is not None, parameter_name
        assert bool(parameter.grad.isfinite().all()), parameter_name
        assert bool(parameter.grad.any()), parameter_name


@pytest.mark.parametrize(("name", "kind"), PAIRS)
def test_examples_do_not_see_each_other(name: str, kind: str) -> None:
    network, x = made(name, kind).eval(), inputs(kind, name=name)
    order = torch.tensor([2, 0, 3, 1])
    torch.testing.assert_close(network(x[order]), network(x)[order])
    torch.testing.assert_close(network(x[:2]), network(x)[:2])


@pytest.mark.parametrize(("name", "kind"), PAIRS)
def test_global_generator_gives_the_weights_and_nothing_later(name: str, kind: str) -> None:
    first, second = made(name, kind), made(name, kind)
    assert all(torch.equal(a, b) for a, b in zip(first.parameters(), second.parameters(), strict=True))
    before = torch.get_rng_state()
    first(inputs(kind, name=name))
    assert torch.equal(before, torch.get_rng_state())


@pytest.mark.parametrize(("name", "kind"), [pair for pair in PAIRS if "dropout" in option("model", pair[0])])
def test_dropout_is_random_in_training_and_silent_in_evaluation(name: str, kind: str) -> None:
    network, x = made(name, kind, dropout=0.5), inputs(kind, name=name)
    with torch.random.fork_rng(devices=[]):
        assert not torch.equal(network(x), network(x))
    network.eval()
    assert torch.equal(network(x), network(x))


@pytest.mark.parametrize("name", ["mlp", "bilstm"])
def test_networks_of_a_cell_start_alike_whatever_the_method(name: str) -> None:
    """The first network of a method with two is that of a method with one."""
    conditions = make_conditions("tagging" if name == "bilstm" else "multiclass")
    one, two = (conditions.recipe.networks(conditions.data.problem, count) for count in (1, 2))
    for a, b, c in zip(one[0].parameters(), two[0].parameters(), two[1].parameters(), strict=True):
        assert torch.equal(a, b)
        assert a.dim() < 2 or not torch.equal(b, c)


TOKEN_MODELS = [name for name, kind in PAIRS if kind == "tokens"]


@pytest.mark.parametrize("name", TOKEN_MODELS)
def test_padding_does_not_change_a_sentence(name: str) -> None:
    """The same sentence alone, and behind padding beside a longer one."""
    network, x = made(name, "tokens").eval(), inputs("tokens")
    together = network(x)
    for row in range(BATCH):
        length = int((x[row, :, 0] > 0).sum())
        alone = network(x[row : row + 1, :length])
        torch.testing.assert_close(alone[0], together[row, :length], rtol=1e-4, atol=1e-5)
        for extra in (1, 4):
            padded = torch.cat([x[row : row + 1, :length], torch.zeros(1, extra, 2, dtype=torch.int64)], dim=1)
            torch.testing.assert_close(network(padded)[0, :length], alone[0], rtol=1e-4, atol=1e-5)


@pytest.mark.parametrize("name", TOKEN_MODELS)
def test_every_token_sees_the_whole_sentence(name: str) -> None:
    network, x = made(name, "tokens").eval(), inputs("tokens")[:1]
    before = network.encode(x)
    for at in (0, 4, 8):
        other = x.clone()
        other[0, at, 0] = x[0, at, 0] % 11 + 1
        changed = (network.encode(other) - before).abs().amax(-1)[0]
        assert bool((changed > 0).all())
