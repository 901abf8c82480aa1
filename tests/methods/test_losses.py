"""Loss-based methods: what their hyper-parameters do, schedules, and what a unit costs them."""

from __future__ import annotations

import math
from typing import Any

import numpy as np
import pytest
import torch
from support.tiny import make_conditions, run
from torch.nn import functional as F  # noqa: N812

from benchmark import functional
from benchmark.config.build import load
from benchmark.methods.base import Method, set_up
from benchmark.methods.label_refurbishment.bootstrap import Bootstrap
from benchmark.methods.robust_loss.apl import APL
from benchmark.methods.robust_loss.gce import GCE
from benchmark.methods.robust_loss.peer_loss import PeerLoss
from benchmark.methods.robust_loss.sce import SCE
from benchmark.methods.sample_selection.cores2 import Cores2
from benchmark.methods.step import Batch, Passes, Step
from benchmark.running.conditions import Conditions
from benchmark.training.recipe import run_info

LOGITS = 2 * torch.randn(9, 4, generator=torch.Generator().manual_seed(0))
TARGET = torch.arange(9) % 4
P = LOGITS.softmax(1)
OWN = P[torch.arange(9), TARGET]
CE = -OWN.log()


def ready(method: Method, conditions: Conditions, epochs: int = 100) -> Method:
    set_up(method, run_info(conditions.data, conditions.recipe.settings, epochs, 0, {}))
    return method


def step_of(conditions: Conditions, epoch: int = 0, size: int = 40) -> Step:
    part, at = conditions.data.train, torch.arange(size)
    networks = conditions.recipe.networks(conditions.data.problem, 1)
    return Step(networks, conditions.data.problem, Batch([part.x[at]], at, part.value[at], None), Passes.zeros(1), epoch=epoch)


def test_sce_has_both_terms_and_both_conventions() -> None:
    torch.testing.assert_close(SCE(alpha=1.0, beta=0.0).loss(LOGITS, TARGET), CE)
    torch.testing.assert_close(SCE(alpha=0.1, beta=1.0).loss(LOGITS, TARGET), 0.1 * CE + 4 * (1 - OWN))
    released = SCE(alpha=0.1, beta=1.0, log_zero=math.log(1e-4)).loss(LOGITS, TARGET)
    one_hot = F.one_hot(TARGET, 4).float().clamp(1e-4, 1.0)
    torch.testing.assert_close(released, 0.1 * CE - (P * one_hot.log()).sum(1))


@pytest.mark.parametrize("active", ["nce", "nfl"])
@pytest.mark.parametrize("passive", ["rce", "mae"])
def test_apl_adds_an_active_and_a_passive_loss(active: Any, passive: Any) -> None:
    first = functional.normalized_cross_entropy(LOGITS, TARGET) if active == "nce" else functional.normalized_focal(LOGITS, TARGET, 0.5)
    second = (4.0 if passive == "rce" else 2.0) * (1 - OWN)
    torch.testing.assert_close(APL(active, passive, alpha=10.0, beta=0.1).loss(LOGITS, TARGET), 10 * first + 0.1 * second)
    released = (-math.log(1e-4) if passive == "rce" else 1.0) * (1 - OWN)
    torch.testing.assert_close(APL(active, passive, released=True).loss(LOGITS, TARGET), first + released)


def test_bootstrap_takes_the_beta_of_its_kind() -> None:
    assert (Bootstrap("soft").beta, Bootstrap("hard").beta, Bootstrap("hard", 0.5).beta) == (0.95, 0.8, 0.5)
    own = -P.max(1).values.log()
    torch.testing.assert_close(Bootstrap().loss(LOGITS, TARGET), 0.8 * CE + 0.2 * own)


def test_truncated_gce_chooses_where_it_is_due_and_drops_the_gradient_of_the_rest(settings: dict[str, Conditions]) -> None:
    method = GCE(truncate=0.5, start=0.5, every=0.25)
    assert [epoch for epoch in range(8) if method._chooses(epoch, 8)] == [4, 6]
    conditions = settings["multiclass"]
    ready(method, conditions, 8)
    step = step_of(conditions)
    assert bool(method.kept.all())
    torch.testing.assert_close(method.objective(step), functional.gce(step.units().output, step.units().target, 0.7).mean())
    given = conditions.data.train.value.reshape(-1)
    likelihood = torch.linspace(0, 1, len(given))
    probability = torch.zeros(len(given), 4).scatter(1, given[:, None], likelihood[:, None])
    method.phases(3, lambda *a, **k: probability)
    assert bool(method.kept.all())
    method.phases(4, lambda *a, **k: probability)
    assert torch.equal(method.kept, likelihood > 0.5)
    output = step.units().output.detach()
    expected = torch.where(likelihood[:40] > 0.5, functional.gce(output, step.units().target, 0.7), torch.tensor((1 - 0.5**0.7) / 0.7))
    torch.testing.assert_close(method.objective(step).detach(), expected.mean())
    assert method.suspicion() is not None
    assert GCE().suspicion() is None


def test_truncated_gce_pays_for_its_looks() -> None:
    conditions = make_conditions("multiclass", epochs=8)
    outcome = run(load("method", "gce", truncate=0.5, start=0.5, every=0.25), conditions)
    assert outcome.method.passes(8).forward == 1.25
    assert sum(outcome.cost["forward"]) / (8 * len(conditions.data.train)) == pytest.approx(1.25)


def test_peers_without_weight_are_cross_entropy_and_the_mean_over_draws_is_the_expected_form(settings: dict[str, Conditions]) -> None:
    conditions = settings["multiclass"]
    step = step_of(conditions, epoch=50, size=100)
    units = step.units()
    cross = -(units.output.softmax(1).gather(1, units.target[:, None]) + 1e-8).log().mean()
    torch.testing.assert_close(ready(PeerLoss(alpha=0.0), conditions).objective(step), cross)
    counts = torch.bincount(conditions.data.train.value.reshape(-1), minlength=4).float()
    cost = -(units.output.softmax(1) + 1e-8).log()
    expected = cross - 0.7 * (cost @ (counts / counts.sum())).mean()
    torch.testing.assert_close(ready(PeerLoss(alpha=0.7, expected=True), conditions).objective(step), expected)
    sampled = ready(PeerLoss(alpha=0.7), conditions)
    mean = torch.stack([sampled.objective(step).detach() for _ in range(400)]).mean()
    torch.testing.assert_close(mean, expected.detach(), atol=0.01, rtol=0)


def test_peers_of_a_label_are_drawn_from_its_own_prior(settings: dict[str, Conditions]) -> None:
    conditions = settings["multilabel"]
    method = ready(PeerLoss(), conditions)
    assert isinstance(method, PeerLoss)
    part = conditions.data.train
    share = torch.stack([part.value[:, c][part.live[:, c]].float().mean() for c in range(3)])
    torch.testing.assert_close(method.prior[:, 1], share)
    units = step_of(conditions, size=100).units()
    cost = torch.tensor([0.0, 1.0]).expand(len(units.index), 2)
    drawn = torch.stack([method.peer(cost, units) for _ in range(200)]).mean(0)
    for c in range(3):
        assert float(drawn[units.column == c].mean()) == pytest.approx(float(share[c]), abs=0.02)


@pytest.mark.parametrize(("epoch", "weight"), [(0, 0.0), (10, 0.0), (25, 1.0), (40, 2.0), (99, 2.0)])
def test_confidence_is_rewarded_after_a_warm_up(epoch: int, weight: float, settings: dict[str, Conditions]) -> None:
    conditions = settings["multiclass"]
    method = ready(Cores2(prior=False, sieve=1.0), conditions)
    step = step_of(conditions, epoch)
    cost = -(step.units().output.softmax(1) + 1e-8).log()
    own = cost.gather(1, step.units().target[:, None])[:, 0]
    torch.testing.assert_close(method.objective(step), (own - weight * cost.mean(1)).mean())


def test_the_sieve_keeps_what_is_below_the_mean_over_classes(settings: dict[str, Conditions]) -> None:
    conditions = settings["multiclass"]
    method = ready(Cores2(prior=False), conditions)
    step = step_of(conditions, 60)
    cost = -(step.units().output.softmax(1) + 1e-8).log()
    own, mean = cost.gather(1, step.units().target[:, None])[:, 0], cost.mean(1)
    kept = own <= mean
    assert 0 < int(kept.sum()) < len(kept)
    torch.testing.assert_close(method.objective(step), (own - 2 * mean)[kept].mean())
    suspicion = method.suspicion()
    assert suspicion is not None
    torch.testing.assert_close(suspicion[:40], (own - mean).detach())
    again = step.again()
    before = suspicion.clone()
    again.units().output.data += 1.0
    method.objective(again)
    assert torch.equal(method.suspicion(), before)  # type: ignore[arg-type]


def test_weights_of_the_regularizer_are_the_noisy_prior() -> None:
    conditions = make_conditions("multiclass")
    method = ready(Cores2(), conditions)
    counts = np.bincount(conditions.data.train.value.reshape(-1), minlength=4)
    assert isinstance(method, Cores2)
    np.testing.assert_allclose(method.weights[0], counts / counts.sum(), rtol=1e-6)
