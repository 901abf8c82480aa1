"""ConFrag: sample selection by contrasting fragments of the target range."""

from __future__ import annotations

from collections.abc import Sequence
from typing import ClassVar

import numpy as np
import torch
from torch import Tensor
from torch.nn import functional as F  # noqa: N812

from benchmark.core.errors import ConfigError
from benchmark.core.types import Evaluate, Phase
from benchmark.functional.fragments import contrasting_pairs, fragment_edges, fragment_of
from benchmark.methods.base import Method, Price, RunInfo
from benchmark.methods.step import Step


class ConFrag(Method):
    """Experts tell distant fragments of the targets apart; the regressor trains on samples whose fragment they and a neighbouring fragment confirm.

    Kim et al., 2024, arXiv:2502.17771. The distinct observed targets are cut into F parts of equal number, which a maximum-weight matching pairs so that the
    smallest distance within a pair is the largest possible. Each pair has an expert, a binary classifier on the samples of its two parts; every epoch the
    edges jitter: 1 - ``jitter`` of the distinct targets, at a random place, are cut anew, samples outside of them rest. Sample i agrees with fragment f
    in prediction space if f's expert prefers f to its mate, in feature space if most of its ``neighbours`` nearest (cosine) among the pair's samples
    carry f. It is taken for right with P_i = sum_f eta_f a_f (a_(f-1) or a_(f+1)), eta = softmax_f(range / (|y_i - mid_f| + .1)), in each
    of the two spaces; every epoch draws from both, and the union trains the regressor with squared error. No noise rate is known.

    The released repository lacks its selection code and chooses the epoch by clean validation. Here experts and regressor train side by side: every epoch
    but the first, which trains on all samples, begins with a selection by the experts as they are. Neighbours are looked for among the ``references``
    samples of a pair that its expert saw last, a block of queries at a time, so that memory is references x D and not N x D, and only for samples that
    the draw in prediction space left out. .1 is in sd of the targets (the authors': years of age). F = 4: the experts take 1 forward and
    1 backward pass over the data, selection 2 forward passes, the regressor at most 1 and 1. Errors that do not cross fragments are not seen, and outliers
    stretch the range and the outer fragments, so that their middles lie where hardly any target is: under both it can be worse than plain training.
    """

    kinds = frozenset({"continuous"})
    native = frozenset({"regression"})
    keeps = "N + F/2 x references x D"
    warm_up = True
    release = "cdjkim/ConFrag@d3b865d"
    follows: ClassVar[dict[str, str]] = {
        "schedule": "ours, because experts and regressor train side by side",
        "normalisation": "as the paper: the mean squared error of what is selected",
        "batch_statistics": "as released: experts look in evaluation mode",
        "predicts": "as the paper: the regressor",
    }
    family = "sample selection"
    cites = "Kim et al., 2024, arXiv:2502.17771"
    differs = "experts and regressor train side by side; neighbours among the last references; the epoch is not chosen by clean validation"

    gate: Tensor
    right: Tensor
    fragment: Tensor

    def __init__(self, fragments: int = 4, jitter: float = 0.05, neighbours: int = 3, references: int = 256) -> None:
        super().__init__()
        if fragments < 4 or fragments % 2:
            raise ConfigError(f"method.fragments={fragments} has to be even and at least 4: fragments are paired, and each needs a neighbour in another pair")
        self.fragments, self.jitter, self.neighbours, self.references = fragments, jitter, neighbours, references
        self.networks = 1 + fragments // 2

    def passes(self, epochs: int) -> Price:
        """The experts share the data, each looks at all of it to select, and the regressor trains on what is selected."""
        return Price(2 + self.fragments // 2 * (1 - 1 / epochs), 2, at_most=True)

    def setup(self, run: RunInfo) -> None:
        """Edges, pairs, gates, and empty neighbourhoods."""
        self.rng = run.generator("confrag")
        self.y = run.observed["train"].value.double().numpy()
        self.values = np.unique(self.y[run.observed["train"].live.numpy()])
        self.fragments_used = len(self.values) >= self.fragments
        edges = fragment_edges(self.values, self.fragments) if self.fragments_used else np.zeros((self.fragments, 2))
        self.pairs = contrasting_pairs(edges)
        distance = np.abs(np.nan_to_num(self.y)[:, None] - edges.mean(1))
        self.register_buffer("gate", torch.from_numpy(np.ptp(self.values) / (distance + 0.1)).softmax(1).float().to(run.device))
        self.register_buffer("right", torch.ones(run.num_units, 2, device=run.device))
        self.register_buffer("fragment", torch.from_numpy(fragment_of(self.y, edges)).to(run.device))
        self.seen: list[list[tuple[Tensor, Tensor]]] = [[] for _ in self.pairs]  # features and ids of the samples that an expert saw last, a batch each

    def phases(self, epoch: int, evaluate: Evaluate) -> Sequence[Phase]:
        """Each expert on the samples of its pair, then the regressor on those that the experts select."""
        if not self.fragments_used:
            return (Phase("regressor", networks=(0,)),)
        chosen = self._selected(evaluate) if epoch else None
        kept = max(self.fragments, int((1 - self.jitter) * len(self.values)))
        start = int(self.rng.integers(0, len(self.values) - kept + 1))
        found = fragment_of(self.y, fragment_edges(self.values[start : start + kept], self.fragments))
        self.fragment.copy_(torch.from_numpy(found))
        experts = [Phase(f"expert {e}", np.flatnonzero(np.isin(found, pair)), networks=(e + 1,)) for e, pair in enumerate(self.pairs)]
        return (*(phase for phase in experts if phase.indices is not None and len(phase.indices) > 1), Phase("regressor", chosen, networks=(0,)))

    def _selected(self, evaluate: Evaluate) -> np.ndarray | None:
        """The samples that one of two draws takes, by agreement in prediction and in feature space; None = all, where hardly any is taken."""
        neighbours = [self._references(e) for e in range(len(self.pairs))]
        chosen = np.flatnonzero(evaluate("train", by=lambda step: self._draw(step, neighbours)).cpu().numpy())
        return chosen if len(chosen) > 1 else None

    def _references(self, expert: int) -> tuple[Tensor, Tensor, Tensor]:
        """Normalized features (R, D) of an expert's last samples, whether they carry the second fragment of its pair, and their ids."""
        feature, at = (torch.cat(parts)[-self.references :] for parts in zip(*self.seen[expert], strict=True))
        return F.normalize(feature, dim=1), self.fragment[at] == self.pairs[expert][1], at

    def objective(self, step: Step) -> Tensor:
        """Loss of the networks that the phase trains."""
        nets = range(self.networks) if step.phase.networks is None else step.phase.networks
        parts = [super(ConFrag, self).objective(step) if net == 0 else self._expert(step, net) for net in nets]
        return torch.stack(parts).sum()

    def _expert(self, step: Step, net: int) -> Tensor:
        """Cross entropy of "which fragment of the pair"; a positive logit speaks for the second one."""
        at, feature = step.slots()[0], step.encode(net)
        logit = step.flatten(step.head(net, feature)).output[:, 0]
        if step.repeat == 0:
            recent = self.seen[net - 1]
            recent.append((feature.detach(), at))
            while sum(len(ids) for _, ids in recent[1:]) >= self.references:
                recent.pop(0)
        return F.binary_cross_entropy_with_logits(logit, (self.fragment[at] == self.pairs[net - 1][1]).to(logit.dtype))

    def _draw(self, step: Step, neighbours: Sequence[tuple[Tensor, Tensor, Tensor]]) -> Tensor:
        """(B,) bool: taken by the draw in prediction space or, of the rest, by the one in feature space. What the first took needs no neighbours."""
        at = step.slots()[0]
        features = [step.encode(e + 1) for e in range(len(self.pairs))]
        votes = [(step.flatten(step.head(e + 1, feature)).output[:, 0] > 0).to(feature.dtype) for e, feature in enumerate(features)]
        drawn = torch.from_numpy(self.rng.random((len(at), 2))).to(self.right)
        self.right[at, 0] = self._probability(votes, at)
        taken = drawn[:, 0] < self.right[at, 0]
        rest = (~taken).nonzero()[:, 0]
        votes = [vote(feature[rest], at[rest], *known, self.neighbours) for feature, known in zip(features, neighbours, strict=True)]
        self.right[at[rest], 1] = self._probability(votes, at[rest])
        return taken | (drawn[:, 1] < self.right[at, 1])

    def _probability(self, votes: Sequence[Tensor], at: Tensor) -> Tensor:
        """P_i (B,) from the votes (B,) in each pair for its second fragment; half of the votes agree with neither."""
        agree = torch.zeros(len(at), self.fragments, dtype=torch.bool, device=at.device)
        for (first, second), share in zip(self.pairs, votes, strict=True):
            agree[:, first], agree[:, second] = share < 0.5, share > 0.5
        return confirmed(agree, self.gate[at])

    def predict(self, step: Step) -> Tensor:
        """(U, 1): the regressor."""
        return step.units(0).output

    def suspicion(self) -> Tensor:
        """(1 - P) (1 - P'): how likely neither draw takes it. P' in feature space is of the last time that it was asked for."""
        return (1 - self.right).prod(1)


def vote(feature: Tensor, at: Tensor, known: Tensor, second: Tensor, who: Tensor, neighbours: int) -> Tensor:
    """(B,) share of the ``neighbours`` nearest (cosine) references, the sample itself left out, that carry the second fragment; .5 where there are too few.

    Args:
        feature, at: (B, D) and ids (B,) of the samples that ask. Their length changes no order of cosines.
        known, second, who: normalized features (R, D), fragments (R,) and ids (R,) of the references.
    """
    if len(who) <= neighbours or len(at) == 0:
        return feature.new_full((len(feature),), 0.5)
    similar = feature @ known.T
    order = at.argsort()
    place = order[torch.searchsorted(at[order], who).clamp(max=len(at) - 1)]
    own = (at[place] == who).nonzero()[:, 0]
    similar[place[own], own] = -torch.inf
    return second[similar.topk(neighbours).indices].to(feature.dtype).mean(1)


def confirmed(agree: Tensor, gate: Tensor) -> Tensor:
    """P_i (B,) from agreement and gates (B, F); fragments beyond the ends agree with nobody."""
    around = F.pad(agree, (1, 1))
    return (gate * (agree & (around[:, :-2] | around[:, 2:]))).sum(1)
