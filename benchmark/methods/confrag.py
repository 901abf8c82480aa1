"""ConFrag: sample selection by contrasting fragments of the target range."""

from __future__ import annotations

from collections.abc import Sequence

import numpy as np
import torch
from torch import Tensor
from torch.nn import functional as F  # noqa: N812

from benchmark.errors import ConfigError
from benchmark.functional.fragments import contrasting_pairs, fragment_edges, fragment_of
from benchmark.methods.base import Method, Price, RunInfo
from benchmark.step import Step
from benchmark.types import Evaluate, Phase


class ConFrag(Method):
    """Experts tell distant fragments of the targets apart; the regressor trains on samples whose fragment they and a neighbouring fragment confirm.

    Kim et al., 2024, arXiv:2502.17771. The distinct observed targets are cut into F parts of equal number, which a maximum-weight matching pairs so that the
    smallest distance within a pair is the largest possible. Each pair has an expert, a binary classifier on the samples of its two parts; every epoch the
    edges jitter: 1 - ``jitter`` of the distinct targets, at a random place, are cut anew, samples outside of them rest. Sample i agrees with fragment f
    in prediction space if f's expert prefers f to its mate, in feature space if most of its ``neighbours`` nearest (cosine) among the pair's samples
    carry f. It is taken for right with P_i = sum_f eta_f a_f (a_(f-1) or a_(f+1)), eta = softmax_f(range / (|y_i - mid_f| + .1)), in each
    of the two spaces; every epoch draws from both, and the union trains the regressor with squared error. No noise rate is known.

    The released repository lacks its selection code and chooses the epoch by clean validation. Here experts and regressor train side by side, each batch is
    selected with the experts of its own epoch, and neighbours are looked for among the ``references`` samples of a pair that were seen last, so that
    memory is references x D and not N x D. .1 is in sd of the targets (the authors': years of age). F = 4: the experts take 1 forward and 1
    backward pass over the data, selection 2 forward passes, the regressor at most 1 and 1.
    """

    kinds = frozenset({"continuous"})
    native = frozenset({"regression"})
    keeps = "N + F/2 x references x D"
    family = "sample selection"
    cites = "Kim et al., 2024, arXiv:2502.17771"
    differs = "experts and regressor train side by side; neighbours among the last references; the epoch is not chosen by clean validation"

    gate: Tensor
    probability: Tensor
    target: Tensor
    fragment: Tensor

    def __init__(self, fragments: int = 4, jitter: float = 0.05, neighbours: int = 3, references: int = 256) -> None:
        super().__init__()
        if fragments < 4 or fragments % 2:
            raise ConfigError(f"method.fragments={fragments} has to be even and at least 4: fragments are paired, and each needs a neighbour in another pair")
        self.fragments, self.jitter, self.neighbours, self.references = fragments, jitter, neighbours, references
        self.networks = 1 + fragments // 2

    def passes(self, epochs: int) -> Price:
        """The experts share the data, each looks at all of it to select, and the regressor trains on what is selected."""
        return Price(2 + self.fragments // 2, 2, at_most=True)

    def setup(self, run: RunInfo) -> None:
        """Edges, pairs, gates, and empty neighbourhoods."""
        self.rng = run.generator("confrag")
        self.y = run.observed["train"].value.double().numpy()
        self.values = np.unique(self.y)
        self.fragments_used = len(self.values) >= self.fragments
        edges = fragment_edges(self.values, self.fragments) if self.fragments_used else np.zeros((self.fragments, 2))
        self.pairs = contrasting_pairs(edges)
        distance = np.abs(self.y[:, None] - edges.mean(1))
        self.register_buffer("gate", torch.from_numpy(np.ptp(self.y) / (distance + 0.1)).softmax(1).float().to(run.device))
        self.register_buffer("target", torch.from_numpy(self.y).float().to(run.device))
        self.register_buffer("probability", torch.ones(run.num_units, device=run.device))
        self.register_buffer("fragment", torch.from_numpy(fragment_of(self.y, edges)).to(run.device))
        self.seen: list[tuple[Tensor, ...]] = [()] * len(self.pairs)  # features, fragments and ids of an expert's last samples

    def phases(self, epoch: int, evaluate: Evaluate) -> Sequence[Phase]:
        """Each expert on the samples of its pair, then the regressor on all, of which it selects."""
        if not self.fragments_used:
            return (Phase("regressor", networks=(0,)),)
        kept = max(self.fragments, int((1 - self.jitter) * len(self.values)))
        start = int(self.rng.integers(0, len(self.values) - kept + 1))
        found = fragment_of(self.y, fragment_edges(self.values[start : start + kept], self.fragments))
        self.fragment.copy_(torch.from_numpy(found))
        experts = [Phase(f"expert {e}", np.flatnonzero(np.isin(found, pair)), networks=(e + 1,)) for e, pair in enumerate(self.pairs)]
        return (*(phase for phase in experts if phase.indices is not None and len(phase.indices) > 1), Phase("regressor", networks=(0,)))

    def objective(self, step: Step) -> Tensor:
        """Loss of the networks that the phase trains."""
        nets = range(self.networks) if step.phase.networks is None else step.phase.networks
        parts = [self._regressor(step) if net == 0 else self._expert(step, net) for net in nets]
        return torch.stack(parts).sum()

    def _expert(self, step: Step, net: int) -> Tensor:
        """Cross entropy of "which fragment of the pair"; a positive logit speaks for the second one."""
        at, pair = step.slots()[0], self.pairs[net - 1]
        feature = step.encode(net)
        logit = step.flatten(step.head(net, feature)).output[:, 0]
        second = self.fragment[at] == pair[1]
        inside = second | (self.fragment[at] == pair[0])
        if step.repeat == 0:
            fresh = (F.normalize(feature.detach()[inside], dim=1), second[inside], at[inside])
            before = self.seen[net - 1] or tuple(part[:0] for part in fresh)
            self.seen[net - 1] = tuple(torch.cat(both)[-self.references :] for both in zip(before, fresh, strict=True))
        return F.binary_cross_entropy_with_logits(logit[inside], second[inside].to(logit.dtype), reduction="sum") / inside.sum().clamp(min=1)

    def _regressor(self, step: Step) -> Tensor:
        """Mean squared error of the selected samples of the batch; of all where none is selected."""
        at = step.slots()[0]
        chosen = torch.ones_like(at, dtype=torch.bool)
        if self.fragments_used:
            spaces = self._agreement(step, at)
            right = torch.stack([self._probability(agree, at) for agree in spaces])
            drawn = torch.from_numpy(self.rng.random(tuple(right.shape))).to(right)
            chosen = (drawn < right).any(0)
            if step.repeat == 0:
                self.probability[at] = 1 - (1 - right).prod(0)
            chosen = chosen if bool(chosen.any()) else torch.ones_like(chosen)
        output = step.forward(0, x=step.inputs()[chosen])
        return self.loss(output, self.target[at[chosen]]).mean()

    @torch.no_grad()
    def _agreement(self, step: Step, at: Tensor) -> tuple[Tensor, Tensor]:
        """(B, F) bool in prediction and in feature space."""
        predicted, near = (torch.zeros(len(at), self.fragments, dtype=torch.bool, device=at.device) for _ in range(2))
        for e, (first, second) in enumerate(self.pairs):
            feature = step.encode(e + 1)
            prefers = step.flatten(step.head(e + 1, feature)).output[:, 0] > 0
            predicted[:, first], predicted[:, second] = ~prefers, prefers
            votes = self._votes(e, F.normalize(feature, dim=1), at)
            near[:, first], near[:, second] = votes < 0.5, votes > 0.5
        return predicted, near

    def _votes(self, expert: int, feature: Tensor, at: Tensor) -> Tensor:
        """(B,) share of the nearest samples of the pair, the sample itself left out, that carry its second fragment."""
        seen = self.seen[expert]
        if not seen or len(seen[0]) <= self.neighbours:
            return feature.new_full((len(feature),), 0.5)
        known, second, who = seen
        similar = (feature @ known.T).masked_fill_(at[:, None] == who, -2)
        return second[similar.topk(self.neighbours).indices].to(feature.dtype).mean(1)

    def _probability(self, agree: Tensor, at: Tensor) -> Tensor:
        """P_i (B,) from agreement (B, F); fragments beyond the ends agree with nobody."""
        around = F.pad(agree, (1, 1))
        return (self.gate[at] * (agree & (around[:, :-2] | around[:, 2:]))).sum(1)

    def predict(self, step: Step) -> Tensor:
        """(U, 1): the regressor."""
        return step.units(0).output

    def suspicion(self) -> Tensor:
        """1 - P(selected)."""
        return 1 - self.probability
