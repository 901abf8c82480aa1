"""Suspicious labels as a person sees them."""

from __future__ import annotations

import pytest
import torch

from benchmark.methods.base import Method
from benchmark.running.conditions import Conditions
from benchmark.running.suspects import COLUMNS, suspects


@pytest.mark.parametrize("problem", ["multiclass", "tagging", "multilabel", "regression"])
def test_suspicious_labels_are_shown_with_what_a_person_needs(problem: str, settings: dict[str, Conditions]) -> None:
    conditions = settings[problem]

    class Known(Method):
        def suspicion(self) -> torch.Tensor:
            return torch.arange(conditions.data.num_units, dtype=torch.float)

    lines = suspects(Known(), conditions, 4)
    assert len(lines) == 4
    assert all(len(line) == len(COLUMNS) for line in lines)
    scores = [line[COLUMNS.index("suspicion")] for line in lines]
    assert scores == sorted(scores, reverse=True)
    live = conditions.data.train.live.flatten()
    assert all(live[line[0] * conditions.data.problem.width + line[1]] for line in lines)
    assert suspects(Method(), conditions) == []
