"""x"""

from __future__ import annotations

import numpy as np
import pytest
import torch
from scipy import stats

from benchmark import functional
from benchmark.functional.mixtures import beta_density

RNG = np.random.default_rng(8)


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


def test_gaussian_posterior_tells_two_groups_of_losses_apart() -> None:
    rng = np.random.default_rng(0)
    low, high = rng.normal(0.2, 0.05, 300), rng.normal(3.0, 0.3, 100)
    posterior = functional.gaussian_posterior(np.concatenate([high, low]))
    assert posterior[:100].max() < 0.01
    assert posterior[100:].min() > 0.99
    turned = functional.gaussian_posterior(np.concatenate([low, high]) * 100 - 7)  # losses are normalised
    np.testing.assert_allclose(turned, np.concatenate([posterior[100:], posterior[:100]]), atol=1e-6)


@pytest.mark.parametrize("loss", [np.full(20, 0.7), np.zeros(3), np.array([4.2])])
def test_gaussian_posterior_of_equal_losses_is_one(loss: np.ndarray) -> None:
    assert functional.gaussian_posterior(loss).tolist() == [1.0] * len(loss)


def test_gaussian_posterior_is_a_probability_and_touches_no_global_generator() -> None:
    before = np.random.get_state()[1].copy()  # type: ignore[index]
    posterior = functional.gaussian_posterior(np.random.default_rng(1).gamma(2, size=200))
    assert posterior.min() >= 0
    assert posterior.max() <= 1
    assert np.array_equal(before, np.random.get_state()[1])  # type: ignore[index]
