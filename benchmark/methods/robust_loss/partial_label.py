"""Partial labels: progressive identification and purification."""

from __future__ import annotations

from typing import ClassVar

import torch
from torch import Tensor

from benchmark import functional
from benchmark.core.types import Evaluate
from benchmark.methods.base import Method, Price, RunInfo
from benchmark.methods.step import Step

HIGHEST = 0.4  # of the threshold
FEW = 1e-4  # share of entries that change: below it the threshold rises


class PartialLabel(Method):
    """Learns from candidate sets, one member of which is right: POP, with PRODEN as its start.

    Xu et al., 2023, arXiv:2206.00830, and Lv et al., 2020, arXiv:2002.08053 (PRODEN; ``purify`` false). The confidence q_i is uniform on the candidates S_i.
    Loss: the mean over three views of -<q_i, log p_i>; then q_i <- normalize(1[q_i > 0] p_i) with the prediction of the first view. From epoch ``warmup`` x E
    on (20 of 500, counted from 0), after every epoch whose number ``window`` divides: candidate j leaves S_i when the mean of the last
    ``window`` q_ij is below ``threshold`` times the largest of its set, and q becomes that mean on what is left, normalized; the
    threshold grows by a factor 1 + 1e-3, up to .4, after a purification that changes fewer than 1e-4 of the entries. The released code
    does not augment the view that the confidence follows; here the trainer augments all three alike, or none. The observed label is
    not used: a noisy label is a set of one. Three forward and three backward
    passes; memory (window + 2) N K.
    """

    kinds = frozenset({"categorical"})
    problems = frozenset({"multiclass"})
    needs = frozenset({"candidates"})
    views = 3
    keeps = "(window + 2) N K"
    release = "palm-ml/POP@a5d6ca9"
    follows: ClassVar[dict[str, str]] = {
        "schedule": "as released: purification after epochs 20, 25, 30 ... of 500, the warm-up as a share",
        "normalisation": "as released: the mean over three views",
        "batch_statistics": "ours, because the trainer augments all views or none: the confidence follows the first (released: the plain image)",
        "predicts": "as released: the network",
    }
    version: ClassVar[int] = 2  # 1: the first purification ``window`` - 1 epochs later
    family = "robust loss"
    cites = "Xu et al., 2023, arXiv:2206.00830"
    differs = "the confidence follows an augmented view where the trainer augments, not the plain image"

    confidence: Tensor
    candidates: Tensor
    history: Tensor
    target: Tensor

    def __init__(self, threshold: float = 0.001, warmup: float = 0.04, window: int = 5, purify: bool = True) -> None:
        super().__init__()
        self.threshold, self.warmup, self.window, self.purify = threshold, warmup, window, purify

    def passes(self, epochs: int) -> Price:
        """Every view learns."""
        return Price(3, 3)

    def setup(self, run: RunInfo) -> None:
        """Uniform confidence on the candidates."""
        sets = run.need("candidates").to(run.device)
        self.level = self.threshold
        self.start = max(1, round(self.warmup * run.epochs)) if self.warmup > 0 else 0  # a short run has a warm-up too
        self.register_buffer("candidates", sets.clone())
        self.register_buffer("confidence", functional.uniform_confidence(sets))
        self.register_buffer("history", torch.zeros(self.window, *sets.shape, device=run.device))
        self.register_buffer("target", run.observed["train"].value.to(run.device))

    def objective(self, step: Step) -> Tensor:
        """Mean loss over the views; the confidence follows."""
        index, _, _ = step.slots()
        outputs = step.stack([(step, view) for view in range(3)]).units().output.chunk(3)
        q = self.confidence[index]
        loss = torch.stack([functional.soft_cross_entropy(output, q) for output in outputs]).mean()
        if step.repeat == 0:
            self.confidence[index] = functional.progressive_confidence(q, outputs[0].detach().softmax(1))
        return loss

    def on_epoch_end(self, epoch: int, evaluate: Evaluate) -> None:
        """Purify the sets."""
        self.history[epoch % self.window] = self.confidence
        if self.purify and epoch >= self.start and epoch % self.window == 0:
            mean = self.history.mean(0)
            left = functional.purify(mean, self.candidates, self.level)
            changed = float((left != self.candidates).float().mean())
            self.candidates.copy_(left)
            self.confidence.copy_(functional.progressive_confidence(functional.uniform_confidence(left), mean))
            if changed < FEW and self.level < HIGHEST:
                self.level *= 1 + 1e-3

    def suspicion(self) -> Tensor:
        """1 - confidence in the observed label."""
        return 1 - self.confidence.gather(1, self.target.clamp(min=0).unsqueeze(1)).squeeze(1)
