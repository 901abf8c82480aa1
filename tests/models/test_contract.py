"""Every backbone of conf/model on the inputs it reads, and the CRF against the enumeration of all tag sequences."""

from __future__ import annotations

import itertools
from collections.abc import Iterator
from typing import Any

import pytest
import torch
from support.networks import SMALL
from support.tiny import make_conditions
from torch import Tensor, nn
from torch.nn import functional as F  # noqa: N812

from benchmark.config.build import build, load, option, resolve_target
from benchmark.config.registry import names
from benchmark.models.base import InputShape, Network
from benchmark.models.crf import BiLSTMCRF, LinearChain

MODELS, FETCHED = names("model"), {"pretrained", "transformer", "minilm"}  # these read weights from elsewhere, and have tests of their own
INPUTS = {"vector": InputShape((6,), torch.float32), "image": InputShape((2, 9, 10), torch.float32), "tokens": InputShape((9, 2), torch.int64, (12, 5))}
LARGER = {"cnn9": InputShape((2, 32, 33), torch.float32)}  # it reads no smaller ones
PAIRS = [(name, kind) for name in MODELS for kind in INPUTS if kind in resolve_target(option("model", name), "model").inputs and name not in FETCHED]
OUTPUTS, BATCH = 3, 4


def shape_of(name: str, kind: str) -> InputShape:
    return LARGER.get(name, INPUTS[kind])


def made(name: str, kind: str, **options: Any) -> Network:
    with torch.random.fork_rng(devices=[]):
        torch.manual_seed(0)
        network: Network = build(load("model", name, **(SMALL.get(name, {}) | options)), "model", inputs=shape_of(name, kind), outputs=OUTPUTS)
        for parameter in network.parameters():
            if float(parameter.detach().abs().max()) == 0:  # a chain starts at zero; a test of it does not
                nn.init.normal_(parameter)
    return network


def inputs(kind: str, size: int = BATCH, name: str = "") -> Tensor:
    """Random inputs; sentences of lengths 9, 6, 3, ... with id 0 behind their end."""
    rng = torch.Generator().manual_seed(1)
    shape = shape_of(name, kind)
    if kind != "tokens":
        return torch.randn(size, *shape.shape, generator=rng)
    x = torch.stack([torch.randint(1, n, (size, shape.shape[0]), generator=rng) for n in shape.vocabulary], dim=2)
    for row in range(size):
        x[row, max(1, shape.shape[0] - 3 * row) :] = 0
    return x


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


@pytest.mark.parametrize("shape", [(1, 8, 8), (3, 7, 5), (1, 1, 1)])
def test_cnn_takes_images_of_odd_sizes(shape: tuple[int, int, int]) -> None:
    network = build(load("model", "cnn", channels=[2, 3], hidden=4), "model", inputs=InputShape(shape, torch.float32), outputs=OUTPUTS)
    assert network(torch.zeros(2, *shape)).shape == (2, OUTPUTS)


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


def chain_case(dtype: torch.dtype = torch.float64) -> tuple[LinearChain, Tensor, Tensor]:
    """Random scores of 3 tags; sentences of 4, 3, 2 and 1 tokens, and garbage behind their ends."""
    rng = torch.Generator().manual_seed(3)
    chain = LinearChain(3).to(dtype)
    for parameter in chain.parameters():
        parameter.data = torch.randn(parameter.shape, generator=rng, dtype=dtype)
    emission = 2 * torch.randn(4, 4, 3, generator=rng, dtype=dtype)
    mask = torch.arange(4) < torch.tensor([4, 3, 2, 1])[:, None]
    return chain, torch.where(mask[..., None], emission, 50.0), mask


def enumerated(chain: LinearChain, emission: Tensor, length: int) -> Iterator[tuple[tuple[int, ...], Tensor]]:
    """Every tag sequence of one sentence (L, K) with its score."""
    for tags in itertools.product(range(emission.shape[1]), repeat=length):
        score = chain.start[tags[0]] + chain.end[tags[-1]]
        for t, tag in enumerate(tags):
            score = score + emission[t, tag] + (chain.transition[tags[t - 1], tag] if t else 0)
        yield tags, score


def test_partition_is_the_sum_over_all_sequences() -> None:
    chain, emission, mask = chain_case()
    found = chain.partition(emission, mask)
    for row, length in enumerate(mask.sum(1).tolist()):
        scores = torch.stack([score for _, score in enumerated(chain, emission[row], length)])
        torch.testing.assert_close(found[row], scores.logsumexp(0))


def test_marginals_are_those_of_the_enumeration() -> None:
    chain, emission, mask = chain_case()
    found = chain.marginals(emission, mask)
    assert bool((found[~mask] == 0).all())
    torch.testing.assert_close(found[mask].exp().sum(1), torch.ones(int(mask.sum()), dtype=torch.float64))
    for row, length in enumerate(mask.sum(1).tolist()):
        every = list(enumerated(chain, emission[row], length))
        chance = torch.stack([score for _, score in every]).softmax(0)
        for t in range(length):
            for k in range(3):
                expected = sum(p for p, (tags, _) in zip(chance, every, strict=True) if tags[t] == k)
                torch.testing.assert_close(found[row, t, k].exp(), torch.as_tensor(expected))


def test_viterbi_finds_the_best_sequence() -> None:
    chain, emission, mask = chain_case()
    for seed in range(20):
        emission = torch.where(mask[..., None], torch.randn(4, 4, 3, generator=torch.Generator().manual_seed(seed), dtype=torch.float64), emission)
        path = chain.viterbi(emission, mask)
        for row, length in enumerate(mask.sum(1).tolist()):
            best = max(enumerated(chain, emission[row], length), key=lambda pair: float(pair[1].detach()))[0]
            assert tuple(path[row, :length].tolist()) == best


def test_score_of_every_sequence_is_the_enumerated_one() -> None:
    chain, emission, mask = chain_case()
    for row, length in enumerate(mask.sum(1).tolist()):
        for tags, score in enumerated(chain, emission[row], length):
            padded = torch.tensor([[*tags, *[-1] * (4 - length)]])  # padding is labelled -1
            torch.testing.assert_close(chain.score(emission[row : row + 1], padded, mask[row : row + 1])[0], score)


def test_chances_of_all_sequences_sum_to_one() -> None:
    chain, emission, mask = chain_case()
    total = [
        torch.stack(
            [
                chain.score(emission[row : row + 1], torch.tensor([[*tags, *[0] * (4 - n)]]), mask[row : row + 1])[0]
                for tags, _ in enumerated(chain, emission[row], n)
            ]
        )
        for row, n in enumerate(mask.sum(1).tolist())
    ]
    torch.testing.assert_close(torch.stack([scores.logsumexp(0) for scores in total]), chain.partition(emission, mask))


def test_gradient_of_the_partition_is_the_marginal() -> None:
    """d log Z / d emission[t, k] = P(y_t = k): two derivations of the same number."""
    chain, emission, mask = chain_case()
    emission.requires_grad_()
    chain.partition(emission, mask).sum().backward()
    assert emission.grad is not None
    torch.testing.assert_close(emission.grad, torch.where(mask[..., None], chain.marginals(emission, mask).exp(), 0.0).detach())


def test_a_chain_without_transitions_is_a_softmax_per_token() -> None:
    chain, emission, mask = LinearChain(3).double(), *chain_case()[1:]
    torch.testing.assert_close(chain.marginals(emission, mask)[mask], emission[mask].log_softmax(-1))
    assert torch.equal(chain.viterbi(emission, mask)[mask], emission.argmax(-1)[mask])


@pytest.mark.parametrize("large", [1e3, 1e4])
def test_the_chain_survives_extreme_scores(large: float) -> None:
    chain, emission, mask = chain_case(torch.float32)
    emission = (large * emission.sign()).requires_grad_()
    marginals, partition = chain.marginals(emission, mask), chain.partition(emission, mask)
    (marginals.sum() + partition.sum()).backward()
    assert emission.grad is not None
    assert all(bool(value.isfinite().all()) for value in (marginals, partition, emission.grad))


def crf() -> tuple[BiLSTMCRF, Tensor, Tensor]:
    """A double precision network, sentences of 4 and 2 tokens, and tags with -1 as padding."""
    network = made("bilstm_crf", "tokens").double()
    assert isinstance(network, BiLSTMCRF)
    x = inputs("tokens", 2)[:, :4].clone()
    x[1, 2:] = 0
    return network, x, torch.tensor([[0, 2, 1, 1], [2, 0, -1, -1]])


def test_output_of_the_network_is_the_log_marginal_of_its_emissions() -> None:
    network, x, _ = crf()
    mask = x[..., 0] > 0
    output = network(x)
    torch.testing.assert_close(output, network.chain.marginals(network.head(network.encode(x)), mask))
    torch.testing.assert_close(output[mask].exp().sum(-1), torch.ones(6, dtype=torch.float64))
    torch.testing.assert_close(output[mask].log_softmax(-1), output[mask])  # cross entropy on it is the marginal likelihood


def test_sequence_loss_is_the_negative_log_likelihood_per_token() -> None:
    network, x, target = crf()
    scores = network.head(network.encode(x))
    total = torch.zeros((), dtype=torch.float64)
    for row, length in enumerate((4, 2)):
        every = dict(enumerated(network.chain, scores[row], length))
        total = total + torch.stack(list(every.values())).logsumexp(0) - every[tuple(target[row, :length].tolist())]
    torch.testing.assert_close(network.sequence_loss(scores, x, target), total / 6)


def test_decode_is_viterbi_on_the_emissions() -> None:
    network, x, _ = crf()
    scores = network.head(network.encode(x))
    path = network.decode(scores, x)
    for row, length in enumerate((4, 2)):
        best = max(enumerated(network.chain, scores[row], length), key=lambda pair: float(pair[1].detach()))[0]
        assert tuple(path[row, :length].tolist()) == best


def test_training_by_sequences_learns_what_only_transitions_tell() -> None:
    """Words say nothing; tag 1 always follows tag 0: the chain learns the alternation that a softmax per token cannot."""
    chain = LinearChain(2)
    emission, mask = torch.zeros(8, 6, 2), torch.ones(8, 6, dtype=torch.bool)
    tags = torch.tensor([[0, 1] * 3, [1, 0] * 3] * 4)
    optimizer = torch.optim.Adam(chain.parameters(), lr=0.2)
    for _ in range(60):
        optimizer.zero_grad()
        loss = (chain.partition(emission, mask) - chain.score(emission, tags, mask)).mean()
        loss.backward()
        optimizer.step()
    assert float(loss.detach()) < 0.8  # two equally likely sequences: log 2 = .693 at best, 6 log 2 without transitions
    hint = F.one_hot(torch.tensor([1]), 2).float()
    path = chain.viterbi(torch.cat([hint, torch.zeros(5, 2)])[None], torch.ones(1, 6, dtype=torch.bool))
    assert path[0].tolist() == [1, 0, 1, 0, 1, 0]
