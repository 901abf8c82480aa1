"""JointMatch."""

from __future__ import annotations

from collections.abc import Sequence
from typing import ClassVar

import numpy as np
import torch
from torch import Tensor
from torch.nn import functional as F  # noqa: N812

from benchmark.core.types import Evaluate, Phase
from benchmark.methods.base import Method, Price, RunInfo
from benchmark.methods.step import Step


class JointMatch(Method):
    """Two networks; each learns the other's confident labels of unlabelled text, with a threshold for every class of its own.

    Zou and Caragea, 2023, arXiv:2310.14583. A class's mean probability m (momentum 0.9, one for both networks) sets its threshold tau m_c / max m, which a
    confident probability reaches or passes: m takes network 0 in, then network 0 is judged; m takes network 1 in, then network 1 is judged. Network
    i takes class and mask from network 1 - i, and weighs a unit ``weight`` where the two masks differ (one network is confident, the other not) and
    1 - ``weight`` where both are.

    The labelled set is the trusted twentieth with its right labels, all the rest is unlabelled: given labels are not looked at, so what this tells is
    how much noisy labels are worth beside none. The paper's views are back-translations; here words are dropped from the strong one with chance
    ``drop``. One update a batch (the released code makes ten unlabelled ones for each labelled one). Prediction: the mean of both networks.
    An unlabelled example takes four forward and two backward passes, a trusted one in its batch two of each.
    """

    kinds = frozenset({"categorical"})
    problems = frozenset({"multiclass"})
    native = frozenset({"multiclass"})
    version: ClassVar[int] = 2  # 1: both networks judged by one threshold, which had to be passed
    release = "HenryPengZou/JointMatch@e976613"
    needs = frozenset({"trusted"})
    networks = 2
    follows: ClassVar[dict[str, str]] = {
        "schedule": "ours, because one update serves both sets; class means and thresholds as released, one network after the other",
        "normalisation": "ours, because one update serves both sets: the sum of both means",
        "batch_statistics": "ours, because words are dropped, not translated back: a pass for each view",
        "predicts": "as the paper: both networks",
    }
    family = "semi-supervised"
    cites = "Zou and Caragea, 2023, arXiv:2310.14583"
    fidelity = "adapted"
    differs = "words are dropped, not translated back; labelled and unlabelled batches in one update"

    mean: Tensor
    judged: Tensor  # (2, K) the class means by which each network was judged last
    trusted: Tensor

    def __init__(self, tau: float = 0.98, momentum: float = 0.9, weight: float = 0.9, consistency: float = 1.0, drop: float = 0.2) -> None:
        super().__init__()
        self.tau, self.momentum, self.weight, self.consistency, self.drop = tau, momentum, weight, consistency, drop

    def passes(self, epochs: int) -> Price:
        """Weak and strong view of two networks, and trusted batches of the same number."""
        return Price(6, 4, at_most=True)

    def setup(self, run: RunInfo) -> None:
        """Uniform class means."""
        right = run.need("trusted")
        self.rng = torch.Generator().manual_seed(int(run.generator("jointmatch").integers(2**31)))
        known = (right.reshape(run.num_examples, -1) >= 0).any(1).numpy()
        self.labelled, self.unlabelled = np.flatnonzero(known), np.flatnonzero(~known)
        self.register_buffer("trusted", right.to(run.device))
        self.register_buffer("mean", torch.full((run.num_classes,), 1 / run.num_classes, device=run.device))
        self.register_buffer("judged", self.mean.repeat(2, 1))

    def phases(self, epoch: int, evaluate: Evaluate) -> Sequence[Phase]:
        """Unlabelled examples, with a stream of labelled ones."""
        return (Phase(indices=self.unlabelled, streams={"labelled": self.labelled}),)

    def objective(self, step: Step) -> Tensor:
        """Cross entropy of labelled examples, and of the strong view with the other network's confident classes."""
        loss = self._supervised(step.streams["labelled"]) if "labelled" in step.streams else torch.zeros((), device=self.mean.device)
        with torch.no_grad():
            weak = [step.units(net).output.softmax(1) for net in (0, 1)]
        sure = self.confident(weak, step.repeat > 0)
        x = step.inputs()
        for net in (0, 1):
            peer = 1 - net
            kept = (torch.rand(x.shape, generator=self.rng) >= self.drop).to(x) if x.is_floating_point() else None
            strong = step.flatten(step.forward(net, x=x if kept is None else x * kept)).output
            weight = torch.where(sure[0] ^ sure[1], self.weight, 1 - self.weight) * sure[peer]
            loss = loss + self.consistency * (weight * F.cross_entropy(strong, weak[peer].argmax(1), reduction="none")).mean()
        return loss

    def confident(self, weak: Sequence[Tensor], again: bool) -> list[Tensor]:
        """Return (U,) bool for each network: where its probability of the likeliest class reaches that class's threshold.

        Args:
            weak: (U, K) probabilities of each network, in their order.
            again: a second look at a batch, which leaves the class means and judges by what they were.
        """
        sure = []
        for net, p in enumerate(weak):
            if not again:
                self.mean.copy_(self.momentum * self.mean + (1 - self.momentum) * p.mean(0))
                self.judged[net] = self.mean
            limit = self.tau * self.judged[net] / self.judged[net].max()
            sure.append(p.max(1).values >= limit[p.argmax(1)])
        return sure

    def _supervised(self, labelled: Step) -> Tensor:
        parts = [labelled.units(net) for net in (0, 1)]
        return torch.stack([F.cross_entropy(u.output, self.trusted[u.index]) for u in parts]).sum()

    def suspicion(self) -> Tensor | None:
        """None: given labels are not looked at."""
        return None
