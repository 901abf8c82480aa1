"""Noise adaptation layer."""

from __future__ import annotations

from collections.abc import Iterable
from typing import ClassVar, Literal

import torch
from torch import Tensor, nn

from benchmark import functional
from benchmark.methods.base import Method, RunInfo
from benchmark.methods.step import Step


class NoiseLayer(Method):
    """-log (p T)_y with T = softmax of free rows, trained with the network from T = d I + (1 - d) 1 s', or counted once.

    Goldberger and Ben-Reuven, 2017 (ICLR; the simple model, whose layer does not see the input), after Sukhbaatar et al., 2014, arXiv:1406.2080. Multi-label
    tasks have one 2 x 2 layer per label. s are the shares of the observed labels and d = ``diagonal``: with 1 - d spread evenly, T alone explains a label that
    is rarer than that, and the network never learns it. Nothing else keeps T from taking over what the network should say; the start and few epochs do.

    ``matrix=counted`` is the noise model of Hedderich, Zhu and Klakow, 2021, arXiv:2101.09763: T is counted on a twentieth of the examples
    whose right labels are known, and stays; those examples learn their right labels (the paper alternates passes over the two sets). It is counted
    between IOB2 tags (the paper: between types, without prefixes), and a tag that the twentieth lacks has the identity's row (there: zeros). One
    forward and one backward pass.
    """

    kinds = frozenset({"categorical"})
    native = frozenset({"multiclass", "multilabel", "tagging"})
    needs = frozenset({"trusted"})
    needs_where: ClassVar[dict[str, tuple[str, str]]] = {"trusted": ("matrix", "counted")}
    keeps = "C K K"
    follows: ClassVar[dict[str, str]] = {
        "schedule": "ours, because no network is trained before: T starts near the identity",
        "normalisation": "as the paper: the mean over units",
        "batch_statistics": "as the paper: training's passes alone",
        "predicts": "as the paper: the network below the layer",
    }
    family = "loss correction"
    cites = "Goldberger and Ben-Reuven, 2017, ICLR"
    developed_on: ClassVar[tuple[str, ...]] = ("yeast",)
    differs = "starts near the identity, not from the confusion matrix of a network trained before"

    def __init__(self, diagonal: float = 0.95, matrix: Literal["learned", "counted"] = "learned") -> None:
        super().__init__()
        self.diagonal, self.matrix = diagonal, matrix
        self.needs = frozenset({"trusted"}) if matrix == "counted" else frozenset()  # type: ignore[misc]

    def setup(self, run: RunInfo) -> None:
        """Logits of T (L, K, K)."""
        layers, k = run.width if run.problem == "multilabel" else 1, run.num_classes
        if self.matrix == "counted":
            right, seen = run.need("trusted"), run.observed["train"]
            of_layer = [(right >= 0) & seen.live & ((seen.column == c) | (layers == 1)) for c in range(layers)]
            counted = torch.stack([functional.counted_transition(right[at], seen.value[at], k) for at in of_layer])
            self.register_buffer("trusted", right.to(run.device))
            self.weight = nn.Parameter(counted.to(run.device).log(), requires_grad=False)
            return
        seen = run.observed["train"]
        layer = seen.column if layers > 1 else torch.zeros_like(seen.column)
        count = torch.bincount((layer * k + seen.value)[seen.live], minlength=layers * k).reshape(layers, 1, k) + 1.0  # no share is 0
        start = self.diagonal * torch.eye(k) + (1 - self.diagonal) * count / count.sum(2, keepdim=True)
        self.weight = nn.Parameter(start.log().to(run.device))

    def trained_parameters(self) -> Iterable[nn.Parameter]:
        """A learned layer learns with the network."""
        return [self.weight] if self.matrix == "learned" else []

    def objective(self, step: Step) -> Tensor:
        """Mean corrected loss, and cross entropy where a right label is known."""
        units, matrix = step.units(), self.weight.softmax(2)
        per_unit = matrix[units.column] if len(matrix) > 1 else matrix[0]
        loss = functional.forward_correction(units.output, units.target, per_unit)
        if self.matrix == "counted":
            right = self.get_buffer("trusted")[units.index]
            loss = torch.where(right >= 0, self.loss(units.output, right.clamp(min=0)), loss)
        return loss.mean()

    def estimated_transition(self) -> Tensor:
        """T as learned or counted."""
        return self.weight.detach().softmax(2)
