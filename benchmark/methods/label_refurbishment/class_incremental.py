"""Class-incremental multi-label learning with confidence self-calibration."""

from __future__ import annotations

from collections.abc import Sequence
from typing import ClassVar

import torch
from torch import Tensor, nn
from torch.nn import functional as F  # noqa: N812

from benchmark.core.types import Evaluate, Phase
from benchmark.methods.base import Price, RunInfo
from benchmark.methods.shared.multilabel import MultiLabelMethod, grid_of
from benchmark.methods.step import Step


class ClassIncremental(MultiLabelMethod):
    """Sessions of labels, each labelled only in its own: alpha BCE(new) + (1 - alpha) BCE(old, p_old) + b mean_i sum over seen p log(p + 1e-5).

    Du et al., 2024, arXiv:2403.12559 (CSC). The epochs are split evenly over the sessions: the first ``base`` labels, then ``each`` more at a
    time. p_old are the network's predictions at the end of the session before. The first session learns by BCE(new) alone; from
    the second on the last term keeps predictions on seen labels from false certainty, since unlabelled classes are false negatives. Predictions
    are the mean of the head and of a label graph on it, a learnable matrix between the labels seen so far that starts as the identity. One
    forward and one backward pass, and an inference pass over training per session.
    """

    release = "Kaile-Du/CSC@0bab38a"
    follows: ClassVar[dict[str, str]] = {
        "schedule": "as the paper: sessions, here of equal length",
        "normalisation": "as released: alpha and 1 - alpha of means over entries, the mean over images of the entropy's sum",
        "batch_statistics": "ours, because a task has one course: batch norm keeps learning after session 1 (released: evaluation mode)",
        "predicts": "ours, because the graph acts on the head's logits: the mean of both",
    }
    family = "label refurbishment"
    cites = "Du et al., 2024, arXiv:2403.12559"
    keeps = "N C + C C"
    differs = "the graph acts on the head's logits, a graph convolution whose node features are the head's weights; batch norm keeps learning after session 1"
    version: ClassVar[int] = 2  # the first session has no entropy term any more

    old: Tensor
    seen: Tensor

    def __init__(self, base: int = 5, each: int = 3, alpha: float = 0.5, entropy: float = 0.04) -> None:
        super().__init__()
        self.base, self.each, self.alpha, self.entropy = base, each, alpha, entropy
        self.sessions = [(0, 0)]

    def passes(self, epochs: int) -> Price:
        """An inference pass per session after the first."""
        return Price(1 + (len(self.sessions) - 1) / epochs, 1)

    def setup(self, run: RunInfo) -> None:
        """The sessions, no memory of one before, and the graph."""
        base = min(self.base, run.width)
        starts = [0, *range(base, run.width, max(self.each, 1))]
        self.sessions = list(zip(starts, [*starts[1:], run.width], strict=True))[: run.epochs]
        self.sessions[-1] = (self.sessions[-1][0], run.width)
        self.epochs, self.session = run.epochs, 0
        self.register_buffer("old", torch.zeros(run.num_examples, run.width, device=run.device))
        self.register_buffer("seen", torch.arange(run.width, device=run.device) < self.sessions[0][1])
        self.graph = nn.Parameter(torch.eye(run.width, device=run.device))

    def trained_parameters(self) -> Sequence[nn.Parameter]:
        """The graph joins the network's optimizer."""
        return [self.graph]

    def phases(self, epoch: int, evaluate: Evaluate) -> Sequence[Phase]:
        """One phase; at the start of a session what is known so far is written down."""
        session = epoch * len(self.sessions) // self.epochs
        if session != self.session:
            self.old = evaluate("train")[:, 1].reshape(self.old.shape).to(self.old)
            self.session = session
            self.seen = torch.arange(len(self.seen), device=self.seen.device) < self.sessions[session][1]
        return (Phase(f"session {session}"),)

    def logits(self, step: Step) -> Tensor:
        """(B, C) mean of both heads."""
        z = step.forward()
        graph = self.graph * self.seen[:, None] * self.seen
        return (z + z @ graph.T) / 2

    def objective(self, step: Step) -> Tensor:
        """Return BCE with the new labels and, after the first session, with old predictions less the entropy of all seen."""
        first, last = self.sessions[self.session]
        grid = grid_of(step, self.logits(step))
        z, p = grid.logit, grid.logit.sigmoid()
        live = grid.live[:, first:last]
        new = F.binary_cross_entropy_with_logits(z[:, first:last], grid.label[:, first:last], reduction="none")
        loss = (new * live).sum() / live.sum().clamp(min=1)
        if not first:
            return loss
        kept = F.binary_cross_entropy_with_logits(z[:, :first], self.old[step.index, :first])
        loss = self.alpha * loss + (1 - self.alpha) * kept
        return loss + self.entropy * (p * (p + 1e-5).log())[:, :last].sum(1).mean()

    def predict(self, step: Step) -> Tensor:
        """(U, 2) probabilities; labels of later sessions are what the untrained head says."""
        return step.flatten(self.logits(step)).output.softmax(1)
