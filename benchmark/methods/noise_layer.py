"""Noise adaptation layer."""

from __future__ import annotations

from collections.abc import Iterable

import torch
from torch import Tensor, nn

from benchmark import functional
from benchmark.methods.base import Method, RunInfo
from benchmark.step import Step


class NoiseLayer(Method):
    """-log (p T)_y with T = softmax of free rows, trained with the network from a nearly identical start.

    Goldberger and Ben-Reuven, 2017 (ICLR; the simple model, whose layer does not see the input), after Sukhbaatar et al., 2014, arXiv:1406.2080. Multi-label
    tasks have one 2 x 2 layer per label. Nothing keeps T from taking over what the network should say; the start and few epochs do. One forward and
    one backward pass.
    """

    kinds = frozenset({"categorical"})
    native = frozenset({"multiclass", "multilabel"})
    keeps = "C K K"
    cites = "Goldberger and Ben-Reuven, 2017, ICLR"
    differs = "starts from ``diagonal``, not from the confusion matrix of a network trained before"

    def __init__(self, diagonal: float = 0.95) -> None:
        super().__init__()
        self.diagonal = diagonal

    def setup(self, run: RunInfo) -> None:
        """Logits of T (L, K, K)."""
        layers, k = run.width if run.problem == "multilabel" else 1, run.num_classes
        start = torch.full((layers, k, k), (1 - self.diagonal) / (k - 1), device=run.device)
        start.diagonal(dim1=1, dim2=2).fill_(self.diagonal)
        self.weight = nn.Parameter(start.log())

    def trained_parameters(self) -> Iterable[nn.Parameter]:
        """The layer learns with the network."""
        return [self.weight]

    def objective(self, step: Step) -> Tensor:
        """Mean corrected loss."""
        units, matrix = step.units(), self.weight.softmax(2)
        per_unit = matrix[units.column] if len(matrix) > 1 else matrix[0]
        return functional.forward_correction(units.output, units.target, per_unit).mean()

    def estimated_transition(self) -> Tensor:
        """T as learned."""
        return self.weight.detach().softmax(2)
