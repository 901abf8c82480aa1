"""The orders and signs that are easy to get wrong, method by method, against formulas written once more."""

from __future__ import annotations

import math
import warnings
from collections.abc import Callable, Mapping, Sequence
from typing import Any

import numpy as np
import pytest
import torch
from support.tiny import corrupt_tiny, make_conditions, make_task, run
from torch import Tensor, nn
from torch.nn import functional as F  # noqa: N812

from benchmark.config.build import build, load
from benchmark.config.grid import expand
from benchmark.core.errors import ConfigError
from benchmark.core.types import Evaluate, Phase
from benchmark.data.problems import Multiclass
from benchmark.methods.base import Method, set_up
from benchmark.methods.step import Batch, Passes, Step
from benchmark.models.base import InputShape, Network
from benchmark.models.mlp import MLP
from benchmark.running.conditions import Conditions
from benchmark.training.recipe import run_info
from benchmark.training.trainer import ActiveOptimizers

B, K = 24, 4
PROBLEM = Multiclass(list("abcd"))
SHAPE = InputShape((8,), torch.float32)


class Normed(Network):
    """A network with batch statistics."""

    def __init__(self) -> None:
        super().__init__()
        self.body, self.norm, self.head = nn.Linear(8, 6), nn.BatchNorm1d(6), nn.Linear(6, K)

    def encode(self, x: Tensor) -> Tensor:
        found: Tensor = self.norm(self.body(x)).relu()
        return found


@pytest.fixture(scope="module")
def conditions() -> Conditions:
    return make_conditions("multiclass")


def networks(count: int, kind: Callable[[], Network] = lambda: MLP(SHAPE, K, [16])) -> list[Network]:
    out = []
    for i in range(count):
        with torch.random.fork_rng(devices=[]):
            torch.manual_seed(i)
            out.append(kind())
    return out


def made(name: str, conditions: Conditions, features: int = 16, declared: Mapping[str, Any] | None = None, epochs: int = 20, **keys: Any) -> Any:
    method: Method = build(load("method", name, **keys), "method")
    needs = {need: conditions.declared[need] for need in method.needs} | dict(declared or {})
    set_up(method, run_info(conditions.data, conditions.recipe.settings, epochs, 0, needs, method.uses_val, features))
    return method


def step_of(nets: Sequence[Network], conditions: Conditions, method: Method, *, epoch: int = 0, at: Tensor | None = None, **more: Any) -> Step:
    part, at = conditions.data.train, torch.arange(B) if at is None else at
    extras = {name: table[at] for name, table in part.extras.items() if name in method.needs}
    batch = Batch([part.x[at]] * method.views, at, part.value[at], None, extras)
    return Step(nets, PROBLEM, batch, Passes.zeros(len(nets)), epoch=epoch, **more)


def sgd(nets: Sequence[Network], method: Method, lr: float = 0.1) -> ActiveOptimizers:
    return ActiveOptimizers([torch.optim.SGD(net.parameters(), lr=lr) for net in nets], method.optimizers(lr), None)


def gradients(net: nn.Module) -> list[Tensor]:
    return [torch.zeros_like(p) if p.grad is None else p.grad.clone() for p in net.parameters()]


def plain(nets: Sequence[Network], conditions: Conditions) -> list[Tensor]:
    """(B,) cross entropies of the batch, by network."""
    x, y = conditions.data.train.x[:B], conditions.data.train.value[:B, 0]
    return [F.cross_entropy(net(x), y, reduction="none") for net in nets]


HALF = {"noise_rate": torch.full((1, K), 0.5)}


def test_coteaching_exchanges_selections_and_normalizes_once(conditions: Conditions) -> None:
    nets = networks(2)
    method = made("coteaching", conditions, declared=HALF, ramp=0.0)
    losses = plain(nets, conditions)
    small = [loss.argsort()[: B // 2] for loss in losses]
    expected = losses[0][small[1]].sum() / (B // 2) + losses[1][small[0]].sum() / (B // 2)
    torch.testing.assert_close(method.objective(step_of(nets, conditions, method)), expected)


def test_coteaching_that_forgets_nothing_is_two_plain_networks(conditions: Conditions) -> None:
    nets = networks(2)
    method = made("coteaching", conditions, declared={"noise_rate": torch.zeros(1, K)})
    method.objective(step_of(nets, conditions, method, epoch=9)).backward()
    found = [gradients(net) for net in nets]
    for net, loss in zip(nets, plain(nets, conditions), strict=True):
        net.zero_grad()
        loss.mean().backward()
    torch.testing.assert_close(found, [gradients(net) for net in nets])


def test_coteaching_plus_exchanges_among_units_in_dispute(conditions: Conditions) -> None:
    nets = networks(2)
    method = made("coteaching_plus", conditions, declared=HALF, ramp=0.0)
    x = conditions.data.train.x[:B]
    dispute = torch.nonzero(nets[0](x).argmax(1) != nets[1](x).argmax(1))[:, 0]
    assert 3 < len(dispute) < B
    losses = [loss[dispute] for loss in plain(nets, conditions)]
    kept = math.ceil(len(dispute) / 2)
    small = [loss.argsort()[:kept] for loss in losses]
    expected = losses[0][small[1]].mean() + losses[1][small[0]].mean()
    torch.testing.assert_close(method.objective(step_of(nets, conditions, method, epoch=10)), expected)
    same = [nets[0], nets[0]]
    agreed = method.objective(step_of(same, conditions, method, epoch=10))
    agreed.backward()
    assert float(agreed.detach()) == 0
    assert all(float(g.abs().max()) == 0 for g in gradients(nets[0]))


def test_jocor_has_both_directions_of_kl_and_one_selection(conditions: Conditions) -> None:
    nets = networks(2)
    method = made("jocor", conditions, declared=HALF, ramp=0.0, lam=0.3)
    x = conditions.data.train.x[:B]
    p, q = (net(x).softmax(1) for net in nets)
    both = (p * (p / q).log()).sum(1) + (q * (q / p).log()).sum(1)
    joint = 0.7 * sum(plain(nets, conditions)) + 0.3 * both
    expected = joint[joint.argsort()[: B // 2]].mean()
    expected.backward()
    wanted = [gradients(net) for net in nets]
    for net in nets:
        net.zero_grad()
    found = method.objective(step_of(nets, conditions, method))
    found.backward()
    torch.testing.assert_close(found, expected)
    torch.testing.assert_close([gradients(net) for net in nets], wanted, rtol=1e-4, atol=1e-6)


def test_elr_updates_its_memory_before_its_loss(conditions: Conditions) -> None:
    nets = networks(1)
    method = made("elr", conditions, lam=2.0, beta=0.6)
    p = nets[0](conditions.data.train.x[:B]).softmax(1).clamp(1e-4, 1 - 1e-4)
    fresh = 0.4 * p.detach() / p.detach().sum(1, keepdim=True)
    expected = (plain(nets, conditions)[0] + 2 * torch.log(1 - (fresh * p).sum(1))).mean()
    torch.testing.assert_close(method.objective(step_of(nets, conditions, method)), expected)
    torch.testing.assert_close(method.memory[:B], fresh)


def test_elr_plus_takes_targets_from_the_average_of_the_other_network(conditions: Conditions) -> None:
    nets = networks(4)
    method = made("elr_plus", conditions, beta=0.6)
    x = conditions.data.train.x[:B]
    wanted = [0.4 * nets[3 - net](x).softmax(1).detach() for net in (0, 1)]
    method.objective(step_of(nets, conditions, method))
    for net in (0, 1):
        torch.testing.assert_close(method.memory[net, :B], wanted[net], rtol=1e-3, atol=1e-4)


def test_elr_plus_averages_follow_their_networks(conditions: Conditions) -> None:
    nets = networks(4)
    method = made("elr_plus", conditions, decay=0.6, decay_ramp=0.0)
    before = [p.detach().clone() for p in nets[0].parameters()]
    method.update(step_of(nets, conditions, method), lambda loss: loss.backward(), sgd(nets[:2], method))
    middle = [(a + b) / 2 for a, b in zip(before, nets[0].parameters(), strict=True)]  # 1 - 1 / 2 is less than the decay
    torch.testing.assert_close(list(nets[2].parameters()), middle)
    method.update(step_of(nets, conditions, method), lambda loss: loss.backward(), sgd(nets[:2], method))
    torch.testing.assert_close(list(nets[2].parameters()), [0.6 * a + 0.4 * b for a, b in zip(middle, nets[0].parameters(), strict=True)])


def test_sop_detaches_v_in_cross_entropy_and_trains_it_by_the_square(conditions: Conditions) -> None:
    nets = networks(1)
    method = made("sop", conditions, lr_u=3.0, lr_v=7.0, epochs=200)
    scale = B / 128 * 300 / 200
    with torch.no_grad():
        method.u.weight.fill_(0.3)
        method.v.weight.fill_(0.2)
    y = F.one_hot(conditions.data.train.value[:B, 0], K).float()
    output = nets[0](conditions.data.train.x[:B])
    hard = F.one_hot(output.argmax(1), K).float()
    u, v = torch.full((B, 1), 0.3, requires_grad=True), torch.full((B, K), 0.2, requires_grad=True)
    p = (output.softmax(1) + u**2 * y - (v**2 * (1 - y)).detach()).clamp(min=1e-4)
    p = p / p.sum(1, keepdim=True)
    square = ((hard + u**2 * y - v**2 * (1 - y) - y) ** 2).sum(1).mean()
    expected = -(y * p.log()).sum(1).mean() + square
    expected.backward()
    method.update(step_of(nets, conditions, method), lambda loss: loss.backward(), sgd(nets, method))
    assert u.grad is not None
    assert v.grad is not None
    torch.testing.assert_close(v.grad, torch.autograd.grad(((hard + 0.09 * y - v**2 * (1 - y) - y) ** 2).sum(1).mean(), v)[0])
    torch.testing.assert_close(method.u.weight[:B], 0.3 - 3 * scale * u.grad)  # plain SGD with its own rate: no momentum, no decay
    torch.testing.assert_close(method.v.weight[:B], 0.2 - 7 * scale * v.grad)
    assert bool((method.v.weight[B:] == 0.2).all())


def test_sam_without_radius_is_sgd(conditions: Conditions) -> None:
    ours, twin = networks(1)[0], networks(1)[0]
    method = made("sam", conditions, rho=0.0)
    method.update(step_of([ours], conditions, method), lambda loss: loss.backward(), sgd([ours], method))
    erm = made("erm", conditions)
    erm.update(step_of([twin], conditions, erm), lambda loss: loss.backward(), sgd([twin], erm))
    assert all(torch.equal(a, b) for a, b in zip(ours.parameters(), twin.parameters(), strict=True))


@pytest.mark.parametrize("adaptive", [False, True])
def test_sam_steps_from_where_it_was_with_the_gradient_of_the_neighbour(adaptive: bool, conditions: Conditions) -> None:
    (net,) = networks(1)
    x, y = conditions.data.train.x[:B], conditions.data.train.value[:B, 0]
    names = [name for name, _ in net.named_parameters()]
    start = [p.detach().clone() for p in net.parameters()]
    grad = torch.autograd.grad(F.cross_entropy(net(x), y), list(net.parameters()))
    scaled = [w.abs() * g for w, g in zip(start, grad, strict=True)] if adaptive else grad
    norm = torch.cat([g.flatten() for g in scaled]).norm()
    climb = [(w.abs() if adaptive else 1) * g * 0.3 / norm for w, g in zip(start, scaled, strict=True)]
    there = {name: (w + e).requires_grad_() for name, w, e in zip(names, start, climb, strict=True)}
    above = torch.autograd.grad(F.cross_entropy(torch.func.functional_call(net, there, x), y), list(there.values()))
    method = made("sam", conditions, rho=0.3, adaptive=adaptive)
    method.update(step_of([net], conditions, method), lambda loss: loss.backward(), sgd([net], method))
    torch.testing.assert_close(list(net.parameters()), [w - 0.1 * g for w, g in zip(start, above, strict=True)])


def test_sam_gathers_batch_statistics_in_its_first_pass_only(conditions: Conditions) -> None:
    ours, twin = networks(1, Normed)[0], networks(1, Normed)[0]
    method = made("sam", conditions, features=6, rho=0.5)
    method.update(step_of([ours], conditions, method), lambda loss: loss.backward(), sgd([ours], method))
    twin(conditions.data.train.x[:B])
    torch.testing.assert_close(list(ours.norm.buffers())[:2], list(twin.norm.buffers())[:2])  # type: ignore[union-attr,operator]


def test_sam_mixes_the_same_pairs_twice(conditions: Conditions) -> None:
    (net,) = networks(1)
    method = made("sam", conditions, base="mixup")
    seen: list[float] = []
    method.update(step_of([net], conditions, method), lambda loss: (seen.append(float(loss.detach())), loss.backward())[1], sgd([net], method))
    again = made("sam", conditions, base="mixup", rho=0.0)
    same: list[float] = []
    (twin,) = networks(1)
    again.update(step_of([twin], conditions, again), lambda loss: (same.append(float(loss.detach())), loss.backward())[1], sgd([twin], again))
    assert same[0] == same[1] == seen[0] < seen[1]


def updated(method: Any, conditions: Conditions, epoch: int) -> list[Network]:
    """Networks after three updates, on t_revision with a T that is not the identity."""
    nets = networks(method.networks)
    for inner in (method, getattr(method, "base", None)):
        if hasattr(inner, "revision"):
            inner.transition.copy_(0.7 * torch.eye(K) + 0.3 / K)
    optimizers = sgd(nets, method)
    for _ in range(3):
        method.update(step_of(nets, conditions, method, epoch=epoch), lambda loss: loss.backward(), optimizers)
    return nets


@pytest.mark.parametrize(
    ("base", "keys", "epoch"), [("mixup", {}, 0), ("elr_plus", {}, 0), ("t_revision", {"revision_lr": 0.01}, 5), ("t_revision", {"revision_lr": 0.01}, 15)]
)
def test_sam_makes_the_steps_of_its_base(base: str, keys: dict[str, Any], epoch: int, conditions: Conditions) -> None:
    """Without a radius bit for bit: moving averages follow, a revision's own optimizer steps. With one, from another gradient."""
    plain = made(base, conditions, **keys)
    flat, sharp = (made("sam", conditions, base=load("method", base, **keys), rho=rho) for rho in (0.0, 0.5))
    expected, same, other = (updated(method, conditions, epoch) for method in (plain, flat, sharp))
    for one, two, three in zip(expected, same, other, strict=True):
        assert all(torch.equal(a, b) for a, b in zip(one.parameters(), two.parameters(), strict=True))
        assert not all(torch.equal(a, b) for a, b in zip(one.parameters(), three.parameters(), strict=True))
    if base == "t_revision":
        assert torch.equal(plain.revision, flat.base.revision)
        assert bool(plain.revision.any()) == (epoch == 15)
        assert torch.equal(plain.revision, sharp.base.revision) == (epoch == 5)


def test_sam_refuses_what_steps_along_a_gradient_of_its_own() -> None:
    with pytest.raises(ConfigError, match="CDR steps along a gradient of its own"):
        build(load("method", "sam", base="cdr"), "method")
    grid = expand([{"task": "diamonds", "noise": "clean", "method": ["sam", "sam(base=cdr)", "sam(base=sam)"], "trainer": "quick"}], {}, {}, [])
    assert [cell.labels["method"] for cell in grid.cells] == ["sam"]
    assert [reason.partition(":")[0] for reason in grid.skipped] == ["sam(base=cdr) cannot be", "sam(base=sam) cannot be"]


def test_a_wrapper_has_the_views_of_what_it_wraps() -> None:
    assert build(load("method", "sam", base="cross_split"), "method").strong_views == {2, 3}


def test_the_forget_rate_is_the_share_of_wrong_labels_however_classes_differ() -> None:
    """Class-dependent noise: the mean of the classes' shares is another number."""
    task = make_task("multiclass")
    matrix = [[1.0, 0.0, 0.0, 0.0], [0.9, 0.1, 0.0, 0.0], [0.0, 0.0, 1.0, 0.0], [0.0, 0.0, 0.0, 1.0]]
    skewed = make_conditions("multiclass", task=task, corruption=corrupt_tiny(task, "transition", {"matrix": matrix}))
    assert skewed.truth.train is not None
    wrong = float((skewed.data.train.value[:, 0].numpy() != skewed.truth.train).mean())
    assert abs(float(skewed.declared["noise_rate"].mean()) - wrong) > 0.05
    for name in ("small_loss", "coteaching", "jocor"):
        assert float(made(name, skewed).rate) == pytest.approx(wrong)


def test_tram_lets_the_second_head_leave_the_encoder_alone(conditions: Conditions) -> None:
    (net,) = networks(1)
    method = made("tram", conditions, random=5)
    assert method.shortcut.shape == (len(conditions.data.train), 5)
    method.objective(step_of([net], conditions, method)).backward()
    body, head = gradients(net.body), gradients(net.head)  # type: ignore[arg-type]
    net.zero_grad()
    method.zero_grad()
    method.weight = 0.0
    method.objective(step_of([net], conditions, method)).backward()
    torch.testing.assert_close(gradients(net.body), body)  # type: ignore[arg-type]
    assert all(float(g.abs().max()) == 0 for g in gradients(net.head))
    features = net.encode(conditions.data.train.x[:B]).detach()
    net.zero_grad()
    F.cross_entropy(net.head(features), conditions.data.train.value[:B, 0]).backward()
    torch.testing.assert_close(gradients(net.head), head)


def test_tram_predicts_without_privileged_inputs(conditions: Conditions) -> None:
    (net,) = networks(1)
    method = made("tram", conditions)
    x = conditions.data.train.x[:B]
    step = Step([net], PROBLEM, Batch([x], torch.arange(B), None, None), Passes.zeros(1))
    torch.testing.assert_close(method.predict(step), net(x).softmax(1))


def test_partial_label_uses_its_confidence_before_it_moves(conditions: Conditions) -> None:
    (net,) = networks(1)
    method = made("partial_label", conditions)
    before = method.confidence[:B].clone()
    sets = conditions.declared["candidates"][:B]
    torch.testing.assert_close(before, sets / sets.sum(1, keepdim=True))
    p = net(conditions.data.train.x[:B]).softmax(1)
    torch.testing.assert_close(method.objective(step_of([net], conditions, method)), -(before * p.log()).sum(1).mean())
    torch.testing.assert_close(method.confidence[:B], p.detach() * sets / (p.detach() * sets).sum(1, keepdim=True))


def test_partial_label_purifies_by_the_mean_of_its_window(conditions: Conditions) -> None:
    method = made("partial_label", conditions, window=2, warmup=0.0, threshold=0.2)
    sets = torch.tensor([True, True, True, False]).expand_as(method.candidates)
    method.candidates.copy_(sets)
    for epoch, q in enumerate(([0.6, 0.3, 0.1, 0.0], [0.8, 0.2, 0.0, 0.0]), 1):
        method.confidence.copy_(torch.tensor(q).expand_as(method.confidence))
        method.on_epoch_end(epoch, evaluate=None)
    assert method.candidates.unique(dim=0).tolist() == [[True, True, False, False]]  # .05 / .7 < .2 < .25 / .7
    torch.testing.assert_close(method.confidence[0], torch.tensor([0.7, 0.25, 0.0, 0.0]) / 0.95)
    assert method.level == 0.2
    for epoch in (3, 4):
        method.on_epoch_end(epoch, evaluate=None)
    assert method.level == pytest.approx(0.2002)  # nothing changed, so the threshold rises


def test_dividemix_refines_by_the_other_division_and_guesses_with_both(conditions: Conditions) -> None:
    nets = networks(2)
    method = made("dividemix", conditions, temperature=0.5)
    method.posterior[0], method.posterior[1] = 0.9, 0.3
    own, other = step_of(nets, conditions, method), step_of(nets, conditions, method, at=torch.arange(B, 2 * B))
    x, y = conditions.data.train.x, F.one_hot(conditions.data.train.value[:B, 0], K)
    for net in (0, 1):
        with torch.no_grad():
            refined, guessed = method._targets(own, other, net)
            p = nets[net](x[:B]).softmax(1)
            guess = (nets[0](x[B : 2 * B]).softmax(1) + nets[1](x[B : 2 * B]).softmax(1)) / 2
        w = 0.3 if net == 0 else 0.9
        blend = w * y + (1 - w) * p
        torch.testing.assert_close(refined, blend**2 / (blend**2).sum(1, keepdim=True))
        torch.testing.assert_close(guessed, guess**2 / (guess**2).sum(1, keepdim=True))


def test_m_correction_is_mixup_until_it_doubts(conditions: Conditions) -> None:
    (net,) = networks(1)
    method = made("m_correction", conditions)
    rng, method.rng = np.random.default_rng(4), np.random.default_rng(4)
    order, lam = rng.permutation(B), rng.beta(32, 32)
    x, y = conditions.data.train.x[:B], conditions.data.train.value[:B, 0]
    output = net(lam * x + (1 - lam) * x[order])
    expected = lam * F.cross_entropy(output, y) + (1 - lam) * F.cross_entropy(output, y[order])
    torch.testing.assert_close(method.objective(step_of([net], conditions, method)), expected)


@pytest.mark.parametrize("dynamic", [False, True])
def test_m_correction_moves_labels_by_the_posterior(dynamic: bool, conditions: Conditions) -> None:
    (net,) = networks(1)
    method = made("m_correction", conditions, dynamic=dynamic)
    method.table[0] = torch.linspace(0, 1, 100)
    method.high[0] = 3.0
    method.rng = np.random.default_rng(4)
    found = method.objective(step_of([net], conditions, method, epoch=method.start))
    rng = np.random.default_rng(4)
    order, lam = rng.permutation(B), rng.beta(32, 32)
    x, y = conditions.data.train.x[:B], conditions.data.train.value[:B, 0]
    with torch.no_grad():
        output = net(x)
        at = (F.cross_entropy(output, y, reduction="none") / 3).clamp(1e-3, 1 - 1e-3)
        w = torch.linspace(0, 1, 100)[(at * 100).long()].clamp(1e-4, 1 - 1e-4)
        z = output.softmax(1) if dynamic else F.one_hot(output.argmax(1), K).float()  # the temperature is 1 at first
        label = (1 - w)[:, None] * F.one_hot(y, K) + w[:, None] * z
    inputs: Any = ((1 - w) / ((1 - w) + (1 - w[order])))[:, None] if dynamic else lam
    share = 0.5 if dynamic else lam
    logp = net(inputs * x + (1 - inputs) * x[order]).log_softmax(1)
    mean = logp.exp().mean(0)
    expected = -((share * label + (1 - share) * label[order]) * logp).sum(1).mean() + (0.25 * (0.25 / mean).log()).sum()
    torch.testing.assert_close(found, expected)


def test_late_stopping_keeps_what_is_learned_k_times_on_end(conditions: Conditions) -> None:
    """Run lengths against a recount of all epochs."""
    rng = np.random.default_rng(2)
    count, epochs = len(conditions.data.train), 20
    given = conditions.data.train.value[:, 0]
    right = rng.random((epochs, count)) < np.linspace(0.05, 0.95, epochs)[:, None]
    calls: list[int] = []

    def fit(*, indices: np.ndarray, epochs: int, method: Method, on_epoch: Callable[[int, Evaluate], bool]) -> None:
        calls.append(len(indices))
        for epoch in range(epochs):
            predicted = torch.where(torch.from_numpy(right[epoch]), given, (given + 1) % K)
            if on_epoch(epoch, lambda split, predicted=predicted: F.one_hot(predicted, K).float()):  # type: ignore[misc]
                break

    method = made("late_stopping", conditions, rounds=[1, 1, 1], keep=0.9, start=0.1)
    method.prepare(fit, run_info(conditions.data, conditions.recipe.settings, epochs, 0, {"noise_rate": torch.zeros(1, K)}))
    kept = np.ones(count, dtype=bool)
    for number, k in enumerate((1, 2, 3), 1):
        goal, collected = math.floor(0.9**number * count), np.zeros(count, dtype=bool)
        for epoch in range(epochs):
            if epoch - k + 1 >= 2:  # the whole run from the first counted epoch on
                collected |= kept & right[epoch - k + 1 : epoch + 1].all(0)
            if collected.sum() >= goal:
                break
        assert collected.sum() >= goal
        kept = collected
    assert calls[0] == count
    assert np.array_equal(method.mask.numpy(), kept)
    assert method.suspicion().max() > method.suspicion().min() == 0


def test_late_stopping_fills_a_round_that_ends_too_early(conditions: Conditions) -> None:
    count, given = len(conditions.data.train), conditions.data.train.value[:, 0]
    rank = torch.arange(count)

    def fit(*, indices: np.ndarray, epochs: int, method: Method, on_epoch: Callable[[int, Evaluate], bool]) -> None:
        for epoch in range(epochs):  # unit i is right in i of 120 epochs, and never twice on end
            hit = (rank > epoch) & (epoch % 2 == 0)
            on_epoch(epoch, lambda split, hit=hit: F.one_hot(torch.where(hit, given, (given + 1) % K), K).float())  # type: ignore[misc]

    method = made("late_stopping", conditions, rounds=[0, 1, 0], keep=0.75)
    method.prepare(fit, run_info(conditions.data, conditions.recipe.settings, count, 0, {"noise_rate": torch.zeros(1, K)}))
    assert int(method.mask.sum()) == math.floor(0.75 * count)
    assert bool(method.mask[-count // 2 :].all())


def test_cross_split_softens_by_the_network_that_never_saw_the_label(conditions: Conditions) -> None:
    nets = networks(2)
    method = made("cross_split", conditions, temperature=0.5)
    assert not set(method.halves[0]) & set(method.halves[1])
    assert len(method.halves[0]) + len(method.halves[1]) == len(conditions.data.train)
    x, y = conditions.data.train.x, conditions.data.train.value[:, 0]

    def evaluate(split: str, net: int) -> Tensor:
        with torch.no_grad():
            return nets[net](x).softmax(1)

    phases = method.phases(method.start, evaluate)
    assert [phase.networks for phase in phases] == [(0,), (1,)]
    for net, phase in enumerate(phases):
        assert np.array_equal(phase.indices, method.halves[net])
        assert np.array_equal(phase.streams["other"], method.halves[1 - net])
        p, label = evaluate("train", 1 - net), F.one_hot(y, K).float()
        m = (p + label) / 2
        divergence = (p * (p / m).log()).sum(1) / 2 + torch.xlogy(label, label / m).sum(1) / 2
        at = torch.from_numpy(method.halves[net])
        low, high = (torch.stack([f(divergence[at][y[at] == c]) for c in range(K)]) for f in (torch.min, torch.max))
        beta = (divergence[at] - low[y[at]]) / (high - low)[y[at]]
        weight = ((beta - 0.5) * 0.6 + 0.5)[:, None]
        soft = weight * p[at] + (1 - weight) * label[at]
        found = method._softened(step_of(nets, conditions, method, epoch=method.start, at=at), net)
        torch.testing.assert_close(found, soft**2 / (soft**2).sum(1, keepdim=True), rtol=1e-4, atol=1e-5)


def test_cross_split_relaxes_in_three_steps(conditions: Conditions) -> None:
    method = made("cross_split", conditions, epochs=300)
    assert method.start == 10
    assert [method.gamma(epoch) for epoch in (10, 30, 31, 40, 41, 299)] == [0.6, 0.6, 0.8, 0.8, 1.0, 1.0]


def test_nested_dropout_is_a_head_without_bias_on_the_first_features(conditions: Conditions) -> None:
    (net,) = networks(1)
    method = made("nested_dropout", conditions)
    step = step_of([net], conditions, method)
    features = net.encode(conditions.data.train.x[:B])
    head: nn.Linear = net.head  # type: ignore[assignment]
    for width in (1, 7, 16):
        found = method.nested.widths.units(step, 0, features, width).output
        torch.testing.assert_close(found, features[:, :width] @ head.weight[:, :width].T)
    wide = made("nested_dropout", conditions, features=64, std=10.0).nested.widths
    expected = np.exp(-((np.arange(1, 65) / 10) ** 2))
    np.testing.assert_allclose(wide.chance, expected / expected.sum())
    assert wide.most == 40


def test_nested_dropout_prefers_the_smaller_of_equal_widths(conditions: Conditions) -> None:
    from benchmark.methods.shared.nested import best_width

    seen = conditions.data.train.observed()
    right, wrong = seen.value.float(), (seen.value.float() + 1) % K
    assert best_width(torch.stack([wrong, right, right], 1), seen, False, 1e-5) == 2
    nearly = right.clone()
    nearly[0] = wrong[0]
    assert best_width(torch.stack([nearly, right, wrong], 1), seen, False, 1e-5) == 2
    assert best_width(torch.stack([nearly, right, wrong], 1), seen, False, 0.1) == 1
    assert best_width(torch.stack([wrong, nearly, right], 1), seen, True, 1e-5) == 3


def test_linear_probe_is_what_cross_validation_chooses(conditions: Conditions) -> None:
    from sklearn.linear_model import LogisticRegression

    method: Any = run(load("method", "linear_probe"), make_conditions("multiclass", model="linear")).method
    data = make_conditions("multiclass", model="linear").data.train
    warnings.simplefilter("ignore")
    fits = [LogisticRegression(C=c, max_iter=n).fit(data.x.double(), data.value[:, 0]) for c in (1e-3, 1e-2, 1e-1, 1.0, 10.0, 100.0) for n in (10, 20, 50, 100)]
    assert min(float(np.abs(fit.coef_.T - method.weight[0].numpy()).max()) for fit in fits) < 1e-4


def test_a_probe_gives_classes_that_nobody_observed_no_chance() -> None:
    from benchmark.methods.baseline.linear_probe import probe

    x, fold = np.random.default_rng(0).normal(size=(60, 3)), np.arange(60) % 5
    weight, bias = probe(x, np.where(x[:, 0] > 0, 3, 1), 5, fold)
    score = x @ weight + bias
    assert bias[[0, 2, 4]].tolist() == [-30.0] * 3
    assert ((score.argmax(1) == 3) == (x[:, 0] > 0)).mean() > 0.9
    assert probe(x, np.full(60, 2), 5, fold)[1].tolist() == [-30.0, -30.0, 0.0, -30.0, -30.0]
    whole, _ = probe(x, np.where(x[:, 0] > 0, 3, 1), 5, np.zeros(60))  # one group: nothing to validate on
    assert float(whole[0, 3]) > 1


def test_a_probe_validates_on_no_copy_of_what_it_was_fitted_to(monkeypatch: pytest.MonkeyPatch) -> None:
    task = make_task("multiclass")
    task.groups = np.arange(len(task.train)) // 4
    seen: list[np.ndarray] = []

    def probe(x: np.ndarray, y: np.ndarray, classes: int, fold: np.ndarray) -> tuple[np.ndarray, np.ndarray]:
        seen.append(fold)
        return np.zeros((x.shape[1], classes)), np.zeros(classes)

    monkeypatch.setattr("benchmark.methods.baseline.linear_probe.probe", probe)
    conditions = make_conditions("multiclass", task=task, model="linear")
    run(load("method", "linear_probe"), conditions)
    (fold,), groups = seen, conditions.data.groups
    assert groups is not None
    assert set(fold) == set(range(5))
    assert all(len(set(fold[groups == group])) == 1 for group in np.unique(groups))


def test_a_phase_can_freeze_batch_statistics(conditions: Conditions) -> None:
    (net,) = networks(1, Normed)
    erm = made("erm", conditions, features=6)
    buffers = [b.clone() for b in net.norm.buffers()]  # type: ignore[union-attr,operator]
    found = step_of([net], conditions, erm, phase=Phase(frozen_statistics=True)).forward()
    assert all(torch.equal(a, b) for a, b in zip(buffers, net.norm.buffers(), strict=True))  # type: ignore[union-attr,operator]
    assert net.norm.training  # type: ignore[union-attr]
    net.eval()
    torch.testing.assert_close(found, net(conditions.data.train.x[:B]))


def test_nested_coteaching_exchanges_with_a_smaller_rate_at_last(conditions: Conditions) -> None:
    method = made("nested_coteaching", conditions, epochs=10, stage=0.7, lr=0.25)
    assert [method.lr_factor(epoch) for epoch in (0, 6, 7, 9)] == [1.0, 1.0, 0.25, 0.25]
    assert [method.phases(epoch, None)[0].frozen_statistics for epoch in (6, 7)] == [False, True]
    assert 6 in method.due
    assert max(method.due) == 6
