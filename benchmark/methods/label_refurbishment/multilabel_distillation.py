"""Multi-label knowledge distillation from a teacher that was trained on the same noisy labels."""

from __future__ import annotations

from typing import ClassVar

import numpy as np
import torch
from torch import Tensor
from torch.nn import functional as F  # noqa: N812

from benchmark import functional
from benchmark.methods.base import FitFunction, Price, Reduction, RunInfo
from benchmark.methods.shared.multilabel import MultiLabelMethod, grid_of
from benchmark.methods.step import Step


class MultiLabelDistillation(MultiLabelMethod):
    """sum BCE + 10 mean_i sum_k KL(Bern(p^T) || Bern(p^S)) + 100 CD + 1000 ID, with label-wise embeddings e_ik of teacher T and student S.

    Yang et al., 2023, arXiv:2308.06453 (L2D). CD: over labels with two positives or more in the batch, smooth L1 between the distances of teacher's
    and student's e_ik of these examples, each divided by its mean, summed over ordered pairs and divided by the number of
    examples; ID: the same over the labels of an example. e_ik = h_i * w_k,
    features times the head's weights, whose sum is the logit. Not a method against wrong labels: the teacher has seen them too. One side
    training, then one forward and one backward pass: the teacher's features and logits are kept.
    """

    release = "penghui-yang/L2D@ea7fa55"
    follows: ClassVar[dict[str, str]] = {
        "schedule": "as the paper: a trained teacher, then its student",
        "normalisation": "ours, because pairs differ in number: structure terms are means over them (released: over points); other terms as released",
        "batch_statistics": "as released: the teacher in evaluation mode",
        "predicts": "as the paper: the student",
    }
    family = "label refurbishment"
    cites = "Yang et al., 2023, arXiv:2308.06453"
    keeps = "N (D + C), D features"
    differs = "teacher and student have one architecture; embeddings come from a linear head, not from a query decoder"
    reduction: ClassVar[Reduction] = "sum"
    version: ClassVar[int] = 2  # pairs are divided by points, no longer by pairs; weight decay of SGD and Adam is that of a sum

    features: Tensor
    weight: Tensor
    believed: Tensor

    def __init__(self, weight_logit: float = 10.0, weight_class: float = 100.0, weight_instance: float = 1000.0) -> None:
        super().__init__()
        self.weight_logit, self.weight_class, self.weight_instance = weight_logit, weight_class, weight_instance

    def passes(self, epochs: int) -> Price:
        """The teacher's training, its features, and the student."""
        return Price(2 + 1 / epochs, 2)

    def prepare(self, fit: FitFunction, run: RunInfo) -> None:
        """The teacher, its pooled features (N, D) and its logits (N, C)."""
        teacher = fit()
        rows = np.arange(run.num_examples)
        features = teacher.features(rows)
        self.register_buffer("features", features.reshape(len(rows), -1, features.shape[1]).mean(1))
        self.register_buffer("weight", teacher.network.head.weight.detach().clone())  # type: ignore[union-attr,operator]
        with torch.no_grad():
            self.register_buffer("believed", teacher.network.head(self.features))  # type: ignore[operator]

    def objective(self, step: Step) -> Tensor:
        """BCE plus the three distillation terms."""
        features = _pooled(step.encode())
        grid = grid_of(step, step.head(0, features))
        old = self.features[step.index][:, None] * self.weight
        eye = torch.eye(features.shape[1], device=features.device)
        heads = (step.head(0, eye) - step.head(0, torch.zeros_like(eye[:1]))).T  # the head is linear
        new = features[:, None] * heads
        positive = grid.positive
        loss = grid.total(F.binary_cross_entropy_with_logits(grid.logit, grid.label, reduction="none"))
        divergence = functional.bernoulli_divergence(self.believed[step.index], grid.logit).sum(1).mean()
        across = functional.structure_distance(old.transpose(0, 1), new.transpose(0, 1), positive.T)
        within = functional.structure_distance(old, new, positive)
        return loss + self.weight_logit * divergence + self.weight_class * across + self.weight_instance * within


def _pooled(features: Tensor) -> Tensor:
    """(B, D): the mean over places, where there are places; a linear head gives the same logits."""
    return features.mean(1) if features.dim() == 3 else features
