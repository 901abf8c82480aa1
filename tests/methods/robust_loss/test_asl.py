"""The asymmetric loss of a batch, where some entries are unknown."""

from __future__ import annotations

import torch
from torch.nn import functional as F  # noqa: N812

from benchmark.data.problems import MultiLabel
from benchmark.methods.robust_loss.asl import ASL
from benchmark.methods.step import Batch, Passes, Step
from benchmark.models.base import InputShape
from benchmark.models.linear import Linear


def test_asl_method_sums_over_the_live_entries() -> None:
    problem, shape = MultiLabel(["a", "b", "c"]), InputShape((4,), torch.float32)
    network = Linear(shape, 3)
    x, y = torch.randn(6, 4, generator=torch.Generator().manual_seed(0)), torch.tensor([[1, 0, 1], [0, 0, 1], [1, 1, 0]] * 2)
    live = torch.ones(6, 3, dtype=torch.bool)
    live[1, 2] = live[4, 0] = False
    with torch.no_grad():
        each = F.binary_cross_entropy_with_logits(network(x), y.float(), reduction="none")
    for mask in (None, live):
        step = Step([network], problem, Batch([x], torch.arange(6), y, mask), Passes.zeros(1))
        found = ASL(gamma_negative=0.0, gamma_positive=0.0, margin=0.0).objective(step)
        torch.testing.assert_close(found.detach(), (each if mask is None else each[mask]).sum())
