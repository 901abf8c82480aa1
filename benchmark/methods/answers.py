"""Answers of single sources on the units of a batch, found without a table of units x sources."""

from __future__ import annotations

import torch
from torch import Tensor

from benchmark.core.answers import Answers


class AnswerTable:
    """Hold the answers of single sources on the units of a split as tensors, and find those of a batch.

    Attributes:
        sources: A, how many there are.
    """

    def __init__(self, answers: Answers, units: int, device: torch.device) -> None:
        self.sources = len(answers.names)
        self._start = torch.from_numpy(answers.starts(units)).to(device)
        self._source = torch.from_numpy(answers.source).long().to(device)
        self._label = torch.from_numpy(answers.label).to(device)

    def of(self, index: Tensor) -> tuple[Tensor, Tensor, Tensor]:
        """Return position in ``index`` (U,), source and label of every answer on these units, (T,) each."""
        first = self._start[index]
        count = self._start[index + 1] - first
        position = torch.arange(len(index), device=index.device).repeat_interleave(count)
        within = torch.arange(len(position), device=index.device) - (count.cumsum(0) - count)[position]
        chosen = first[position] + within
        return position, self._source[chosen], self._label[chosen]
