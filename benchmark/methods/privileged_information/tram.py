"""TRAM: privileged information explains label noise away."""

from __future__ import annotations

from collections.abc import Iterable
from typing import ClassVar

import torch
from torch import Tensor, nn

from benchmark.methods.base import Method, RunInfo
from benchmark.methods.step import Step


class TRAM(Method):
    """Two heads on one encoder: one sees who labeled and how, the other predicts without and does not move the encoder.

    Collier et al., 2022, arXiv:2202.09244. CE(W [f, MLP(f, a)], y) + ``weight`` CE(head(stop-gradient(f)), y): f the features, a the privileged
    inputs of the training example, MLP one layer of ``tower`` units. The second head speaks at test time. ``random`` > 0 is TRAM++ (Ortiz-Jimenez et
    al., 2023, arXiv:2303.01806; 8 to 28): so many fixed random numbers an example join a, a shortcut by which the first head can
    memorize without the features. The privileged inputs are those of the label that is trained on; the published runs on CIFAR-10H and CIFAR-10N train on
    every annotator's label of an image at once, each with its own inputs. One forward and one backward pass; memory N x random.
    """

    kinds = frozenset({"categorical"})
    problems = frozenset({"multiclass"})
    needs = frozenset({"privileged"})
    keeps = "N x random"
    follows: ClassVar[dict[str, str]] = {
        "schedule": "as the paper: none of its own",
        "normalisation": "ours, because an image has one label here (published runs: all annotators' at once); weight 1 as in the paper",
        "batch_statistics": "as the paper: training's passes alone",
        "predicts": "as the paper: the head without privileged inputs",
    }
    family = "privileged information"
    cites = "Collier et al., 2022, arXiv:2202.09244"
    differs = (
        "one label an image, where the published runs train on all its annotators' labels at "
        "once; the tower has one layer, on features and privileged inputs as they are (released: "
        "privileged inputs pass a layer of their own before it), of 128 units (released for "
        "ImageNet: 1,024)"
    )

    shortcut: Tensor

    def __init__(self, tower: int = 128, weight: float = 1.0, random: int = 0) -> None:
        super().__init__()
        self.width, self.weight, self.random = tower, weight, random

    def setup(self, run: RunInfo) -> None:
        """The privileged head, and the shortcut."""
        known = run.need("privileged").shape[1] + self.random
        self.register_buffer("shortcut", torch.randn(run.num_examples, self.random, device=run.device))
        self.tower = nn.Sequential(nn.Linear(run.features + known, self.width, device=run.device), nn.ReLU())
        self.privileged = nn.Linear(run.features + self.width, run.num_classes, device=run.device)

    def trained_parameters(self) -> Iterable[nn.Parameter]:
        """Of the privileged head."""
        yield from self.tower.parameters()
        yield from self.privileged.parameters()

    def objective(self, step: Step) -> Tensor:
        """Loss of the privileged head plus the weighted loss of the other one."""
        features = step.encode()
        known = torch.cat([step.extras["privileged"], self.shortcut[step.index]], dim=1)
        knowing = step.flatten(self.privileged(torch.cat([features, self.tower(torch.cat([features, known], dim=1))], dim=1)))
        blind = step.flatten(step.head(0, features.detach()))
        return (self.loss(knowing.output, knowing.target) + self.weight * self.loss(blind.output, blind.target)).mean()
