"""The linear chain against the enumeration of all sequences, and the tagger that trains by it."""

from __future__ import annotations

import itertools
from collections.abc import Iterator

import pytest
import torch
from support.models import inputs, made
from torch import Tensor
from torch.nn import functional as F  # noqa: N812

from benchmark.models.crf import BiLSTMCRF, LinearChain


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
