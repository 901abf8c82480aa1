"""What methods share that correct their loss with a transition matrix, given or estimated."""

from __future__ import annotations

from typing import ClassVar, Literal

import numpy as np
import torch
from torch import Tensor

from benchmark import functional
from benchmark.core.errors import ConfigError
from benchmark.core.types import Units
from benchmark.methods.base import Fit, FitFunction, Method, Price, RunInfo

Estimator = Literal["oracle", "anchor", "dual_t", "hoc", "given"]


class Corrected(Method):
    """T[i, j] = P(observed j | right i), (L, K, K): one matrix per label of a multi-label task, else L = 1.

    ``estimator``: ``oracle`` is the realised T of the run (privileged); ``given`` is ``matrix``; the others first train a plain
    network for a share ``first_stage`` of the epochs on the noisy labels. ``anchor`` reads T from its posteriors at anchor points, below
    ``percentile`` (97, null = the largest; Patrini et al., 2017, arXiv:1609.03683); ``dual_t`` multiplies their matrix with counted labels
    (Yao et al., 2020, arXiv:2006.07805); ``hoc`` solves for T from the labels of nearest neighbours in feature space (Zhu, Song and Liu, 2021,
    arXiv:2102.05291). Units that are not live take no part.
    """

    family = "loss correction"
    kinds = frozenset({"categorical"})
    needs = frozenset({"transition"})
    needs_where: ClassVar[dict[str, tuple[str, str]]] = {"transition": ("estimator", "oracle")}
    keeps = "C K K"

    transition: Tensor

    def __init__(
        self, estimator: Estimator = "oracle", percentile: float | None = 97.0, first_stage: float = 1.0, matrix: list[list[float]] | None = None
    ) -> None:
        super().__init__()
        self.estimator, self.percentile, self.first_stage, self.matrix = estimator, percentile, first_stage, matrix
        self.needs = frozenset({"transition"}) if estimator == "oracle" else frozenset()  # type: ignore[misc]

    @property
    def estimates(self) -> bool:
        """Whether there is a first stage."""
        return self.estimator not in ("oracle", "given")

    def passes(self, epochs: int) -> Price:
        """One of each; with a first stage, its training and one look at all training examples."""
        share = max(1, round(self.first_stage * epochs)) / epochs if self.estimates else 0.0
        return Price(1 + share + (1 / epochs if self.estimates else 0), 1 + share)

    def setup(self, run: RunInfo) -> None:
        """Keep T where it is known; the identity until it is estimated.

        Raises:
            ConfigError: ``matrix`` is no transition matrix of the task.
        """
        if self.estimator == "oracle":
            self.register_buffer("transition", run.need("transition"))
        elif self.estimator == "given":
            self.register_buffer("transition", given_matrix(self.matrix, run.num_classes).to(run.device))
        else:
            layers = run.width if run.problem == "multilabel" else 1
            self.register_buffer("transition", torch.eye(run.num_classes, device=run.device).repeat(layers, 1, 1))

    def prepare(self, fit: FitFunction, run: RunInfo) -> None:
        """The first stage, where T is estimated."""
        if self.estimates:
            first = fit(epochs=max(1, round(self.first_stage * run.epochs)))
            self.transition = self.estimate(first, run).float().to(run.device)

    def estimate(self, first: Fit, run: RunInfo) -> Tensor:
        """(L, K, K) from the first network."""
        seen, everyone, k = run.observed["train"], np.arange(run.num_examples), run.num_classes
        layers = [seen.live & (seen.column == c) for c in range(run.width)] if run.problem == "multilabel" else [seen.live]
        if self.estimator == "hoc":
            features, rng = first.features(everyone).cpu(), run.generator("hoc")
            counts = [functional.neighbor_consensus(features[at], seen.value[at], k, rng) for at in layers]
            first_order, second_order, third_order = (torch.stack(parts) for parts in zip(*counts, strict=True))
            return functional.consensus_transition(first_order, second_order, third_order)[0]
        posterior = first.predict(everyone).cpu()
        if self.estimator == "anchor":
            return torch.stack([functional.anchor_transition(posterior[at], self.percentile) for at in layers])
        return torch.stack([functional.dual_transition(posterior[at], seen.value[at], self.percentile) for at in layers])

    def of_units(self, matrix: Tensor, units: Units) -> Tensor:
        """The matrix (K, K) of all units, or one per unit (U, K, K), from (L, K, K)."""
        return matrix[units.column] if len(matrix) > 1 else matrix[0]

    def estimated_transition(self) -> Tensor:
        """T."""
        return self.transition


def given_matrix(rows: list[list[float]] | None, num_classes: int) -> Tensor:
    """(1, K, K) from the rows of a yaml.

    Raises:
        ConfigError: it is missing, has another shape, or its rows are no distributions.
    """
    if rows is None:
        raise ConfigError("method.matrix is missing: estimator=given wants method.matrix=[[...], ...], T[i][j] = P(observed j | right i)")
    if len(rows) != num_classes or any(len(row) != num_classes for row in rows):
        raise ConfigError(f"method.matrix has {len(rows)} rows of {sorted({len(row) for row in rows})}: the task has {num_classes} classes")
    matrix = torch.tensor(rows, dtype=torch.float32)
    if bool((matrix < 0).any()) or bool(((matrix.sum(1) - 1).abs() > 1e-4).any()):
        raise ConfigError(f"method.matrix={rows} has a row that is no distribution: entries from 0, sums of 1")
    return matrix[None]
