"""Units and the layout that they came from."""

from __future__ import annotations

import numpy as np
import pytest
import torch
from support.problems import grid, made
from support.tiny import PROBLEMS

from benchmark.core.types import Units
from benchmark.data.problems import Multiclass
from benchmark.methods.step import Batch, Passes, Step


@pytest.mark.parametrize("name", PROBLEMS)
def test_flatten_and_dense_are_inverse(name: str) -> None:
    problem, y, _, _ = made(name)
    at = np.random.default_rng(1).permutation(len(y))[:23]
    step, output, live = grid(problem, y, at)
    units = step.flatten(output)
    lifted = problem.lift(output)
    assert units.output.shape == (int(live.sum()), problem.num_classes)
    for fill in (0.0, -9.0):
        dense = units.dense(units.output, fill)
        assert dense.shape == lifted.shape
        assert torch.equal(dense[live], lifted[live])
        assert bool((dense[~live] == fill).all())
    assert units.target.tolist() == problem.labels(y).value[units.index].tolist()
    assert torch.equal(units.index, torch.from_numpy(at)[units.row] * problem.width + units.column)
    assert torch.equal(units.dense(units.row, -1)[live], torch.nonzero(live)[:, 0])


def test_gradients_reach_the_output_through_units_and_dense() -> None:
    problem, y, _, _ = made("tagging")
    step, output, live = grid(problem, y, np.arange(9))
    output.requires_grad_()
    units: Units = step.flatten(output)
    units.dense(units.output.square().sum(1), 0.0).sum().backward()
    assert output.grad is not None
    assert torch.equal(output.grad, torch.where(live[..., None], 2 * output.detach(), torch.zeros(())))


def test_test_time_units_have_no_target() -> None:
    step = Step([], Multiclass(list("abc")), Batch([torch.zeros(4, 2)], torch.arange(4), None, None), Passes.zeros(1))
    with pytest.raises(LookupError, match="no targets at test time"):
        _ = step.flatten(torch.zeros(4, 3)).target
