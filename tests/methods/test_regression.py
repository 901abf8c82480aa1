"""Methods for numbers: their rules by hand on a batch, and what they do on a small set with wrong targets."""

from __future__ import annotations

import math
from typing import Any

import numpy as np
import pytest
import torch
from support.tiny import corrupt_tiny, make_conditions, make_task, run
from torch import Tensor

from benchmark.config.build import build, load
from benchmark.core.errors import ConfigError
from benchmark.methods.base import set_up
from benchmark.methods.sample_selection.confrag import confirmed, vote
from benchmark.methods.step import Batch, Passes, Step
from benchmark.running.conditions import Conditions
from benchmark.running.execution import Outcome
from benchmark.training.prediction import Predictor
from benchmark.training.recipe import run_info
from benchmark.training.trainer import ActiveOptimizers

EPOCHS = 20


@pytest.fixture(scope="module")
def conditions() -> Conditions:
    """120 training examples, a fifth of them wrong."""
    return make_conditions("regression")


def made(name: str, conditions: Conditions, epochs: int = EPOCHS, **options: Any) -> Any:
    method = build(load("method", name, **options), "method")
    set_up(method, run_info(conditions.data, conditions.recipe.settings, epochs, 0, {need: conditions.declared[need] for need in method.needs}))
    return method


def step_of(method: Any, conditions: Conditions, networks: Any, size: int = 40, epoch: int = 0) -> Step:
    part, at = conditions.data.train, torch.arange(size)
    return Step(networks, conditions.data.problem, Batch([part.x[at]], at, part.value[at], None), Passes.zeros(method.networks), epoch=epoch)


def networks_of(method: Any, conditions: Conditions) -> Any:
    return conditions.recipe.networks(conditions.data.problem, method.networks)


def residual(conditions: Conditions, network: Any, size: int = 40) -> np.ndarray:
    with torch.no_grad():
        found: np.ndarray = (network(conditions.data.train.x[:size])[:, 0] - conditions.data.train.value[:size, 0]).numpy()
    return found


def test_tukey_begins_with_the_absolute_error_and_then_scales_itself(conditions: Conditions) -> None:
    method = made("tukey", conditions)
    nets = networks_of(method, conditions)
    value = method.objective(step_of(method, conditions, nets, 120))
    r = residual(conditions, nets[0], 120)
    assert float(value.detach()) == pytest.approx(np.abs(r).mean(), rel=1e-5)
    method.on_epoch_end(0, None)
    assert float(method.scale) == pytest.approx(1.4826 * np.median(np.abs(r - np.median(r))), rel=0.03)  # torch takes the lower middle value
    assert np.array_equal(method.suspicion().numpy(), np.abs(method.residual.numpy()))


def test_cmixup_draws_partners_by_the_kernel_of_their_targets(conditions: Conditions) -> None:
    method = made("cmixup", conditions, bandwidth=0.3)
    nets = networks_of(method, conditions)
    y = conditions.data.train.value[:40, 0].numpy()
    chance = np.exp(-((y[:, None] - y) ** 2) / (2 * 0.3**2))
    chance /= chance.sum(1, keepdims=True)
    count = np.zeros((40, 40))
    step = step_of(method, conditions, nets)
    drawn: list[Tensor] = []
    step.mix = lambda lam, partner: drawn.append(partner) or Step.mix(step, lam, partner)  # type: ignore[method-assign,func-returns-value]
    for _ in range(300):
        method.objective(step)
    for partner in drawn:
        count[np.arange(40), partner.numpy()] += 1 / 300
    assert np.abs(count - chance).max() < 0.13  # four standard deviations of a share of one half
    assert np.diag(count).sum() > 0  # the example itself is a partner too


def test_sigua_climbs_on_what_it_just_leaves_out(conditions: Conditions) -> None:
    method = made("sigua", conditions, ramp=0.0, gamma=0.5)
    method.forgetting.rate.fill_(0.5)
    nets = networks_of(method, conditions)
    loss = np.sort(residual(conditions, nets[0]) ** 2)
    climbed = loss[20:30]  # f B r = .5 x 40 x .5 = 10
    assert climbed.min() < 1 < climbed.max()
    expected = (loss[:20].sum() - 0.5 * climbed[climbed < 1].sum()) / 20
    assert float(method.objective(step_of(method, conditions, nets)).detach()) == pytest.approx(expected, rel=1e-4)


def test_selfie_refurbishes_steady_units_that_have_large_errors(conditions: Conditions) -> None:
    method = made("selfie", conditions, eps=0.1, history=3)
    method.forgetting.rate.fill_(0.5)
    nets = networks_of(method, conditions)
    step = step_of(method, conditions, nets, epoch=EPOCHS // 2)
    past = torch.zeros(40, 3)
    past[::2] = torch.tensor([-1.0, 0.0, 1.0])  # every second unit is unsteady
    method.predictions.past[0, :40] = past + 0.7
    r = residual(conditions, nets[0])
    small = np.zeros(40, dtype=bool)
    small[np.argsort(r**2)[:20]] = True
    steady = np.arange(40) % 2 == 1
    y = conditions.data.train.value[:40, 0].numpy()
    target = np.where(small, y, 0.7)
    use = small | steady
    assert float(method.objective(step).detach()) == pytest.approx((((r + y) - target)[use] ** 2).mean(), rel=1e-4)
    assert float(method.objective(step_of(method, conditions, nets)).detach()) == pytest.approx((r**2).mean(), rel=1e-4)  # warm-up


def test_cnlcu_bounds_by_hand(conditions: Conditions) -> None:
    losses = np.abs(np.random.default_rng(0).normal(size=(6, 5)))
    losses[2, 1] = 30.0
    times = np.arange(6.0)
    soft = made("cnlcu", conditions).score(torch.from_numpy(losses), torch.from_numpy(times)).numpy()
    width = 0.01 * (5 + 0.01 * math.log(10) / 25) / (times + 1 - 0.01)
    assert np.allclose(soft, np.maximum(np.log(1 + losses + losses**2 / 2).mean(1) - width, 0))
    hard = made("cnlcu", conditions, bound="hard", variance=1e-6).score(torch.from_numpy(losses), torch.from_numpy(times)).numpy()
    assert hard[2] < 2  # the outlier of 30 is left out of the mean
    assert (
        made("cnlcu", conditions, bound="hard", variance=1e-6).score(torch.from_numpy(losses[:, :4]), torch.from_numpy(times)).numpy()[2] > 5
    )  # too few to tell


def test_d2l_turns_when_the_dimension_grows(conditions: Conditions) -> None:
    method = made("d2l", conditions)
    for epoch, value in enumerate([5.0, 4.0, 3.0, 2.9, 3.0, 3.1, 6.0]):
        method.current = [value, float("nan")]
        method.on_epoch_end(epoch, None)
        assert method.turned == (value == 6.0)
    assert method.alpha == pytest.approx(math.exp(-7 / EPOCHS * 6.0 / 2.9))


def test_cdr_moves_the_critical_share_only(conditions: Conditions) -> None:
    method = made("cdr", conditions, decay=0.0)
    method.rate.fill_(0.75)
    nets = networks_of(method, conditions)
    assert method.optimizers(0.1) == []
    before = [w.detach().clone() for w in nets[0].parameters()]
    optimizer = ActiveOptimizers([torch.optim.SGD(nets[0].parameters(), lr=0.1)], [], None)
    method.update(step_of(method, conditions, nets), lambda loss: loss.backward(), optimizer)
    moved = sum(int((a != b).sum()) for a, b in zip(before, nets[0].parameters(), strict=True))
    total = sum(w.numel() for w in before)
    assert moved <= 0.25 * total + 1
    assert moved > 0.15 * total


def test_aux_offsets_take_in_a_share_of_the_residual(conditions: Conditions) -> None:
    method = made("aux", conditions, rate=0.1)
    nets = networks_of(method, conditions)
    r = residual(conditions, nets[0])
    assert float(method.objective(step_of(method, conditions, nets)).detach()) == pytest.approx((r**2).mean(), rel=1e-4)
    assert np.allclose(method.offset[:40].numpy(), -0.1 * r, atol=1e-6)
    assert float(method.objective(step_of(method, conditions, nets)).detach()) == pytest.approx(((0.9 * r) ** 2).mean(), rel=1e-4)


def test_heteroscedastic_nll_gives_a_deviation(conditions: Conditions) -> None:
    method = made("heteroscedastic_nll", conditions, beta=0.5)
    nets = networks_of(method, conditions)
    r = residual(conditions, nets[0])
    with torch.no_grad():
        v = nets[1](conditions.data.train.x[:40])[:, 0].numpy()
    step = step_of(method, conditions, nets, epoch=EPOCHS - 1)
    assert float(method.objective(step).detach()) == pytest.approx((np.exp(0.5 * v) * (v + r**2 / np.exp(v)) / 2).mean(), rel=1e-4)
    assert np.allclose(method.deviation(step).detach().numpy(), np.exp(v / 2), rtol=1e-5)
    warm = step_of(method, conditions, nets)
    assert float(method.objective(warm).detach()) == pytest.approx((r**2 + (v + r**2 / np.exp(v)) / 2).mean(), rel=1e-4)


def test_intervals_are_scored_and_hold_right_targets_more_often_than_noisy_training_promises(wrong_targets: dict[str, list[Outcome]]) -> None:
    found = wrong_targets["heteroscedastic_nll"][0].evaluation.scores("last")
    assert {"coverage_50", "coverage_90", "interval_error", "interval_width"} <= set(found)
    assert found["coverage_50"] > 0.55  # trained where 40 % of the targets are wrong, scored on right ones
    assert found["coverage_90"] >= found["coverage_50"]
    assert "coverage_90" not in wrong_targets["erm"][0].evaluation.scores("last")


def test_confrag_probability_by_loops(conditions: Conditions) -> None:
    method = made("confrag", conditions, fragments=6)
    rng = np.random.default_rng(1)
    agree = rng.random((40, 6)) < 0.5
    y = conditions.data.train.value[:, 0].double().numpy()
    values = np.unique(y)
    parts = np.array_split(values, 6)
    middle = np.array([(part[0] + part[-1]) / 2 for part in parts])
    expected = []
    for i in range(40):
        gate = np.exp(np.ptp(y) / (np.abs(y[i] - middle) + 0.1))
        gate /= gate.sum()
        beside = [bool((f > 0 and agree[i, f - 1]) or (f < 5 and agree[i, f + 1])) for f in range(6)]
        expected.append(sum(gate[f] for f in range(6) if agree[i, f] and beside[f]))
    found = confirmed(torch.from_numpy(agree), method.gate[:40]).numpy()
    assert np.allclose(found, expected, atol=1e-5)


def test_confrag_jitter_leaves_targets_at_the_ends_out_and_pairs_share_the_rest(conditions: Conditions) -> None:
    method = made("confrag", conditions, jitter=0.2)
    *experts, regressor = method.phases(0, None)
    assert (regressor.indices, regressor.networks) == (None, (0,))
    members = [set(phase.indices) for phase in experts]
    assert not members[0] & members[1]
    assert 0.7 * 120 < len(members[0] | members[1]) < 0.9 * 120
    assert [phase.networks for phase in experts] == [(1,), (2,)]
    first = [np.sort(phase.indices) for phase in experts]
    again = [np.sort(phase.indices) for phase in method.phases(0, None)[:2]]
    assert any(len(a) != len(b) or (a != b).any() for a, b in zip(first, again, strict=True))


def test_confrag_neighbours_vote_without_the_sample_itself() -> None:
    x = torch.nn.functional.normalize(torch.tensor([[1.0, 0.0], [1.0, 0.1], [1.0, -0.1], [0.0, 1.0], [1.0, 0.01]]), dim=1)
    second, who = torch.tensor([False, True, True, True, False]), torch.tensor([7, 1, 2, 3, 4])
    asking, ids = 9 * x[[0, 0, 3]], torch.tensor([99, 7, 3])  # lengths do not matter
    assert vote(asking, ids, x, second, who, 3).tolist() == pytest.approx([1 / 3, 2 / 3, 1 / 3])
    assert vote(asking, ids, x[:3], second[:3], who[:3], 3).tolist() == [0.5] * 3  # too few: nobody is preferred
    assert vote(asking[:0], ids[:0], x, second, who, 3).tolist() == []  # the first draw took a whole block


def test_confrag_selects_by_the_experts_of_the_epoch_before(conditions: Conditions) -> None:
    """The first expert sends everything to the first fragment, the second to its second: samples of the outer fragments disagree with a neighbour."""
    method = made("confrag", conditions)
    nets = networks_of(method, conditions)
    *experts, _ = method.phases(0, None)
    for net, phase in enumerate(experts, 1):
        part, at = conditions.data.train, torch.from_numpy(phase.indices)
        method._expert(Step(nets, conditions.data.problem, Batch([part.x[at]], at, part.value[at], None), Passes.zeros(3), phase=phase), net)
    with torch.no_grad():
        for net, says in ((1, -1.0), (2, 1.0)):
            nets[net].head.weight.zero_()
            nets[net].head.bias.fill_(says)
    passes = Passes.zeros(3)
    chosen = method.phases(1, Predictor(method, nets, conditions.data, passes))[-1].indices
    agree = torch.tensor([[True, False, False, True]])  # of fragments 0, 1, 2, 3 with pairs (0, 2) and (1, 3): no two neighbours agree
    assert method.pairs == [(0, 2), (1, 3)]
    assert bool((method.right[:, 0] == confirmed(agree.expand(120, 4), method.gate)).all())
    assert bool((method.right[:, 0] == 0).all())
    assert set(chosen) <= set(np.flatnonzero(method.right[:, 1].numpy() > 0))  # the other draw took them, by their neighbours
    assert passes.forward == [0, 120, 120]
    assert torch.equal(method.suspicion(), 1 - method.right[:, 1])


def test_what_a_method_asks_of_every_unit_sees_no_targets(conditions: Conditions) -> None:
    method = made("erm", conditions)
    evaluate = Predictor(method, networks_of(method, conditions), conditions.data, Passes.zeros(1))
    assert torch.equal(evaluate("train", by=method.predict), evaluate("train"))
    with pytest.raises(LookupError, match="no targets at test time"):
        evaluate("train", by=lambda step: step.targets())


def test_confrag_with_fewer_targets_than_fragments_is_plain_training_and_odd_fragments_are_refused() -> None:
    task = make_task("regression")
    task.train.y = (task.train.y > 0).astype(float)
    outcome = run(load("method", "confrag"), make_conditions("regression", corruption=corrupt_tiny(task, "clean", {})))
    assert bool((outcome.method.suspicion() == 0).all())  # type: ignore[union-attr]
    with pytest.raises(ConfigError, match=r"method.fragments=5 has to be even"):
        build(load("method", "confrag", fragments=5), "method")


@pytest.mark.parametrize("dynamic", [False, True])
def test_m_correction_moves_targets_and_mixes_them_as_their_inputs(dynamic: bool, conditions: Conditions) -> None:
    method = made("m_correction", conditions, dynamic=dynamic)
    (net,) = networks_of(method, conditions)
    method.table[0] = torch.linspace(0, 1, 100)
    method.high[0] = 2.0
    method.rng = np.random.default_rng(4)
    found = method.objective(step_of(method, conditions, [net], epoch=method.start))
    x, y = conditions.data.train.x[:40], conditions.data.train.value[:40, 0]
    r = residual(conditions, net)
    w = np.linspace(0, 1, 100)[(np.clip(r**2 / 2, 1e-3, 1 - 1e-3) * 100).astype(int)].clip(1e-4, 1 - 1e-4)
    moved = y.numpy() + w * r
    order = np.random.default_rng(4).permutation(40)
    share = (1 - w) / (2 - w - w[order]) if dynamic else np.ones(40)
    part = torch.from_numpy(share).float()[:, None]
    expected = (net(part * x + (1 - part) * x[order])[:, 0].detach().numpy() - share * moved - (1 - share) * moved[order]) ** 2
    assert float(found.detach()) == pytest.approx(expected.mean(), rel=1e-4)


METHODS = ("erm", "heteroscedastic_nll", "superloss", "sigua", "selfie", "spr", "cnlcu", "confrag")


@pytest.fixture(scope="module")
def wrong_targets() -> dict[str, list[Outcome]]:
    """Runs on 480 examples, 40 % of whose targets were redrawn: long enough that plain training follows them."""
    task = make_task("regression", train=640)
    made = corrupt_tiny(task, "uniform_resample", {"rate": 0.4})
    hard = make_conditions("regression", epochs=40, corruption=made, task=task)
    return {name: [run(load("method", name), hard, seed) for seed in range(3)] for name in METHODS}


@pytest.mark.parametrize("name", METHODS[2:])
def test_repairs_part_of_symmetric_noise(name: str, wrong_targets: dict[str, list[Outcome]]) -> None:
    score = {m: np.mean([one.evaluation.records[-1].primary["test"] for one in wrong_targets[m]]) for m in ("erm", name)}
    assert score[name] < 0.8 * score["erm"]


@pytest.mark.parametrize("name", ["sigua", "selfie", "spr", "cnlcu", "confrag"])
def test_suspects_the_targets_that_are_wrong(name: str, wrong_targets: dict[str, list[Outcome]]) -> None:
    least = 0.6 if name == "confrag" else 0.7  # a target that was redrawn within its fragment is not seen by fragments
    assert np.mean([one.evaluation.train_scores("last")["detection_auroc"] for one in wrong_targets[name]]) > least
