"""The fifteen traps that implementations of these methods fall into, each with its test: those that no other file has, and where the others are."""

from __future__ import annotations

import ast
import itertools
from pathlib import Path
from typing import Any

import numpy as np
import pytest
import torch
from support.tiny import make_conditions

from benchmark import functional as f
from benchmark.config.build import build, load
from benchmark.functional.residuals import superloss_weight
from benchmark.methods.base import set_up
from benchmark.methods.step import Batch, Passes, Step
from benchmark.running.conditions import Conditions
from benchmark.training.recipe import run_info

TRAPS = {
    "asl: reduction, sign of the margin, gradient of the focus": ["test_asl_is_a_sum_with_a_lifted_negative_and_a_weight_without_gradient"],
    "large_loss: schemes, rank, ties, first epoch": [
        "test_large_losses_are_ranked_among_unobserved_entries_from_the_second_epoch",
        "test_permanent_corrections_stay_and_temporary_ones_do_not",
        "test_ties_of_large_losses_are_all_taken",
    ],
    "em_apl: sign of the entropy, negatives only, quota of the start": [
        "test_em_subtracts_the_entropy_of_unknown_entries",
        "test_em_makes_only_negative_pseudo_labels_with_a_quota_of_the_start",
    ],
    "role: stopped gradients, start of the table, C^2": ["test_role_stops_gradients_and_starts_where_the_paper_says"],
    "pu_mlc: the whole batch, power of the mean, scale": ["test_positive_unlabelled_sees_the_whole_batch_and_weighs_the_mean"],
    "nvum: memory of logits less their prior": ["test_nvum_remembers_logits_less_their_prior"],
    "cleanlab: the smallest value last": ["test_examples_are_scored_as_in_cleanlab"],
    "lwlrap: weighted by labels, ties": [
        "test_lwlrap_is_weighted_by_labels_not_by_examples_or_classes",
        "test_lwlrap_of_ties_is_pessimistic_and_unknown_labels_rank_last",
    ],
    "CF1 is no mean of F1": ["test_cf1_is_not_the_mean_of_f1"],
    "confrag: own and a neighbor, gate, union of two draws": ["test_confrag_probability_by_loops", "test_confrag_trains_on_the_union_of_two_draws"],
    "cmixup: self pairs, one weight a batch": ["test_cmixup_draws_partners_by_the_kernel_of_their_targets", "test_cmixup_has_one_weight_a_batch"],
    "superloss: branch point, constant weight": ["test_superloss_weight_minimizes_its_loss", "test_superloss_weight_is_a_constant_of_the_gradient"],
    "bomd: best descriptor first, factor 2, votes": [
        "test_bags_are_ranked_by_their_best_descriptor",
        "test_smoothing_reaches_only_labels_that_somebody_votes_for",
    ],
    "bags: beliefs that do not settle": ["test_beliefs_about_bags_settle_on_the_marginals", "test_beliefs_that_do_not_settle_are_refused"],
    "nbpo: the update is not the gradient": ["test_the_update_of_nbpo_is_not_the_gradient_of_its_likelihood"],
}


def test_every_trap_has_its_tests() -> None:
    written = {
        node.name for file in Path(__file__).parent.glob("**/test_*.py") for node in ast.parse(file.read_text(encoding="utf8")).body if hasattr(node, "name")
    }
    assert len(TRAPS) == 15
    assert {name for names in TRAPS.values() for name in names} <= written


@pytest.fixture(scope="module")
def conditions() -> Conditions:
    return make_conditions("regression")


def started(name: str, conditions: Conditions, **options: Any) -> tuple[Any, Step]:
    """A method that is set up, and a step on the first 40 examples."""
    method: Any = build(load("method", name, **options), "method")
    set_up(method, run_info(conditions.data, conditions.recipe.settings, 20, 0, {}))
    part, at = conditions.data.train, torch.arange(40)
    networks = conditions.recipe.networks(conditions.data.problem, method.networks)
    return method, Step(networks, conditions.data.problem, Batch([part.x[at]], at, part.value[at], None), Passes.zeros(method.networks))


@pytest.mark.parametrize(("second", "expected"), [(0.5, [True, True, True, False]), (0.95, [True, True, False, False])])
def test_confrag_trains_on_the_union_of_two_draws(second: float, expected: list[bool], conditions: Conditions, monkeypatch: pytest.MonkeyPatch) -> None:
    """Each space has a number of its own to be drawn by."""
    method, step = started("confrag", conditions)
    right, space = torch.tensor([[0.9, 0.9, 0.2, 0.2], [0.9, 0.2, 0.9, 0.2]]).repeat(1, 10), iter((0, 1))
    monkeypatch.setattr(method, "_probability", lambda votes, at: right[next(space)][at])
    monkeypatch.setattr(method, "rng", type("Fixed", (), {"random": staticmethod(lambda shape: np.tile([0.5, second], (shape[0], 1)))}))
    nothing = (torch.zeros(0, 1), torch.zeros(0, dtype=torch.bool), torch.zeros(0, dtype=torch.long))
    assert method._draw(step, [nothing] * len(method.pairs)).tolist() == expected * 10
    assert torch.allclose(method.suspicion()[2], torch.tensor((1 - 0.2) * (1 - 0.9)))


def test_cmixup_has_one_weight_a_batch(conditions: Conditions, monkeypatch: pytest.MonkeyPatch) -> None:
    method, step = started("cmixup", conditions)
    weights: list[Any] = []
    mix = step.mix
    monkeypatch.setattr(step, "mix", lambda lam, partner: weights.append(lam) or mix(lam, partner))
    for _ in range(3):
        method.objective(step)
    assert all(isinstance(lam, float) for lam in weights)
    assert len(set(weights)) == 3


def test_superloss_weight_is_a_constant_of_the_gradient(conditions: Conditions) -> None:
    method, step = started("superloss", conditions)
    method.tau = torch.tensor(1.0)
    units = step.units()
    units.output.retain_grad()
    method.objective(step).backward()
    loss = (units.output[:, 0] - units.target).square().detach()
    sigma = superloss_weight(loss, float(method.tau), method.lam)
    assert torch.allclose(units.output.grad[:, 0], sigma * 2 * (units.output[:, 0] - units.target).detach() / 40, atol=1e-6)  # type: ignore[index]


def marginals(bags: np.ndarray, count: np.ndarray, edges: np.ndarray, similarity: np.ndarray, weight_bag: float, weight_edge: float) -> np.ndarray:
    """By enumeration."""
    total, found = 0.0, np.zeros(bags.max() + 1)
    for labels in itertools.product((0, 1), repeat=len(found)):
        y = np.array(labels)
        energy = weight_bag * sum((y[bag[bag >= 0]].sum() - c) ** 2 for bag, c in zip(bags, count, strict=True))
        energy += weight_edge * (similarity * (y[edges[:, 0]] - y[edges[:, 1]]) ** 2).sum()
        total, found = total + np.exp(-energy), found + np.exp(-energy) * y
    return np.asarray(found / total)


BAGS, COUNT = np.array([[0, 1, 2, 3, 4], [5, 6, 7, 8, -1]]), np.array([1, 2])
EDGES = np.array([[0, 5], [1, 6], [2, 8], [3, 7], [4, 5], [0, 8], [1, 3], [6, 7]])
SIMILARITY = np.array([0.9, 0.1, 0.5, 0.3, 0.7, 0.8, 0.2, 0.6])


@pytest.mark.parametrize("weight", [0.5, 2.0, 10.0])
def test_beliefs_about_bags_settle_on_the_marginals(weight: float) -> None:
    """With a bag as pairs of its members they oscillate at weight 10, wrong by .37 on average."""
    bags, count, edges, similarity = (torch.from_numpy(part) for part in (BAGS, COUNT, EDGES, SIMILARITY))
    alone = f.bag_marginals(bags, count, edges[:0], similarity[:0], weight)
    assert np.allclose(alone, marginals(BAGS, COUNT, EDGES[:0], SIMILARITY[:0], weight, 1.0), atol=1e-4)
    tied = f.bag_marginals(bags, count, edges, similarity, weight, 1.0).numpy()
    exact = marginals(BAGS, COUNT, EDGES, SIMILARITY, weight, 1.0)
    assert np.abs(tied - exact).mean() < 0.03
    assert np.abs(exact - alone.numpy()).mean() > 0.03  # so that the edges matter


def test_beliefs_that_do_not_settle_are_refused() -> None:
    bags, count, edges, similarity = (torch.from_numpy(part) for part in (BAGS, COUNT, EDGES, SIMILARITY))
    with pytest.raises(ArithmeticError, match=r"still move by .* after 3 rounds: give more rounds"):
        f.bag_marginals(bags, count, edges, similarity, 10.0, 1.0, rounds=3)


@pytest.mark.parametrize("one", [0.0, 1.0])
def test_the_update_of_nbpo_is_not_the_gradient_of_its_likelihood(one: float) -> None:
    z, a = (torch.linspace(-2, 2, 7, dtype=torch.float64).roll(shift).requires_grad_(True) for shift in (0, 3))
    r, g, observed = z.sigmoid(), a.sigmoid(), torch.full((7,), one, dtype=torch.float64)
    (r * (1 - g) if one else 1 - r + g * r).log().sum().backward()
    exact = f.missing_positive_slopes(r.detach(), g.detach(), observed, True)
    surrogate = f.missing_positive_slopes(r.detach(), g.detach(), observed, False)
    for slope, released, leaf in zip(exact, surrogate, (z, a), strict=True):
        assert torch.allclose(slope, leaf.grad)  # type: ignore[arg-type]
        assert float((slope - released).abs().max()) > 0.1
    r_, g_ = r.detach().numpy(), g.detach().numpy()
    expected = ((1 - g_) * (1 - r_), -g_ * r_) if one else (g_ * (1 - r_) - r_, (1 - g_) * r_)
    for released, by_hand in zip(surrogate, expected, strict=True):
        assert np.allclose(released, by_hand)
