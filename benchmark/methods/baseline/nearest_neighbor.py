"""Nearest-neighbour decoding of tags."""

from __future__ import annotations

from typing import ClassVar

import numpy as np
import torch
from torch import Tensor
from torch.nn import functional as F  # noqa: N812

from benchmark import functional
from benchmark.core.types import Evaluate
from benchmark.methods.base import Method, Price, RunInfo
from benchmark.methods.reweighting.colada import types_of
from benchmark.methods.step import Step


class NearestNeighbor(Method):
    """Plain training; a token is then tagged like the nearest training token, or like the best path through nearest tokens.

    NNShot and StructShot: Yang and Katiyar, 2020, arXiv:2010.02405. The emission of a type (O among them) is the largest -|u - v|^2 over ``support``
    random training tokens of the type, features of length 1. ``structured``: softmax of emissions, the types that begin sentences and follow types
    counted on the observed training tags, smoothed by one and to the power ``tau`` (0.05 in the authors' script), and the forward-backward marginals
    instead of the papers' best path, so that the result is a probability. A type is B- where it differs from the type decided before. Exact copies
    count as neighbours: the released code masks distance zero. The support set is training itself, not a few examples of new types. One forward and one
    backward pass, and a forward pass over training after every epoch.
    """

    kinds = frozenset({"categorical"})
    problems = frozenset({"tagging"})
    native = frozenset({"tagging"})
    follows: ClassVar[dict[str, str]] = {
        "schedule": "as the paper: none of its own",
        "normalisation": "as the paper: plain training's",
        "batch_statistics": "as the paper: features in evaluation mode",
        "predicts": "ours, because probabilities are wanted: marginals in place of the best path",
    }
    family = "baseline"
    cites = "Yang and Katiyar, 2020, arXiv:2010.02405"
    fidelity = "adapted"
    differs = "the support set is the training set; marginals in place of the best path; copies are neighbours; transitions by type, not abstract"

    def __init__(self, structured: bool = True, tau: float = 0.3, support: int = 500, temperature: float = 0.05) -> None:
        super().__init__()
        self.structured, self.tau, self.support, self.temperature = structured, tau, support, temperature

    def passes(self, epochs: int) -> Price:
        """One of each and a look after every epoch."""
        return Price(2, 1)

    def setup(self, run: RunInfo) -> None:
        """Types of tags, the support tokens, and log transitions between types, the start's first."""
        self.run, kinds = run, types_of(run.names)
        self.begins = torch.tensor([name.startswith("B-") for name in run.names])
        seen, size = run.observed["train"], int(kinds.max()) + 1
        self.register_buffer("kind_of", kinds.to(run.device))
        kind = kinds[seen.value.clamp(min=0)]
        rng = run.generator("support")
        chosen = [rng.permutation(np.flatnonzero((seen.live & (kind == k)).numpy()))[: self.support] for k in range(size)]
        self.chosen = [torch.from_numpy(at) for at in chosen]
        after = seen.live[1:] & seen.live[:-1] & (seen.column[1:] > 0)
        begins = torch.bincount(kind[seen.live & (seen.column == 0)], minlength=size).unsqueeze(0)
        counts = 1 + torch.cat([begins, torch.bincount((kind[:-1] * size + kind[1:])[after], minlength=size * size).reshape(size, size)]).float()
        scaled = (counts / counts.sum(1, keepdim=True)) ** self.tau
        self.register_buffer("transition", (scaled / scaled.sum(1, keepdim=True)).log().to(run.device))
        self.bank: list[Tensor] = []

    def on_epoch_end(self, epoch: int, evaluate: Evaluate) -> bool | None:
        """Features of the support tokens."""
        features = evaluate("train", net=0, features=True)
        flat = F.normalize(features.reshape(self.run.num_units, -1), dim=1)
        self.bank = [flat[at.to(flat.device)] for at in self.chosen]
        return None

    def predict(self, step: Step) -> Tensor:
        """(U, K) probabilities of tags; the network's own before the first epoch has ended."""
        units = step.units()
        if not self.bank:
            return units.output.softmax(1)
        features = step.encode()[units.row, units.column]
        emission = functional.nearest_similarity(F.normalize(features, dim=1), self.bank) / self.temperature
        score = units.dense(emission, 0.0)
        live = units.dense(torch.ones_like(units.row, dtype=torch.bool), False)
        chance = self._chain(score, live) if self.structured else score.softmax(2)
        decided = chance.argmax(2)
        before = F.pad(decided[:, :-1], (1, 0), value=-1)
        kinds: Tensor = self.get_buffer("kind_of")
        is_begin = before.unsqueeze(2) != kinds  # of a tag's type, at this place
        wanted = torch.where(self.begins.to(kinds.device), is_begin, ~is_begin) | (kinds == kinds[self.run.names.index("O")])
        return (chance[..., kinds] * wanted)[units.row, units.column]

    def _chain(self, score: Tensor, live: Tensor) -> Tensor:
        """(B, L, T) P(type) of the chain from its start."""
        start, transition = self.get_buffer("transition").split([1, score.shape[2]])
        return functional.chain_marginals(torch.cat([score[:, :1] + start, score[:, 1:]], dim=1), transition, live)
