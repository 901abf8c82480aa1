"""Where a method differs from its released code on purpose, the difference is what its class says: both rules as numbers."""

from __future__ import annotations

from typing import Any

import numpy as np
import pytest
import torch
from support.multilabel import Y, Z, ready, step
from support.tiny import make_conditions
from torch import Tensor
from torch.nn import functional as F  # noqa: N812

from benchmark import functional
from benchmark.api import load_method
from benchmark.methods.base import Fit, set_up
from benchmark.methods.label_refurbishment.roster import Removing
from benchmark.methods.step import Batch, Passes, Step
from benchmark.running.conditions import Conditions
from benchmark.training.recipe import run_info

COUNT = Y.sum(0).float()


def class_weight(exponent: float, count: Tensor = COUNT) -> Tensor:
    n = count.clamp(min=1)
    return (1 - (n / n.max()).log()) ** exponent


def corrected(z: Tensor) -> Tensor:
    """COMIC's loss on corrected labels of a first batch, by its formula."""
    shifted = torch.where(Y == 1, z - 1, z)
    p = shifted.sigmoid()
    found = (p > 0.7) & (p > p.mean(0)) & (Y != 1)
    label = torch.where(found, 1.0, Y.float())
    loss = functional.multi_focal(shifted, label, class_weight(1 / 6, COUNT + found.sum(0)), 3.0, 0.0)
    return loss.sum() * 32 / label.sum()


def test_comic_differs_in_what_head_and_tail_learn_and_in_the_correction() -> None:
    """wannature/COMIC @1de14e5: the modifier for each of three networks 4/3 times, plus .2 of each one's own correction."""
    together = Y.float().T @ Y.float()
    together.fill_diagonal_(0)
    near = Y.float() @ (together / together.sum(0).clamp(min=1))
    near = near / near.sum(1, keepdim=True).clamp(min=1e-12)
    modifier = functional.cooccurrence_focal(Z, Y.float(), class_weight(1 / 3), near, 3.0).sum()
    head = functional.multi_focal(Z, Y.float(), torch.ones(Y.shape[1]), 4.0, 0.0).sum()
    tail = functional.multi_focal(Z, Y.float(), class_weight(1 / 6), 4.0, 0.0).sum()
    ours = float(modifier + head + tail + corrected(Z))
    released = float(3 * 4 / 3 * modifier + 3 * 0.2 * corrected(Z))
    found = float(ready("comic").objective(step(epoch=1, networks=3)))
    assert found == pytest.approx(ours, rel=1e-5)
    assert abs(ours - released) > 0.05 * released
    first = float(ready("comic").objective(step(epoch=0, networks=3)))
    assert first == pytest.approx(float(modifier + head + tail), rel=1e-5)  # no correction yet


def test_comic_predicts_by_the_mean_of_its_networks() -> None:
    logits = [Z, Z + 1, Z - 3]

    class Different(Step):
        def forward(self, net: int = 0, view: int = 0, x: Tensor | None = None) -> Tensor:
            return logits[net]

    made = step(networks=3)
    made.__class__ = Different
    found = ready("comic").predict(made)[:, 1].reshape(Z.shape)
    torch.testing.assert_close(found, (sum(logits) / 3).sigmoid())  # type: ignore[arg-type,union-attr]
    assert float((found - Z.sigmoid()).abs().max()) > 0.05  # the balanced network alone, as released


@pytest.fixture(scope="module")
def tagging() -> Conditions:
    return make_conditions("tagging")


def tokens(conditions: Conditions, method: Any, epoch: int = 0) -> Step:
    part, at = conditions.data.train, torch.arange(12)
    networks = conditions.recipe.networks(conditions.data.problem, method.networks)
    return Step(networks, conditions.data.problem, Batch([part.x[at]], at, part.value[at], part.live[at]), Passes.zeros(method.networks), epoch=epoch)


def test_roster_counts_every_o_unless_it_is_told_to_drop_some(tagging: Conditions) -> None:
    """The released code gives a random half of the tokens labelled O no label."""
    run = run_info(tagging.data, tagging.recipe.settings, 10, 0, {})
    seen = run.observed["train"]
    outside = seen.live & (seen.value == run.names.index("O"))
    plain, half, again = (Removing(start=0.2, drop_outside=share) for share in (0.0, 0.5, 0.5))
    for method in (plain, half, again):
        set_up(method, run)
    assert bool(plain.keep.all())
    assert bool(half.keep[seen.live & ~outside].all())
    assert float(half.keep[outside].float().mean()) == pytest.approx(0.5, abs=0.1)
    assert torch.equal(half.keep, again.keep)  # all networks of the ensemble miss the same tokens
    units = tokens(tagging, half).units()
    keep = half.keep[units.index]
    assert 0 < int(keep.sum()) < len(keep)
    expected = F.cross_entropy(units.output[keep], units.target[keep])
    torch.testing.assert_close(half.objective(tokens(tagging, half)), expected)
    probability = torch.full((run.num_units, run.num_classes), 1.0)  # every label is believed
    half.phases(5, lambda split: probability)
    assert torch.equal(half.keep[outside], again.keep[outside])  # what was dropped stays away


def test_roster_hands_the_share_to_its_networks(tagging: Conditions) -> None:
    method = load_method("roster", models=2, drop_outside=0.5)
    run = run_info(tagging.data, tagging.recipe.settings, 10, 0, {})
    set_up(method, run)
    shares = []

    def fit(**options: Any) -> Fit:
        shares.append(options["method"].drop_outside)
        return Fit(lambda rows: torch.ones(run.num_units, run.num_classes), lambda rows: torch.ones(1), torch.nn.Linear(1, 1))

    method.prepare(fit, run)
    assert shares == [0.5, 0.5]
    assert load_method("roster").drop_outside == 0.0  # type: ignore[comparison-overlap]


def refinement(conditions: Conditions) -> Any:
    method = load_method("meta_self_refinement", threshold=0.5)
    set_up(method, run_info(conditions.data, conditions.recipe.settings, 10, 0, {"trusted": conditions.declared["trusted"]}))
    return method


class Recorder:
    """Optimizers that note gradients and do not step."""

    def __init__(self, networks: list[torch.nn.Module]) -> None:
        self._parameters = [p for network in networks for p in network.parameters()]

    def parameters(self) -> list[Tensor]:
        return list(self._parameters)

    def zero_grad(self) -> None:
        for p in self._parameters:
            p.grad = None

    def step(self) -> None:
        pass


def test_the_student_learns_in_the_warm_up_and_its_loss_is_divided_by_sure_units(tagging: Conditions) -> None:
    """uds-lsv/msr @e860273: a fresh student, and a mean over all tokens with zeros for unsure ones."""
    method = refinement(tagging)
    warm = tokens(tagging, method)
    method.objective(warm).backward()
    assert all(any(float(p.grad.abs().max()) > 0 for p in net.parameters() if p.grad is not None) for net in warm._networks)  # type: ignore[attr-defined]
    later = tokens(tagging, method, epoch=9)
    with torch.no_grad():
        later.units(1).output  # noqa: B018
        soft = later.units(1).output.softmax(1)
        student = later.units(0).output
    entropy = -(soft * soft.log()).sum(1) / np.log(soft.shape[1])
    method.threshold = float((1 - entropy).median())
    sure = 1 - entropy > method.threshold
    loss = -(soft * student.log_softmax(1)).sum(1) * sure
    found = float(method._learn(later, lambda value: None, Recorder(later._networks)))  # type: ignore[attr-defined]
    assert found == pytest.approx(float(loss.sum() / sure.sum()), rel=1e-4)
    released = float(loss.mean())
    assert released == pytest.approx(found * float(sure.float().mean()), rel=1e-4)
    assert released < 0.6 * found


def test_the_virtual_step_is_one_of_plain_descent(tagging: Conditions) -> None:
    """AdamW's first step moves every weight by about eta, whatever its gradient; ours by eta times its gradient."""
    method = refinement(tagging)
    part, known = tagging.data.train, torch.from_numpy(method.known)
    networks = tagging.recipe.networks(tagging.data.problem, 2)

    def made(at: Tensor, **streams: Step) -> Step:
        batch = Batch([part.x[at]], at, part.value[at], part.live[at])
        return Step(networks, tagging.data.problem, batch, Passes.zeros(2), epoch=9, streams=streams)

    base = made(torch.arange(12))
    student = list(networks[0].parameters())
    soft = base.units(1).output.softmax(1).detach()
    gradient = torch.autograd.grad(functional.soft_cross_entropy(base.units(0).output, soft).mean(), student)
    before = [p.detach().clone() for p in student]
    moved: list[list[Tensor]] = []
    slope = method._slope

    def spied(step: Step, weights: list[Any], start: list[Tensor], ascent: list[Tensor]) -> Tensor:
        moved.append([p.detach().clone() for p in weights])
        return slope(step, weights, start, ascent)

    method._slope = spied
    method.update(made(torch.arange(12), trusted=made(known)), lambda loss: loss.backward(), Recorder(list(networks)))
    for p, start, g in zip(moved[0], before, gradient, strict=False):
        torch.testing.assert_close(p, start - method.eta * g, rtol=1e-4, atol=1e-6)
    adam = [0.1 * g / (g.abs() + 1e-8) for g in gradient]
    assert max(float((0.1 * g).abs().max()) for g in gradient) < 0.2 * max(float(a.abs().max()) for a in adam)


def test_sigua_climbs_a_share_that_is_the_noise_rate() -> None:
    """bhanML/SIGUA @e1e72e9: at least one, of a share set by hand, and a mean of their own."""
    conditions = make_conditions("regression")
    method: Any = load_method("sigua", ramp=0.0, gamma=0.5)
    set_up(method, run_info(conditions.data, conditions.recipe.settings, 10, 0, {"noise_rate": conditions.declared["noise_rate"]}))
    method.forgetting.rate.fill_(0.25)
    part, at = conditions.data.train, torch.arange(40)
    nets = conditions.recipe.networks(conditions.data.problem, 1)
    made = Step(nets, conditions.data.problem, Batch([part.x[at]], at, part.value[at], None), Passes.zeros(1), epoch=5)
    with torch.no_grad():
        loss = ((nets[0](part.x[at])[:, 0] - part.value[at][:, 0]) ** 2).sort().values.numpy()
    small, rest = loss[:30], loss[30:]  # r = .25 of 40 are left out
    ours, released = rest[: int(10 * 0.25)], rest[: int(10 * 0.4)]
    expected = (small.sum() - 0.5 * ours[ours < 1].sum()) / 30
    theirs = small.mean() - 0.5 * released.mean()
    assert float(method.objective(made).detach()) == pytest.approx(float(expected), rel=1e-4)
    assert abs(theirs - expected) > 0.05 * abs(expected)


def test_cdr_ranks_biases_too_and_keeps_gradients_whole() -> None:
    """xiaoboxia/CDR @6665a8b: weights of two or four dimensions alone are ranked, and kept gradients are multiplied by 1 - r."""
    method: Any = load_method("cdr", decay=0.1)
    method.optimizers(1.0)
    method.rate = torch.tensor(0.5)
    weight = torch.nn.Parameter(torch.tensor([[4.0, 0.5]]))
    bias = torch.nn.Parameter(torch.tensor([0.25, 3.0]))

    class Optimizers(Recorder):
        def __init__(self) -> None:
            self._parameters = [weight, bias]

    slopes = torch.tensor([[1.0, 1.0]]), torch.tensor([1.0, 1.0])
    method.objective = lambda step: (weight * slopes[0]).sum() + (bias * slopes[1]).sum()
    method.update(None, lambda loss: loss.backward(), Optimizers())
    assert weight.grad is not None
    assert bias.grad is not None
    assert weight.grad.tolist() == [[1.0, 0.0]]  # released: (1 - r) 1 = .5 and 0
    assert bias.grad.tolist() == [0.0, 1.0]  # released: both 1, no bias is ranked
    assert weight.tolist() == [[4.0, pytest.approx(0.4)]]  # the others decay by their sign
    assert bias.tolist() == [pytest.approx(0.15), 3.0]


def test_the_tower_of_tram_has_one_layer() -> None:
    """google/uncertainty-baselines @2a06c47 has a layer for privileged inputs alone, then one for features beside what it gives."""
    conditions = make_conditions("multiclass", corruption=None)
    method: Any = load_method("tram", tower=16, random=3)
    privileged = torch.zeros(len(conditions.data.train), 5)
    set_up(method, run_info(conditions.data, conditions.recipe.settings, 10, 0, {"privileged": privileged}, features=7))
    size = sum(p.numel() for p in method.tower.parameters())
    known, features, width = 5 + 3, 7, 16
    assert size == (features + known + 1) * width
    released = (known + 1) * width + (features + width + 1) * width
    assert size != released
    assert method.privileged.in_features == features + width  # in both
