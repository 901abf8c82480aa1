"""Empirical risk minimisation: the plain baseline, and its controls at another price."""

from __future__ import annotations

from typing import Any, ClassVar

import torch
from torch import Tensor

from benchmark import functional
from benchmark.methods.base import Method
from benchmark.methods.step import Step


class ERM(Method):
    """Mean cross entropy, or mean squared error on continuous targets.

    A model that defines the likelihood of whole sequences (CRF) is trained by it (``crf_nll``) unless
    ``sequence`` is false (``crf_marginal``: the same token loss as every other method).
    ``epochs`` multiplies the trainer's: erm_long has the cost of a method with two networks.
    ``label_smoothing`` is there to be tuned, as plain training is: the method ``label_smoothing`` with that eps. It leaves
    continuous targets and the likelihood of whole sequences as they are.
    With ``soft`` the targets are the class probabilities of a label model, where the noise has them
    (``noise=votes noise.soft=true``); the observed label is their arg-max.
    """

    plugin_name: ClassVar[str] = "erm"  # several yamls are presets of it

    native = frozenset({"multiclass", "tagging", "multilabel", "regression"})
    follows: ClassVar[dict[str, str]] = {
        "schedule": "as the paper: none of its own",
        "normalisation": "as the paper: the mean over units",
        "batch_statistics": "as the paper: training's passes alone",
        "predicts": "as the paper: the network",
    }
    family = "baseline"
    cites = "Vapnik, 1991, Advances in Neural Information Processing Systems 4"

    needs = frozenset({"soft"})
    needs_where: ClassVar[dict[str, tuple[str, Any]]] = {"soft": ("soft", True)}

    def __init__(
        self,
        epochs: float = 1.0,
        sequence: bool = True,
        label_smoothing: float = 0.0,
        soft: bool = False,
    ) -> None:
        super().__init__()
        self.epoch_factor = epochs
        self.sequence = sequence
        self.label_smoothing = label_smoothing
        self.soft = soft
        self.needs = frozenset({"soft"}) if soft else frozenset()  # type: ignore[misc]

    def loss(self, output: Tensor, target: Tensor) -> Tensor:
        """output (U, K), target (U,) -> (U,)."""
        if self.label_smoothing == 0 or output.shape[1] == 1:
            return super().loss(output, target)
        return functional.label_smoothing(output, target, self.label_smoothing)

    def objective(self, step: Step) -> Tensor:
        """Return the mean loss over the labelled units; with ``soft`` cross entropy against what the label model believes."""
        if self.soft:
            return -(step.soft() * step.units().output.log_softmax(1)).sum(1).mean()
        loss = step.sequence_loss() if self.sequence else None
        return super().objective(step) if loss is None else loss


class Ensemble(Method):
    """``networks`` independent networks with the same batches; the prediction is the mean of their probabilities."""

    native = ERM.native
    follows: ClassVar[dict[str, str]] = {
        "schedule": "as the paper: none of its own",
        "normalisation": "as the paper: the mean over units",
        "batch_statistics": "as the paper: training's passes alone",
        "predicts": "as the paper: the mean probability of the networks",
    }
    family = "baseline"
    cites = "Lakshminarayanan, Pritzel and Blundell, 2017, arXiv:1612.01474"

    def __init__(self, networks: int = 2) -> None:
        super().__init__()
        self.networks = networks

    def objective(self, step: Step) -> Tensor:
        """Sum of the networks' losses, so that each gets the gradient it would get alone."""
        losses = [self.loss(units.output, units.target).mean() for units in map(step.units, range(self.networks))]
        return torch.stack(losses).sum()
