"""What taggers believe of labels: agreement, weights, neighbours and chains, against numpy and enumeration."""

from __future__ import annotations

import itertools

import numpy as np
import torch
from support.formulas import softmax

from benchmark import functional


def test_agreement_is_a_mean_divergence() -> None:
    z = np.random.default_rng(0).normal(size=(3, 5, 4))
    p = softmax(z)
    q = p.mean(0)
    expected = (q * (np.log(q) - np.log(p))).sum(2).mean(0)
    np.testing.assert_allclose(functional.agreement(torch.from_numpy(z)).numpy(), expected)
    outputs = torch.from_numpy(z).requires_grad_()
    assert torch.autograd.gradcheck(functional.agreement, [outputs])


def test_squared_targets_sharpen_against_frequent_classes() -> None:
    p = softmax(np.random.default_rng(1).normal(size=(6, 3)))
    weight = p**2 / p.sum(0)
    np.testing.assert_allclose(functional.squared_targets(torch.from_numpy(p)).numpy(), weight / weight.sum(1, keepdims=True))
    same = torch.full((4, 2), 0.5)
    assert torch.equal(functional.squared_targets(same), same)


def test_labels_that_are_disbelieved_go_but_never_a_whole_class() -> None:
    p, label = torch.tensor([[0.9, 0.1]] * 4 + [[0.6, 0.4]] * 2), torch.tensor([0, 0, 0, 1, 1, 1])
    live = torch.ones(6, dtype=torch.bool)
    assert functional.believed(p, label, live, 0.7).tolist() == [True] * 6  # all of class 1 would go: it stays
    assert functional.believed(p, label, live, 0.3).tolist() == [True, True, True, False, True, True]
    live[4:] = False
    assert functional.believed(p, label, live, 0.3)[3]  # of the live ones all would go


def test_neighbors_by_sorting_all_cosines() -> None:
    rng = np.random.default_rng(2)
    x, kind, at = rng.normal(size=(40, 5)), rng.integers(0, 3, 40), rng.permutation(40)[:25]
    unit = x / np.linalg.norm(x, axis=1, keepdims=True)
    expected = []
    for i in range(40):
        others = [j for j in at if j != i]
        near = sorted(others, key=lambda j: -unit[i] @ unit[j])[:7]
        expected.append(np.mean([kind[j] == kind[i] for j in near]))
    features, kinds = torch.from_numpy(x), torch.from_numpy(kind)
    same = torch.from_numpy(np.arange(40)[:, None] == at)
    found = functional.neighbor_share(features, kinds, features[at], kinds[at], 7, same=same, chunk=16)
    np.testing.assert_allclose(found.numpy(), expected, atol=1e-6)
    weight = functional.class_weights(found, kinds, 6.0).numpy()
    for k in range(3):
        scaled = np.array(expected)[kind == k] / np.max(np.array(expected)[kind == k])
        own = 1 / (1 + np.exp(-6 * (scaled - scaled.mean())))
        np.testing.assert_allclose(weight[kind == k], own / own.max(), rtol=1e-4)


def test_chain_marginals_by_enumeration() -> None:
    rng = torch.Generator().manual_seed(0)
    score, transition = torch.randn(2, 4, 3, generator=rng), torch.randn(3, 3, generator=rng)
    live = torch.tensor([[True] * 4, [True, True, False, False]])
    found = functional.chain_marginals(score, transition, live)
    for row, length in ((0, 4), (1, 2)):
        expected, total = torch.zeros(length, 3), 0.0
        for path in itertools.product(range(3), repeat=length):
            value = sum(score[row, t, k] for t, k in enumerate(path)) + sum(transition[a, b] for a, b in itertools.pairwise(path))
            weight = float(torch.as_tensor(value).exp())
            total += weight
            for t, k in enumerate(path):
                expected[t, k] += weight
        torch.testing.assert_close(found[row, :length], expected / total)


def test_nearest_similarity_is_the_largest_of_all_pairs() -> None:
    rng = np.random.default_rng(5)
    x, banks = rng.normal(size=(6, 4)), [rng.normal(size=(n, 4)) for n in (3, 1, 7)]
    x, *banks = (a / np.linalg.norm(a, axis=1, keepdims=True) for a in (x, *banks))
    expected = [[max(-(((u - v) ** 2).sum()) for v in bank) for bank in banks] for u in x]
    found = functional.nearest_similarity(torch.from_numpy(x), [torch.from_numpy(bank) for bank in banks])
    np.testing.assert_allclose(found.numpy(), expected)


def test_colada_normalises_within_a_tag() -> None:
    """microsoft/vert-papers @f9932e5, slope 6: shares of neighbours, and weights by the tags O, B, I of the tokens."""
    share = torch.tensor([1.0, 0.8, 0.2, 0.5, 1.0, 0.6, 0.4])
    tag = torch.tensor([0, 0, 1, 1, 2, 2, 2])
    expected = torch.tensor([1.0, 0.5488, 0.1653, 1.0, 1.0, 0.4556, 0.1907])
    torch.testing.assert_close(functional.class_weights(share, tag, 6.0), expected, atol=1e-4, rtol=0)
