"""Late stopping: labels that are learned early stay."""

from __future__ import annotations

from collections.abc import Sequence
from typing import ClassVar

import numpy as np
import torch
from torch import Tensor

from benchmark import functional
from benchmark.core.types import Evaluate, Phase
from benchmark.methods.base import FitFunction, Method, Price, RunInfo
from benchmark.methods.step import Step


class Kept(Method):
    """Plain training on some of the units: those where ``mask`` (num_units,) is true."""

    mask: Tensor

    @classmethod
    def only(cls, mask: Tensor) -> Kept:
        """On these."""
        made = cls()
        made.register_buffer("mask", mask)
        return made

    def objective(self, step: Step) -> Tensor:
        """Mean loss over the kept units of the batch."""
        units = step.units()
        weight = self.mask[units.index].to(units.output.dtype)
        return (weight * self.loss(units.output, units.target)).sum() / weight.sum().clamp(min=1)


class LateStopping(Kept):
    """Trains fresh networks again and again, each on the units that the one before learned first; then on what is left.

    Yuan, Feng and Liu, 2023, arXiv:2308.13862. A round collects, from ``start`` of its epochs on (7 of 300), every unit that was predicted as its label in k
    epochs on end, counted from there, and stops when it has a share ``keep`` of what it began with (counted from all labels: keep^t N
    after t rounds); k is 1, 2 and 3 in ``rounds``[0], [1] and [2] rounds. Where the epochs of a round do not suffice for its goal, the
    units that were predicted as their labels most often fill it up. ``keep`` = 0 follows from the noise rate, (1 - r)^(1 / rounds)
    (released: .98 at 20 %, .955 at 40 %, 4 + 4 + 4 rounds; CIFAR-100 at 40 % .975, 22 + 5). The training set is predicted without
    augmentation (released: with the training one). The last network trains by the trainer's schedule (released: its own).

    Adapted: a continuous target is learned when the prediction is within ``tolerance`` standard deviations of it. Units of tokens and of multi-label
    tasks have a goal, and a rate, per column and observed class: rare labels are learned late, right or wrong.
    Per round at most one forward and one backward pass and one more forward pass, for the last network one each; knows the noise rate.
    """

    version: ClassVar[int] = 2  # 1: runs counted from the first epoch
    release = "tmllab/2023_ICCV_LateStopping@dc460a1"
    needs = frozenset({"noise_rate"})
    native = frozenset({"multiclass"})
    keeps = "3 N"
    follows: ClassVar[dict[str, str]] = {
        "schedule": "as released: rounds on what is left, shares kept, runs of correct epochs from epoch 7 of 300 on",
        "normalisation": "as the paper: the mean over units",
        "batch_statistics": "as the paper: evaluation mode where labels are predicted",
        "predicts": "as the paper: the network of the last round",
    }
    family = "sample selection"
    cites = "Yuan, Feng and Liu, 2023, arXiv:2308.13862"
    differs = (
        "training labels are predicted without augmentation; a round that misses its goal is filled up (released: the next one begins where it "
        "began); the last round follows the trainer's schedule"
    )

    survived: Tensor
    mask: Tensor

    def __init__(self, rounds: Sequence[int] = (4, 4, 4), keep: float = 0.0, start: float = 0.0233, tolerance: float = 0.25) -> None:
        super().__init__()
        self.rounds, self.keep, self.start, self.tolerance = list(rounds), keep, start, tolerance

    def passes(self, epochs: int) -> Price:
        """Rounds that reach their goal stop early."""
        count = sum(self.rounds)
        return Price(1 + 2 * count, 1 + count, at_most=True)

    def prepare(self, fit: FitFunction, run: RunInfo) -> None:
        """The rounds."""
        seen, per_class = run.observed["train"], run.problem in ("tagging", "multilabel")
        self.given, self.live = seen.value.to(run.device), seen.live.to(run.device)
        lengths = [k for k, count in enumerate(self.rounds, 1) for _ in range(count)]
        table = run.need("noise_rate") if per_class else functional.overall_rate(run.need("noise_rate"), seen)
        rate, group = functional.group_rates(table, self.given.clamp(min=0).long(), seen.column.to(run.device), per_class)
        share = torch.full_like(rate, self.keep) if self.keep else (1 - rate) ** (1 / max(1, len(lengths)))
        own = torch.bincount(group, weights=self.live.float())
        self.register_buffer("survived", torch.zeros(run.num_units, device=run.device))
        kept = self.live
        for number, length in enumerate(lengths, 1):
            of_group = torch.zeros_like(own).scatter_(0, group, share.to(own))
            kept = self._round(fit, run, kept, length, group, (of_group**number * own + 1e-6).floor())
            self.survived += kept / len(lengths)
        self.register_buffer("mask", kept)
        self.examples = self._examples(run, kept)

    def _round(self, fit: FitFunction, run: RunInfo, kept: Tensor, length: int, group: Tensor, goal: Tensor) -> Tensor:
        """(num_units,) bool: the kept units that a fresh network learns before every group has its goal."""
        in_row = torch.zeros(run.num_units, dtype=torch.int8, device=run.device)
        hits = torch.zeros(run.num_units, dtype=torch.int32, device=run.device)
        collected = torch.zeros_like(kept)
        first = round(self.start * run.epochs)

        def count() -> Tensor:
            return torch.bincount(group, weights=collected.float(), minlength=len(goal))

        def look(epoch: int, evaluate: Evaluate) -> bool:
            learned = self._learned(evaluate("train"))
            hits.add_(learned)
            if epoch >= first:
                in_row.add_(1).clamp_(max=length).mul_(learned)
                collected.logical_or_(kept & (in_row == length) & (count() < goal)[group])
            return bool((count() >= goal).all())

        fit(indices=self._examples(run, kept), epochs=run.epochs, method=Kept.only(kept), on_epoch=look)
        if bool((count() >= goal).all()):
            return collected
        preference = torch.where(collected, torch.inf, hits.float()).masked_fill(~kept, -torch.inf)
        return kept & (functional.rank_in_group(-preference, group)[0] < goal[group])

    def _learned(self, prediction: Tensor) -> Tensor:
        """(num_units,) whether each unit is predicted as its label."""
        if prediction.shape[1] == 1:
            return (prediction[:, 0] - self.given).abs() < self.tolerance
        return prediction.argmax(1) == self.given

    def _examples(self, run: RunInfo, kept: Tensor) -> np.ndarray:
        found: np.ndarray = np.flatnonzero(kept.reshape(-1, run.width).any(1).numpy(force=True))
        return found

    def phases(self, epoch: int, evaluate: Evaluate) -> Sequence[Phase]:
        """The examples that have a kept unit."""
        return (Phase(indices=self.examples),)

    def suspicion(self) -> Tensor:
        """The share of rounds that a unit did not survive."""
        return 1 - self.survived
