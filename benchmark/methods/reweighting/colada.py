"""CoLaDa: soft correction, weighed by the agreement of nearest neighbours."""

from __future__ import annotations

from collections.abc import Sequence
from typing import ClassVar

import numpy as np
import torch
from torch import Tensor
from torch.nn import functional as F  # noqa: N812

from benchmark import functional
from benchmark.core.types import Evaluate, Phase
from benchmark.methods.base import Method, Price, RunInfo
from benchmark.methods.step import Step


class CoLaDa(Method):
    """CE with lam onehot(y) + (1 - lam) w p: p of the network at the start of a round, w how far a token's neighbours agree with it.

    Ma et al., 2023, arXiv:2305.14913. w: share of the ``neighbors`` nearest tokens (cosine of features) whose predicted entity type is the token's own, B- and
    I- alike, divided by the largest among tokens of its predicted tag, w = sigmoid(slope (share - mean of the tag)), divided by the largest of its tag: B- and
    I- of a type are each on a scale of their own. ``rounds`` begin at even
    distances after a warm-up; lam is 0.5 in the first and 0.1 in later ones. The paper denoises translations for another language; here the noisy training set
    stands for the translation. Neighbours are sought among ``bank`` random tokens, not all, and copies of a token count
    as its neighbours; features are the encoder's last ones (the paper: the mean of the last three layers). One forward and one backward pass, two
    forward passes a round.
    """

    kinds = frozenset({"categorical"})
    problems = frozenset({"tagging", "multiclass"})
    native = frozenset({"tagging"})
    warm_up = True
    keeps = "N K"
    follows: ClassVar[dict[str, str]] = {
        "schedule": "ours, because there is one language: rounds at even distances after a warm-up",
        "normalisation": "as the paper: the mean over tokens",
        "batch_statistics": "as the paper: evaluation mode where neighbours are sought",
        "predicts": "ours, because there is one network",
    }
    family = "reweighting"
    cites = "Ma et al., 2023, arXiv:2305.14913"
    fidelity = "adapted"
    differs = "one language: noisy labels in place of translated ones; no second network; neighbours from a random bank, copies too; features of one layer"
    version: ClassVar[int] = 2  # weights are normalised within a tag, no longer within its entity type

    soft: Tensor

    def __init__(
        self, rounds: int = 2, neighbors: int = 50, bank: int = 4000, slope: float = 6.0, warmup: float = 0.4, lam: float = 0.5, later: float = 0.1
    ) -> None:
        super().__init__()
        self.rounds, self.neighbors, self.bank, self.slope = rounds, neighbors, bank, slope
        self.warmup, self.lam, self.later = warmup, lam, later

    def _starts(self, epochs: int) -> list[int]:
        first = max(1, round(self.warmup * epochs))
        return sorted({first + round(i * (epochs - first) / self.rounds) for i in range(self.rounds)} & set(range(epochs)))

    def passes(self, epochs: int) -> Price:
        """One of each, and two looks a round."""
        return Price(1 + 2 * len(self._starts(epochs)) / epochs, 1)

    def setup(self, run: RunInfo) -> None:
        """Targets begin as the given labels."""
        self.run, self.starts = run, self._starts(run.epochs)
        given = run.observed["train"].value.clamp(min=0)
        self.kind_of = types_of(run.names) if run.problem == "tagging" else torch.arange(run.num_classes)
        self.register_buffer("given", F.one_hot(given, run.num_classes).float().to(run.device))
        self.register_buffer("soft", self.get_buffer("given").clone())

    def phases(self, epoch: int, evaluate: Evaluate) -> Sequence[Phase]:
        """New targets where a round begins."""
        if epoch in self.starts:
            probability, features = evaluate("train"), evaluate("train", net=0, features=True).reshape(self.run.num_units, -1)
            live = self.run.observed["train"].live
            tag = probability.argmax(1).cpu()
            kind = self.kind_of[tag]
            at = np.flatnonzero(live.numpy())
            bank = self.run.generator(f"bank {epoch}").permutation(at)[: self.bank]
            share = functional.neighbor_share(
                features[live], kind[live], features[bank], kind[bank], self.neighbors, same=torch.from_numpy(at[:, None] == bank)
            )
            weight = functional.class_weights(share, tag[live], self.slope)
            lam = self.lam if epoch == self.starts[0] else self.later
            self.soft[live] = lam * self.get_buffer("given")[live] + (1 - lam) * weight[:, None].to(probability) * probability[live]
        return (Phase(),)

    def objective(self, step: Step) -> Tensor:
        """Soft cross entropy; targets are not renormalised, so that doubtful tokens weigh less."""
        units = step.units()
        return functional.soft_cross_entropy(units.output, self.soft[units.index]).mean()

    def suspicion(self) -> Tensor:
        """1 - target's share of the given label."""
        return 1 - (self.soft * self.get_buffer("given")).sum(1) / self.soft.sum(1).clamp(min=1e-12)


def types_of(names: Sequence[str]) -> Tensor:
    """(K,) number of each tag's type of entity, O has its own."""
    kinds = [name.partition("-")[2] for name in names]
    return torch.tensor([sorted(set(kinds)).index(kind) for kind in kinds])
