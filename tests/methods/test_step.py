"""Batches become units, and batches are stacked."""

from __future__ import annotations

import numpy as np
import pytest
import torch
from support.problems import TAGS, grid
from torch.nn import functional as F  # noqa: N812

from benchmark.data.problems import MultiLabel, Tagging
from benchmark.methods.step import Batch, Passes, Step


def test_two_class_units_are_binary_cross_entropy() -> None:
    """Cross entropy of [0, z] and its gradient are those of BCE with logit z, extreme logits included."""
    rng = torch.Generator().manual_seed(0)
    z = torch.cat([4 * torch.randn(30, 3, generator=rng, dtype=torch.float64), torch.tensor([[-50.0, 50.0, 700.0], [-700.0, 0.0, 1e4]]).double()])
    y = torch.randint(0, 2, z.shape, generator=rng)
    twins = [z.clone().requires_grad_() for _ in range(2)]
    step = Step([], MultiLabel(list("pqr")), Batch([z], torch.arange(len(z)), y, None), Passes.zeros(1))
    units = step.flatten(twins[0])
    ours = F.cross_entropy(units.output, units.target, reduction="none")
    theirs = F.binary_cross_entropy_with_logits(twins[1], y.double(), reduction="none")
    torch.testing.assert_close(ours, theirs.reshape(-1), rtol=1e-14, atol=1e-14)
    torch.testing.assert_close(units.output.softmax(1)[:, 1], z.sigmoid().reshape(-1), rtol=1e-14, atol=0.0)
    ours.sum().backward()
    theirs.sum().backward()
    torch.testing.assert_close(twins[0].grad, twins[1].grad, rtol=1e-14, atol=1e-14)


def test_a_batch_refuses_grids_of_two_widths() -> None:
    live = torch.ones(2, 3, dtype=torch.bool)
    with pytest.raises(ValueError, match=r"differ in width: \[3, 4\]"):
        Batch([torch.zeros(2, 4, 1)], torch.arange(2), None, live, width=4)


def test_stacked_batches_keep_their_own_lengths() -> None:
    y = np.array([[0, 1, -1, -1], [2, 0, -1, -1], [0, 1, 2, 0], [0, -1, -1, -1], [1, 2, 1, -1]])
    problem = Tagging(TAGS, 4)
    parts = [(grid(problem, y, np.array(at))[0], 0) for at in ([0, 1], [3], [4])]
    both = parts[0][0].stack(parts)
    assert both.width == 3
    assert both.inputs().shape == (4, 3, 1)
    assert both.slots()[0].tolist() == [0, 1, 4, 5, 12, 16, 17, 18]
    assert both.slots()[1].tolist() == [0, 0, 1, 1, 2, 3, 3, 3]
    alike = parts[1][0].stack([parts[1], parts[1]])  # one token each: no mask, and still not 4 slots
    assert alike.width == 1
    assert alike.slots()[0].tolist() == [12, 12]
