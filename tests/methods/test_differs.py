"""Where a method stays different from its released code, the deviation is the one that ``differs`` names: the released rule's value beside ours.

The released values are computed here from the rule as one reads it in the repository and commit that the class names, or were printed by that code.
"""

from __future__ import annotations

import math
from collections.abc import Mapping
from dataclasses import replace
from typing import Any

import numpy as np
import pytest
import torch
from sklearn.mixture import GaussianMixture
from support.tiny import make_conditions
from torch import Tensor, nn
from torch.nn import functional as F  # noqa: N812

from benchmark import functional
from benchmark.config.build import build, load
from benchmark.core.types import Phase
from benchmark.data.problems import Multiclass
from benchmark.methods.base import Method, set_up
from benchmark.methods.step import Batch, Passes, Step
from benchmark.models.base import InputShape, Network
from benchmark.models.mlp import MLP
from benchmark.running.conditions import Conditions
from benchmark.training.learner import Learner
from benchmark.training.recipe import run_info

B, K = 24, 4
SHAPE = InputShape((8,), torch.float32)


@pytest.fixture(scope="module")
def conditions() -> Conditions:
    return make_conditions("multiclass")


def made(name: str, conditions: Conditions, declared: Mapping[str, Any] | None = None, epochs: int = 300, **keys: Any) -> Any:
    method: Method = build(load("method", name, **keys), "method")
    needs = {need: conditions.declared[need] for need in method.needs} | dict(declared or {})
    set_up(method, run_info(conditions.data, conditions.recipe.settings, epochs, 0, needs, method.uses_val, 16))
    return method


def networks(count: int) -> list[Network]:
    out: list[Network] = []
    for i in range(count):
        with torch.random.fork_rng(devices=[]):
            torch.manual_seed(i)
            out.append(MLP(SHAPE, K, [16]))
    return out


def step_of(nets: list[Network], conditions: Conditions, method: Method, epoch: int = 0, **more: Any) -> Step:
    part, at = conditions.data.train, torch.arange(B)
    batch = Batch([part.x[at]] * method.views, at, part.value[at], None, {})
    return Step(nets, Multiclass(list("abcd")), batch, Passes.zeros(len(nets)), epoch=epoch, **more)


def released_ramp(epoch: int, batch: int, batches: int, warmup: int) -> float:
    """The share of lambda_u of DivideMix's and CrossSplit's loops: batch by batch, 16 epochs long whatever the run."""
    return float(np.clip((epoch + batch / batches - warmup) / 16, 0, 1))


@pytest.mark.parametrize("name", ["dividemix", "cross_split"])
def test_the_ramp_goes_by_epochs_and_scales_with_the_run(name: str, conditions: Conditions) -> None:
    long = made(name, conditions, epochs=300)
    start = {"dividemix": 30, "cross_split": 10}[name]
    assert long._ramp(start) == 0.0  # in every batch of the epoch
    assert released_ramp(start, 50, 100, start) == 1 / 32
    assert [long._ramp(start + k) for k in (1, 8, 16)] == pytest.approx([released_ramp(start + k, 0, 100, start) for k in (1, 8, 16)], rel=1e-3)
    short = made(name, conditions, epochs=30)
    start = {"dividemix": 3, "cross_split": 1}[name]
    assert short._ramp(start + 2) == 1.0
    assert released_ramp(start + 2, 0, 100, start) == 0.125


@pytest.mark.parametrize("name", ["dividemix", "cross_split"])
def test_two_networks_predict_by_the_mean_probability_not_by_the_sum_of_logits(name: str, conditions: Conditions, monkeypatch: pytest.MonkeyPatch) -> None:
    logits = (torch.tensor([[3.0, 2.9, -99.0, -99.0]]), torch.tensor([[0.0, 0.0, 5.0, -99.0]]))
    method = made(name, conditions)
    step = step_of(networks(2), conditions, method)
    real = step.units
    monkeypatch.setattr(Step, "units", lambda self, net=0, view=0: replace(real(net), output=logits[net]))
    found = method.predict(step)
    torch.testing.assert_close(found, (logits[0].softmax(1) + logits[1].softmax(1)) / 2)
    assert int(found.argmax()) == 2
    assert int((logits[0] + logits[1]).argmax()) == 0  # released


def test_dividemix_scales_averaged_losses_to_one_once_more() -> None:
    """Released, at 90 % noise: each epoch's losses go to [0, 1], and their mean into the mixture as it is.

    The mixture's covariance floor is absolute, so a scale counts.
    """
    mean = np.linspace(0.4, 0.6, 21) ** 2
    scaled = (mean - mean.min()) / np.ptp(mean)
    posterior = []
    for x in (mean[:, None], scaled[:, None]):
        fitted = GaussianMixture(2, max_iter=10, tol=1e-2, reg_covar=5e-4, random_state=0).fit(x)
        posterior.append(fitted.predict_proba(x)[:, int(fitted.means_.argmin())])
    np.testing.assert_allclose(functional.gaussian_posterior(mean), posterior[1])
    assert np.abs(posterior[0] - posterior[1]).max() > 0.01


def test_cross_split_contrasts_at_another_temperature_on_a_plain_projection(conditions: Conditions) -> None:
    method = made("cross_split", conditions)
    assert [type(layer) for layer in method.projections] == [nn.Linear, nn.Linear]  # released: batch norm behind it
    features = torch.tensor([[1.0, 0.0], [0.6, 0.8]])  # their cosine is .6: each has one partner at 1 and two others at .6
    method.projections = nn.ModuleList([nn.Identity(), nn.Identity()])

    class Fixed:
        def encode(self, net: int, view: int) -> Tensor:
            return features

    found = float(method._contrast(Fixed(), 0))
    ours, released = (math.log(1 + 2 * math.exp((0.6 - 1) / temperature)) for temperature in (0.07, 0.05))
    assert found == pytest.approx(ours, rel=1e-4)
    assert released / ours < 0.11


def test_cross_split_trains_its_projections_by_an_optimizer_without_decay_or_schedule(conditions: Conditions) -> None:
    method = made("cross_split", conditions)
    (own,) = method.optimizers(0.1)
    (group,) = own.param_groups
    assert {id(p) for p in group["params"]} == {id(p) for p in method.projections.parameters()}
    assert (group["lr"], group["momentum"], group["weight_decay"]) == (0.1, 0.9, 0.0)  # released: with the network, decay 5e-4, cosine


def test_cross_split_splits_and_takes_as_many_guessed_as_labelled_examples(conditions: Conditions) -> None:
    """Released: both loaders are built on the whole data set behind the halves, and the second one's batches are half as large."""
    method: Method = build(load("method", "cross_split"), "method")
    epochs = 6
    set_up(method, run_info(conditions.data, conditions.recipe.settings, epochs, 0, {}, False, 16))
    nets = networks(2)
    learner = Learner(method, nets, conditions.data, conditions.recipe.settings, 0, epochs=epochs, passes=Passes.zeros(2))
    steps = [step for step, _ in learner.steps(2)]
    assert steps
    for step in steps:
        (net,) = step.phase.networks
        labelled, guessed = set(step.index.tolist()), set(step.streams["other"].index.tolist())
        assert labelled <= set(method.halves[net].tolist())
        assert not guessed & set(method.halves[net].tolist())
        assert len(step.streams["other"]) == conditions.recipe.settings.batch_size


def test_cross_split_measures_both_ranges_before_the_epoch(conditions: Conditions) -> None:
    """Released: the second network's range comes from the first one after its epoch, and both cover all labels, not the half."""
    method = made("cross_split", conditions)
    calls: list[int] = []

    def evaluate(split: str, net: int) -> Tensor:
        calls.append(net)
        out = torch.full((len(conditions.data.train), K), 0.05)
        out[:, 0] = 0.85
        out[method.halves[net]] = 0.25  # labels that this network was trained on: they must not set the other network's range
        return out

    method.phases(method.start, evaluate)
    assert calls == [1, 0]  # before any phase is trained on
    for net in (0, 1):
        p = torch.tensor([[0.85, 0.05, 0.05, 0.05]]).expand(K, K)
        expected = functional.jensen_shannon(p, torch.eye(K))
        torch.testing.assert_close(method.low[net], expected)
        torch.testing.assert_close(method.high[net], expected)


def test_cross_split_has_no_entropy_penalty_in_warm_up(conditions: Conditions) -> None:
    """Released under asymmetric noise: .1 times the mean negative entropy joins the warm-up's cross entropy."""
    method, nets = made("cross_split", conditions), networks(2)
    step = step_of(nets, conditions, method, phase=Phase("warmup", networks=(1,)))
    output, y = nets[1](conditions.data.train.x[:B]), conditions.data.train.value[:B, 0]
    plain = F.cross_entropy(output, y)
    torch.testing.assert_close(method.objective(step), plain)
    assert abs(float(functional.negative_entropy(output.detach()).mean())) * 0.1 > 1e-3


def test_m_correction_hardens_over_all_remaining_epochs(conditions: Conditions) -> None:
    """Released: 89 values from 1 to .001, one an epoch from the bootstrapping on, so .001 from epoch 199 of 300 (counted from 1)."""
    method = made("m_correction", conditions, dynamic=True, warmup=0.3667)
    assert method.start == 110  # as released: epoch 111, counted from 1
    output = torch.tensor([[0.3, 0.2, 0.1, 0.0]])
    released = np.linspace(1, 0.001, 89)
    for epoch, ours in ((110, 1.0), (198, 1 - 0.999 * 88 / 189), (299, 0.001)):
        torch.testing.assert_close(method._own_label(output, epoch), (output / ours).softmax(1))
    assert released[88] == pytest.approx(0.001)
    assert method._own_label(output, 198).max() < 0.5 < float((output / 0.001).softmax(1).max())


def test_m_correction_mixes_by_the_posterior_only_when_labels_move(conditions: Conditions, monkeypatch: pytest.MonkeyPatch) -> None:
    """Released with dynamic mixup: inputs are mixed by the posterior for five epochs before labels are corrected."""
    method, weights = made("m_correction", conditions, dynamic=True), []
    real = Step.mix
    monkeypatch.setattr(Step, "mix", lambda self, lam, *more: weights.append(lam) or real(self, lam, *more))
    for epoch in (method.start - 5, method.start - 1, method.start):
        method.objective(step_of(networks(1), conditions, method, epoch=epoch))
    assert [isinstance(weight, float) for weight in weights] == [True, True, False]


def test_m_correction_reads_posterior_and_label_from_one_pass_in_training_mode(conditions: Conditions) -> None:
    """Released: the label from a pass in training mode, the posterior from a second one in evaluation mode."""
    (net,) = networks(1)
    method, modes = made("m_correction", conditions), []
    net.head.register_forward_pre_hook(lambda module, inputs: modes.append(module.training))
    net.train()
    method.objective(step_of([net], conditions, method, epoch=method.start))
    assert modes == [True, True]  # the unmixed batch, the mixed one


def test_m_correction_clamps_all_losses_that_are_near_the_ends() -> None:
    """Released: what lies at or beyond an end moves to .001 or .999, what lies between .001 and the end stays.

    The released class of LabelNoiseCorrection@5e9a73e printed ``alphas``, ``betas`` and ``weight`` for these losses.
    """
    loss = np.linspace(0, 1, 100) ** 8 * 5
    low, high = np.percentile(loss, [5, 95])
    inside = loss[(loss >= low) & (loss <= high)]
    x = (inside - low - 1e-5) / (high - low - 1e-5 + 1e-6)
    x[x >= 1], x[x <= 0] = 0.999, 0.001
    released = [[0.13727852, 0.90904568], [2.02630896, 0.78281093], [0.87787111, 0.12212889]]
    np.testing.assert_allclose(functional.fit_beta_components(x), released, rtol=1e-6)
    ours = functional.beta_mixture(loss)
    assert ours is not None
    clamped = np.clip((inside - low) / (high - low), 1e-3, 1 - 1e-3)
    np.testing.assert_allclose([ours.alpha, ours.beta, ours.weight], functional.fit_beta_components(clamped))
    np.testing.assert_allclose(ours.alpha, [0.13777, 0.83011], rtol=1e-4)


def test_m_correction_has_no_mixture_where_the_released_fit_divides_by_nothing() -> None:
    assert functional.beta_mixture(np.full(50, 0.7)) is None  # released: NaN parameters
    bounded = functional.beta_mixture(np.r_[np.full(95, 0.001), np.full(5, 2.0)])
    assert bounded is not None
    assert np.isfinite([bounded.alpha, bounded.beta, bounded.weight]).all()  # released: NaN


HALF = {"noise_rate": torch.full((1, K), 0.5)}


@pytest.mark.parametrize("name", ["coteaching", "coteaching_plus", "small_loss"])
def test_the_kept_share_is_rounded_up(name: str, conditions: Conditions) -> None:
    """Released: the integer part of (1 - R) B."""
    rate = 0.3
    method = made(name, conditions, declared={"noise_rate": torch.full((1, K), rate)}, epochs=200)
    step = step_of(networks(2), conditions, method, epoch=100)
    units = step.units()
    kept = method.select(units, method.loss(units.output, units.target), step)
    assert int(kept.sum()) == math.ceil((1 - rate) * B) == 17
    assert int((1 - rate) * B) == 16


def test_co_teaching_forgets_from_nothing_at_first_and_is_done_an_epoch_later(conditions: Conditions) -> None:
    """Released: linspace(0, r, 10) by epoch, but epoch 0 only evaluates, so the first trained epoch forgets r / 9."""
    method = made("coteaching", conditions, epochs=200)
    ours = [functional.forget_schedule(epoch, method.epochs, method.ramp) for epoch in range(12)]
    assert ours == pytest.approx([0, 0.1, 0.2, 0.3, 0.4, 0.5, 0.6, 0.7, 0.8, 0.9, 1, 1])
    released = [*np.linspace(0, 1, 10)[1:], 1, 1, 1]  # by trained epoch
    assert released[0] == pytest.approx(1 / 9)
    assert (ours.index(1.0), released.index(1.0)) == (10, 8)


def test_co_teaching_divides_by_the_kept_units_once(conditions: Conditions) -> None:
    nets, method = networks(2), made("coteaching", conditions, declared=HALF, ramp=0.0)
    x, y = conditions.data.train.x[:B], conditions.data.train.value[:B, 0]
    losses = [F.cross_entropy(net(x), y, reduction="none") for net in nets]
    kept = [loss.argsort()[: B // 2] for loss in losses]
    released = losses[0][kept[1]].mean() / (B // 2) + losses[1][kept[0]].mean() / (B // 2)
    torch.testing.assert_close(method.objective(step_of(nets, conditions, method)), released * (B // 2))


def test_co_teaching_plus_learns_nothing_where_nobody_disagrees(conditions: Conditions) -> None:
    """Released: in the first 5,000 steps such a batch is trained on as a whole, by cross entropy of the softmax."""
    (net,) = networks(1)
    method = made("coteaching_plus", conditions, declared=HALF, epochs=200)
    value = method.objective(step_of([net, net], conditions, method, epoch=199))
    value.backward()
    assert value.item() == 0.0
    assert all(p.grad is None or not p.grad.any() for p in net.parameters())


def test_cores2_sieves_an_epoch_earlier_and_keeps_its_prior(conditions: Conditions) -> None:
    """Released, by epoch of 100: beta is linspace(0, 2, 30) from epoch 10, all units count up to and with epoch 30, and the prior is counted anew."""
    method, nets = made("cores2", conditions, epochs=100), networks(1)
    beta = [method.beta * functional.linear_ramp(epoch, 100, method.start, method.ramp) for epoch in (10, 25, 39, 40)]
    released = np.r_[np.zeros(10), np.linspace(0, 2, 30), np.full(60, 2.0)]
    assert beta == pytest.approx([0, 1, 2 * 29 / 30, 2])
    assert released[[10, 25, 39, 40]] == pytest.approx([0, 2 * 15 / 29, 2, 2])
    prior = method.weights.clone()
    x, y = conditions.data.train.x[:B], conditions.data.train.value[:B, 0]
    cost = -(nets[0](x).softmax(1) + 1e-8).log()
    margin = cost.gather(1, y[:, None])[:, 0] - cost.mean(1)
    assert 0 < int((margin <= 0).sum()) < B
    for epoch, kept in ((29, torch.ones(B, dtype=torch.bool)), (30, margin <= 0)):
        loss = cost.gather(1, y[:, None])[:, 0] - 2 * (epoch - 10) / 30 * (prior[0] * cost).sum(1)
        torch.testing.assert_close(method.objective(step_of(nets, conditions, method, epoch=epoch)), loss[kept].mean())
    assert torch.equal(method.weights, prior)


def test_peer_loss_rises_by_one_ramp(conditions: Conditions) -> None:
    """Released on CIFAR-10: five pieces, of which the second ends at .1 and the third begins at 1, up to 5 (or 20) at epoch 300."""
    method = made("peer_loss", conditions)
    assert [method.weight(epoch) for epoch in (0, 30, 75, 120, 299)] == pytest.approx([0, 0, 0.5, 1, 1])
    pieces = [(0, 0, 20), (0, 0.1, 20), (1, 2, 50), (2, 2.5, 50), (2.5, 3.3, 100), (3.3, 5, 100)]
    released = np.concatenate([np.linspace(low, high, count) for low, high, count in pieces])
    assert released[[39, 40, 299]] == pytest.approx([0.1, 1, 3.3 + 1.7 * 59 / 99])


def test_glc_shares_batch_statistics_between_trusted_and_other_examples(conditions: Conditions) -> None:
    """Released: the two parts of a batch take a pass each, and each is normalized by itself."""
    torch.manual_seed(0)
    net = nn.Sequential(nn.Linear(8, 6), nn.BatchNorm1d(6), nn.Linear(6, K))
    x, y = conditions.data.train.x[:B], conditions.data.train.value[:B, 0]
    right = torch.where(torch.arange(B) < 8, y, -1)
    method = made("glc", conditions, declared={"trusted": right})
    method.register_buffer("transition", torch.full((1, K, K), 0.1) + 0.6 * torch.eye(K))
    method.register_buffer("trusted", right)

    def released(output: Tensor, trusted: Tensor) -> Tensor:
        corrected = F.nll_loss((output.softmax(1) @ method.transition[0]).log(), y, reduction="none")
        return torch.where(trusted, F.cross_entropy(output, y, reduction="none"), corrected)

    step = step_of(networks(1), conditions, method)
    real = step.units()

    class Once:
        def units(self) -> Any:
            return replace(real, output=net(x))

    found = method.objective(Once())
    torch.testing.assert_close(found, released(net(x), right >= 0).mean())
    apart = torch.cat([net(x[:8]), net(x[8:])])
    assert abs((released(apart, right >= 0).mean() - found).item()) > 1e-3
