"""The fifteen traps that implementations of these methods fall into, each with its test: those that no other file has, and where the others are."""

from __future__ import annotations

import ast
from pathlib import Path
from typing import Any

import numpy as np
import pytest
import torch
from support.tiny import make_conditions

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
