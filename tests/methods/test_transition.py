"""Methods that correct with a transition matrix: estimators, limits, revision, volume."""

from __future__ import annotations

from typing import Any

import numpy as np
import pytest
import torch
from support.tiny import make_conditions, run
from torch.nn import functional as F  # noqa: N812

from benchmark.config.build import load
from benchmark.core.errors import ConfigError
from benchmark.methods.base import set_up
from benchmark.methods.loss_correction.backward import Backward
from benchmark.methods.loss_correction.corrected import Corrected, given_matrix
from benchmark.methods.loss_correction.forward import Forward
from benchmark.methods.loss_correction.t_revision import TRevision
from benchmark.methods.loss_correction.volminnet import VolMinNet
from benchmark.methods.step import Batch, Passes, Step
from benchmark.running.conditions import Conditions
from benchmark.running.execution import measure
from benchmark.training.recipe import run_info


def step_of(conditions: Conditions, networks: Any, epoch: int = 0) -> Step:
    part, at = conditions.data.train, torch.arange(24)
    return Step(networks, conditions.data.problem, Batch([part.x[at]], at, part.value[at], None), Passes.zeros(1), epoch=epoch)


@pytest.mark.parametrize("estimator", ["anchor", "dual_t", "hoc"])
@pytest.mark.parametrize("problem", ["multiclass", "multilabel", "tagging"])
def test_estimators_serve_every_categorical_task(problem: str, estimator: str, settings: dict[str, Conditions], monkeypatch: pytest.MonkeyPatch) -> None:
    """T is a stack of transition matrices, its error is in the row, the first stage is paid for, and no need is declared."""
    conditions = settings[problem]
    method = load("method", "forward", estimator=estimator, first_stage=0.5)
    outcome = run(method, conditions)
    found, right = outcome.method.estimated_transition(), conditions.declared["transition"]
    assert found is not None
    assert found.shape == right.shape
    torch.testing.assert_close(found.sum(-1), torch.ones(right.shape[:2]), atol=1e-4, rtol=0)
    assert measure(outcome, conditions)["train/last/transition_error"] == pytest.approx(float((found - right).abs().sum(-1).mean()))
    assert outcome.method.needs == frozenset()
    price = outcome.method.passes(6)
    assert price.forward == pytest.approx(1 + 0.5 + 1 / 6)
    assert sum(outcome.cost["forward"]) / (len(conditions.data.train) * 6) == pytest.approx(price.forward, abs=0.01)


def test_needs_follow_the_estimator() -> None:
    for cls in (Forward, Backward, TRevision):
        assert cls(estimator="oracle").needs == {"transition"}
        assert cls(estimator="anchor").needs == frozenset()
    assert Corrected.needs_where == {"transition": ("estimator", "oracle")}


@pytest.mark.parametrize(
    ("rows", "words"),
    [
        (None, "is missing"),
        ([[1.0, 0.0]], "1 rows"),
        ([[0.5, 0.5], [0.5, 0.4]], "no distribution"),
        ([[1.5, -0.5], [0.0, 1.0]], "no distribution"),
        ([[1.0, 0.0], [1.0]], "rows of \\[1, 2\\]"),
    ],
)
def test_a_matrix_that_is_none_is_one_line(rows: Any, words: str) -> None:
    with pytest.raises(ConfigError, match=words) as caught:
        given_matrix(rows, 2)
    assert "\n" not in str(caught.value)


@pytest.mark.parametrize("cls", [Forward, Backward])
def test_a_given_identity_is_cross_entropy(cls: type[Corrected], settings: dict[str, Conditions]) -> None:
    conditions = settings["multiclass"]
    method = cls(estimator="given", matrix=np.eye(4).tolist())
    set_up(method, run_info(conditions.data, conditions.recipe.settings, 6, 0, {}))
    step = step_of(conditions, conditions.recipe.networks(conditions.data.problem, 1))
    units = step.units()
    torch.testing.assert_close(method.objective(step), F.cross_entropy(units.output, units.target), rtol=1e-5, atol=1e-6)


def test_revision_moves_the_matrix_only_in_the_last_stage_and_weights_carry_no_gradient_to_the_network() -> None:
    conditions = make_conditions("multiclass", epochs=4)
    outcome = run(load("method", "t_revision", revision_lr=0.01), conditions)
    method = outcome.method
    assert isinstance(method, TRevision)
    assert method.start == 4
    assert bool((method.revision != 0).any())
    torch.testing.assert_close(method.estimated_transition().sum(-1), torch.ones(1, 4))
    networks = conditions.recipe.networks(conditions.data.problem, 1)
    step = step_of(conditions, networks)
    method.objective(step).backward()
    units = step_of(conditions, networks).units()
    p = units.output.detach().softmax(1)
    weight = p.gather(1, units.target[:, None])[:, 0] / (p @ (method.transition[0] + method.revision.detach()[0])).gather(1, units.target[:, None])[:, 0]
    expected = torch.autograd.grad((weight * F.cross_entropy(units.output, units.target, reduction="none")).mean(), list(networks[0].parameters()))
    for parameter, gradient in zip(networks[0].parameters(), expected, strict=True):
        torch.testing.assert_close(parameter.grad, gradient)


def test_revision_stays_where_its_rate_is_nothing() -> None:
    method = run(load("method", "t_revision", revision_lr=0.0), make_conditions("multiclass", epochs=2)).method
    assert isinstance(method, TRevision)
    assert not bool(method.revision.any())


def test_volminnet_starts_diagonally_dominant_and_lowers_its_volume() -> None:
    method = VolMinNet(start=-2.0)
    conditions = make_conditions("multiclass")
    set_up(method, run_info(conditions.data, conditions.recipe.settings, 6, 0, {}))
    matrix = method.estimated_transition()[0]
    off = 1 / (1 + np.exp(2.0))
    np.testing.assert_allclose(matrix.diagonal(), 1 / (1 + 3 * off), rtol=1e-6)
    np.testing.assert_allclose(matrix.sum(1), 1, rtol=1e-6)
    before = float(torch.linalg.slogdet(matrix).logabsdet)
    (optimizer,) = method.optimizers(0.1)
    for _ in range(20):
        optimizer.zero_grad()
        torch.linalg.slogdet(method.transition()).logabsdet.mean().backward()
        optimizer.step()
    assert float(torch.linalg.slogdet(method.estimated_transition()[0]).logabsdet) < before


def test_volminnet_finds_a_planted_matrix_on_a_toy() -> None:
    """Posteriors that a table can represent, with anchor points: the T of least volume is the planted one."""
    planted = torch.tensor([[0.7, 0.2, 0.1], [0.1, 0.8, 0.1], [0.15, 0.05, 0.8]])
    clean = torch.cat([torch.eye(3), torch.from_numpy(np.random.default_rng(0).dirichlet(np.ones(3), 40)).float()])
    noisy = clean @ planted
    method = VolMinNet(lam=1e-3)
    method.weight = torch.nn.Parameter(torch.full((1, 3, 3), -2.0))
    logits = torch.zeros(43, 3, requires_grad=True)
    optimizer = torch.optim.Adam([logits, method.weight], lr=0.05)
    for _ in range(1500):
        optimizer.zero_grad()
        matrix = method.transition()
        loss = -(noisy * (logits.softmax(1) @ matrix[0]).log()).sum(1).mean() + method.lam * torch.linalg.slogdet(matrix).logabsdet.mean()
        loss.backward()
        optimizer.step()
    start = VolMinNet()
    start.weight = torch.nn.Parameter(torch.full((1, 3, 3), -2.0))
    error, at_first = (float((t.estimated_transition()[0] - planted).abs().sum(1).mean()) for t in (method, start))
    assert error < 0.06 < at_first
