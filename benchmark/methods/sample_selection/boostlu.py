"""BoostLU: positive class activations are raised before they are pooled."""

from __future__ import annotations

from typing import ClassVar

import torch
from torch import Tensor

from benchmark.methods.base import RunInfo
from benchmark.methods.sample_selection.large_loss import LargeEntries, Scheme
from benchmark.methods.shared.multilabel import Grid, MultiLabelMethod, grid_of
from benchmark.methods.step import Step


class BoostLU(MultiLabelMethod):
    """Large-loss training on logits mean over places of boost(x), boost(x) = alpha x for x > 0, else x, of the class activation map x.

    Kim et al., 2023, arXiv:2304.01804. The map is the head at every place of the encoder's features (B, places, D), as the model
    ``cnn_cam`` gives them; features (B, D) are one place, where there is nothing to pool and only the slope of positive logits changes.
    It acts in training and at test time. ``scheme`` and ``delta`` are those of ``large_loss``; with delta 0 it is assume-negative training.
    One forward and one backward pass.
    """

    release = "youngwk/BridgeGapExplanationPAMC@4a1986c"
    follows: ClassVar[dict[str, str]] = {
        "schedule": "as released: a plain first epoch, then delta an epoch (scaled to the run's length)",
        "normalisation": "as released: the mean over all entries",
        "batch_statistics": "as released: training's passes alone",
        "predicts": "as the paper: boosted logits",
    }
    family = "sample selection"
    keeps = "N C bits"
    cites = "Kim et al., 2023, arXiv:2304.01804"
    differs = "on models without a map of places there is one place"

    def __init__(self, alpha: float = 5.0, scheme: Scheme = "reject", delta: float = 0.5) -> None:
        super().__init__()
        self.alpha = alpha
        self.scheme = scheme
        self.delta = delta

    def setup(self, run: RunInfo) -> None:
        """Begin without a corrected label."""
        self.large = LargeEntries(run, self.scheme, self.delta)

    def layout_loss(self, grid: Grid, step: Step) -> Tensor:
        """Return the mean over the live entries of a batch (B, C), from boosted logits."""
        return self.large.loss(grid, step)

    def grid(self, step: Step, net: int = 0) -> Grid:
        """The batch with boosted logits."""
        return grid_of(step, self.boosted(step, net))

    def boosted(self, step: Step, net: int = 0) -> Tensor:
        """(B, C) logits."""
        features = step.encode(net)
        places = features if features.dim() == 3 else features[:, None]
        flat = places.reshape(-1, 1, places.shape[2]) if features.dim() == 3 else places[:, 0]
        activation = step.head(net, flat).reshape(*places.shape[:2], -1)
        return torch.where(activation > 0, self.alpha * activation, activation).mean(1)

    def predict(self, step: Step) -> Tensor:
        """(U, 2) probabilities from boosted logits."""
        return step.flatten(self.boosted(step)).output.softmax(1)
