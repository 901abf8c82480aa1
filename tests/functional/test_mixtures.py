"""Mixtures, divergences, semi-supervised targets and candidate sets against formulas written once more in numpy or scipy."""

from __future__ import annotations

import math

import numpy as np
import pytest
import torch
from scipy import stats
from torch import Tensor

from benchmark import functional
from benchmark.functional.mixtures import beta_density

RNG = np.random.default_rng(8)
A, B = 2 * RNG.normal(size=(6, 4)), 2 * RNG.normal(size=(6, 4))
P, Q = RNG.dirichlet(np.ones(4), 6), RNG.dirichlet(np.ones(4), 6)


def softmax(z: np.ndarray) -> np.ndarray:
    e = np.exp(z - z.max(1, keepdims=True))
    return e / e.sum(1, keepdims=True)


def kl(p: np.ndarray, q: np.ndarray) -> np.ndarray:
    return np.array([sum(a * math.log(a / b) for a, b in zip(x, y, strict=True) if a > 0) for x, y in zip(p, q, strict=True)])


def tensor(x: np.ndarray) -> Tensor:
    return torch.from_numpy(np.array(x))


def test_beta_density_is_scipys() -> None:
    x = np.linspace(0.01, 0.99, 17)
    found = beta_density(x, np.array([1.0, 3.5]), np.array([2.0, 0.7]))
    np.testing.assert_allclose(found, [stats.beta.pdf(x, 1, 2), stats.beta.pdf(x, 3.5, 0.7)])


def test_one_em_step_is_the_weighted_method_of_moments() -> None:
    x = RNG.uniform(0.05, 0.95, 40)
    r = np.array([stats.beta.pdf(x, 1, 2), stats.beta.pdf(x, 2, 1)])
    r /= r.sum(0)
    for component, (alpha, beta, weight) in enumerate(zip(*functional.fit_beta_components(x, 1), strict=True)):
        m = np.average(x, weights=r[component])
        s2 = np.average((x - m) ** 2, weights=r[component])
        assert alpha == pytest.approx(m * (m * (1 - m) / s2 - 1))
        assert beta == pytest.approx(alpha * (1 - m) / m)
        assert weight == pytest.approx(r[component].mean())


def test_em_finds_the_mixture_that_made_the_data() -> None:
    x = np.r_[RNG.beta(2, 20, 6000), RNG.beta(12, 3, 4000)]
    alpha, beta, weight = functional.fit_beta_components(x)
    np.testing.assert_allclose(alpha / (alpha + beta), [2 / 22, 12 / 15], atol=0.02)
    np.testing.assert_allclose(weight, [0.6, 0.4], atol=0.02)


def test_posterior_table_rises_to_its_top_and_stays() -> None:
    mixture = functional.beta_mixture(np.r_[RNG.exponential(0.5, 700), RNG.normal(3, 0.6, 300)])
    assert mixture is not None
    table = mixture.table()
    assert table.min() >= 0
    assert table.max() <= 1
    top = table.argmax()
    assert (table[top:] == table[top]).all()
    assert table[5] < 0.1
    assert table[95] > 0.9
    x = np.linspace(1e-12, 1 - 1e-12, 100)
    density = mixture.weight[:, None] * [stats.beta.pdf(x, a, b) for a, b in zip(mixture.alpha, mixture.beta, strict=True)]
    np.testing.assert_allclose(table[1:top], (density[1] / (density.sum(0) + 1e-12))[1:top])


def test_outliers_do_not_move_the_beta_mixture() -> None:
    loss = np.r_[RNG.gamma(2, 0.1, 700), RNG.normal(3, 0.4, 300)]
    plain, wild = functional.beta_mixture(loss), functional.beta_mixture(np.where(loss > np.percentile(loss, 96), 1e6, loss))
    assert plain is not None
    assert wild is not None
    assert wild.high == pytest.approx(plain.high)
    np.testing.assert_allclose(wild.alpha, plain.alpha)


@pytest.mark.parametrize("loss", [np.full(20, 0.7), np.array([4.2]), np.empty(0)])
def test_equal_losses_have_no_beta_mixture(loss: np.ndarray) -> None:
    assert functional.beta_mixture(loss) is None


def test_look_up_takes_the_ends_for_what_lies_beyond() -> None:
    table = torch.linspace(0, 0.99, 100)
    found = functional.look_up(torch.tensor([-5.0, 1.5, 2.0, 70.0]), torch.tensor(1.0), torch.tensor(3.0), table)
    torch.testing.assert_close(found, torch.tensor([0.0, 0.25, 0.5, 0.99]))
    each = functional.look_up(torch.tensor([2.0, 2.0]), torch.tensor([1.0, 2.0]), torch.tensor([3.0, 4.0]), torch.stack([table, 1 - table]))
    torch.testing.assert_close(each, torch.tensor([0.5, 1.0]))


def test_divergences_equal_their_formulas() -> None:
    p, q = softmax(A), softmax(B)
    np.testing.assert_allclose(functional.kl_divergence(tensor(A), tensor(B)), kl(p, q))
    np.testing.assert_allclose(functional.symmetric_kl(tensor(A), tensor(B)), kl(p, q) + kl(q, p))
    np.testing.assert_allclose(functional.jensen_shannon(tensor(P), tensor(Q)), (kl(P, (P + Q) / 2) + kl(Q, (P + Q) / 2)) / 2)
    hot = np.eye(4)[[0, 1, 2, 3, 0, 1]]
    np.testing.assert_allclose(functional.jensen_shannon(tensor(P), tensor(hot)), (kl(P, (P + hot) / 2) + kl(hot, (P + hot) / 2)) / 2)


def test_jensen_shannon_is_bounded_and_symmetric() -> None:
    far = functional.jensen_shannon(torch.eye(3), torch.eye(3).roll(1, 0))
    torch.testing.assert_close(far, torch.full((3,), math.log(2)))
    torch.testing.assert_close(functional.jensen_shannon(tensor(P), tensor(Q)), functional.jensen_shannon(tensor(Q), tensor(P)))


def test_sharpening_ends_at_the_arg_max_and_at_itself() -> None:
    np.testing.assert_allclose(functional.sharpen(tensor(P), 0.5), P**2 / (P**2).sum(1, keepdims=True))
    np.testing.assert_allclose(functional.sharpen(tensor(P), 1.0), P)
    assert functional.sharpen(tensor(P), 0.01).round().equal(torch.nn.functional.one_hot(tensor(P).argmax(1), 4).double())


def test_refine_believes_labels_with_their_weight() -> None:
    w = RNG.random(6)
    np.testing.assert_allclose(functional.refine(tensor(P), tensor(Q), tensor(w)), w[:, None] * P + (1 - w)[:, None] * Q)
    torch.testing.assert_close(functional.refine(tensor(P), tensor(Q), torch.ones(6)), tensor(P))
    torch.testing.assert_close(functional.refine(tensor(P), tensor(Q), torch.zeros(6)), tensor(Q))


def test_mixed_targets_follow_their_partners() -> None:
    partner, lam = np.array([3, 3, 0, 1, 5, 4]), RNG.random(6)
    np.testing.assert_allclose(functional.mix_targets(tensor(P), tensor(partner), 0.7), 0.7 * P + 0.3 * P[partner])
    np.testing.assert_allclose(functional.mix_targets(tensor(P), tensor(partner), tensor(lam)), lam[:, None] * P + (1 - lam)[:, None] * P[partner])
    np.testing.assert_allclose(functional.co_guess([tensor(P), tensor(Q)]), (P + Q) / 2)


def test_uniform_penalty_is_kl_from_uniform_to_the_mean() -> None:
    mean = P.mean(0)
    assert float(functional.uniform_penalty(tensor(P))) == pytest.approx(sum(0.25 * math.log(0.25 / m) for m in mean))
    assert float(functional.uniform_penalty(torch.full((3, 4), 0.25))) == pytest.approx(0)


def test_negative_entropy_is_lowest_for_a_uniform_prediction() -> None:
    p = softmax(A)
    np.testing.assert_allclose(functional.negative_entropy(tensor(A)), (p * np.log(p)).sum(1))
    assert float(functional.negative_entropy(torch.zeros(1, 4))) == pytest.approx(-math.log(4))


def test_contrast_is_nt_xent() -> None:
    z = np.concatenate([A, B])
    z /= np.linalg.norm(z, axis=1, keepdims=True)
    s = np.exp(z @ z.T / 0.2)
    np.fill_diagonal(s, 0)
    other = np.r_[6:12, 0:6]
    assert float(functional.contrast(tensor(A), tensor(B), 0.2)) == pytest.approx(-np.log(s[np.arange(12), other] / s.sum(1)).mean())


@pytest.mark.parametrize("name", ["symmetric_kl", "kl_divergence", "contrast"])
def test_gradients_of_two_outputs_equal_differences(name: str) -> None:
    given = [tensor(A).requires_grad_(), tensor(B).requires_grad_()]
    assert torch.autograd.gradcheck(getattr(functional, name), given, fast_mode=True)


def test_soft_and_evaluated_losses() -> None:
    p, y = softmax(A), np.array([0, 1, 2, 3, 0, 1])
    np.testing.assert_allclose(functional.soft_loss(tensor(A), tensor(Q)), -(Q * np.log(p)).sum(1))
    np.testing.assert_allclose(functional.soft_loss(tensor(A[:, :1]), tensor(B[:, :1])), (A[:, 0] - B[:, 0]) ** 2)
    np.testing.assert_allclose(functional.prediction_loss(tensor(p), tensor(y)), -np.log(p[np.arange(6), y]))
    np.testing.assert_allclose(functional.prediction_loss(tensor(A[:, :1]), tensor(B[:, 0])), (A[:, 0] - B[:, 0]) ** 2)
    assert functional.prediction_loss(torch.zeros(1, 4), torch.tensor([-1])).isfinite().all()


def test_class_balanced_keeps_as_many_of_every_class() -> None:
    loss, target = RNG.random(60), np.r_[np.zeros(40), np.ones(15), np.full(5, 2)].astype(int)
    found = functional.class_balanced(tensor(loss), tensor(target), 0.5, 3).numpy()
    assert np.bincount(target[found]).tolist() == [10, 10, 5]
    for c in range(2):
        assert sorted(loss[(target == c) & found]) == sorted(loss[target == c])[:10]
    assert functional.class_balanced(torch.ones(4), torch.zeros(4, dtype=torch.long), 0.0, 2).sum() == 0


def test_candidates_begin_even_and_follow_the_prediction() -> None:
    sets = torch.tensor([[True, False, True, True], [False, True, False, False]])
    q = functional.uniform_confidence(sets)
    torch.testing.assert_close(q, torch.tensor([[1 / 3, 0, 1 / 3, 1 / 3], [0, 1, 0, 0]]))
    p = torch.tensor([[0.1, 0.5, 0.1, 0.3], [0.25, 0.25, 0.25, 0.25]])
    torch.testing.assert_close(functional.progressive_confidence(q, p), torch.tensor([[0.2, 0, 0.2, 0.6], [0, 1, 0, 0]]))
    torch.testing.assert_close(functional.progressive_confidence(q, torch.zeros(2, 4)), q)


def test_purify_compares_with_the_largest_of_the_set() -> None:
    """The ratio rule: .1 leaves at threshold .2 beside .6 (ratio .167), and stays beside .4 (ratio .25); a large class outside the set does not count."""
    mean = torch.tensor([[0.6, 0.1, 0.3], [0.4, 0.1, 0.5]])
    sets = torch.tensor([[True, True, False], [True, True, False]])
    assert functional.purify(mean, sets, 0.2).tolist() == [[True, False, False], [True, True, False]]
    assert functional.purify(mean, sets, 0.0).equal(sets)
    assert functional.purify(mean, sets, 1.0).sum(1).tolist() == [1, 1]
