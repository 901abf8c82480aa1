"""Entropy maximization with asymmetric pseudo-labels."""

from __future__ import annotations

from typing import ClassVar

import torch
from torch import Tensor

from benchmark import functional
from benchmark.core.types import Evaluate
from benchmark.methods.base import Price, RunInfo
from benchmark.methods.shared.multilabel import Grid, MultiLabelMethod, observed_positives
from benchmark.methods.step import Step


class EMAPL(MultiLabelMethod):
    """Mean of -log p at positives, -alpha H(p) at unknown entries, beta CE(p, s) at pseudo-labels s: unknown entries are pushed towards p = .5.

    Zhou et al., 2022, arXiv:2203.16219. Unknown is all that is not an observed positive. After every epoch e >= W, counted from 1, the
    int(theta U_k / (E - W)) still unknown entries of label k with the lowest p become soft negatives s = p for good, U_k = unknown
    entries at the start; positive pseudo-labels are never made. ``warmup`` = W / E (5 of 10). 1e-5 inside the logarithms. One
    forward and one backward pass, and an inference pass over training after each epoch from W on but the last, whose labels nobody
    would learn; memory N x C.
    """

    release = "Correr-Zhou/SPML-AckTheUnknown@ae1ccaf"
    follows: ClassVar[dict[str, str]] = {
        "schedule": "ours, because nothing stops on clean validation; soft negatives after every epoch from W on, a share a class each, as released",
        "normalisation": "as released: the mean over entries, 1e-5 in the logarithm",
        "batch_statistics": "as the paper: evaluation mode where pseudo-labels are read",
        "predicts": "as the paper: the network",
    }
    version: ClassVar[int] = 2  # 1: the first labels an epoch later
    family = "robust loss"
    cites = "Zhou et al., 2022, arXiv:2203.16219"
    keeps = "2 N C"
    differs = "training does not stop at the first epoch that clean validation dislikes"

    pseudo: Tensor
    unknown: Tensor

    def __init__(self, alpha: float = 0.1, beta: float = 0.2, theta: float = 0.9, warmup: float = 0.5) -> None:
        super().__init__()
        self.alpha, self.beta, self.theta, self.warmup = alpha, beta, theta, warmup

    def passes(self, epochs: int) -> Price:
        """Return one pass of each, and an inference pass after every epoch from W on, but the last."""
        first = max(1, round(self.warmup * epochs))
        return Price(1 + max(0, epochs - first) / epochs, 1)

    def setup(self, run: RunInfo) -> None:
        """Which entries are unknown; no pseudo-label (NaN) yet."""
        self.first, self.epochs = round(self.warmup * run.epochs), run.epochs
        self.register_buffer("unknown", observed_positives(run) == 0)
        self.register_buffer("pseudo", torch.full(self.unknown.shape, torch.nan, device=run.device))

    def layout_loss(self, grid: Grid, step: Step) -> Tensor:
        """Mean over all entries of the batch."""
        p, soft = grid.logit.sigmoid(), self.pseudo[step.index]
        labelled = ~soft.isnan()
        rest = -self.alpha * functional.binary_entropy(p)
        pseudo = self.beta * functional.soft_binary(p, soft.nan_to_num(0.0))
        return torch.where(grid.positive, functional.negative_log(p), torch.where(labelled, pseudo, rest)).mean()

    def on_epoch_end(self, epoch: int, evaluate: Evaluate) -> None:
        """Freeze the most certain negatives of every label."""
        if epoch + 1 < self.first or epoch + 1 >= self.epochs:
            return
        p = evaluate("train")[:, 1].reshape(self.pseudo.shape).to(self.pseudo)
        free = self.unknown & self.pseudo.isnan()
        quota = (self.theta * self.unknown.sum(0) / (self.epochs - self.first)).int()
        order = torch.where(free, p, torch.inf).argsort(dim=0, stable=True)
        rank = torch.empty_like(order).scatter_(0, order, torch.arange(len(p), device=p.device)[:, None].expand_as(order))
        self.pseudo = torch.where(free & (rank < quota), p, self.pseudo)

    def suspicion(self) -> Tensor:
        """Positives are trusted; the rest is as suspicious as its pseudo-label, or .5 without one."""
        return torch.where(self.unknown, self.pseudo.nan_to_num(0.5), 0.0).reshape(-1)
