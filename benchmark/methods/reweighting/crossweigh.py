"""CrossWeigh."""

from __future__ import annotations

from typing import ClassVar

import numpy as np
import torch
from scipy.sparse import csr_array
from torch import Tensor

from benchmark import functional
from benchmark.methods.base import FitFunction, Method, Price, RunInfo
from benchmark.methods.shared.folds import units_of
from benchmark.methods.step import Step


class CrossWeigh(Method):
    """Weighs a sentence by ``factor`` ** (how often, in ``repetitions`` rounds of folds, a held-out prediction differs from its labels anywhere).

    Wang et al., 2019, arXiv:1909.01441. The network that judges a fold is trained on sentences of the other folds that share no observed entity, as it is
    written and of whatever type, with any sentence of the fold (a fold that leaves fewer than ``least`` of the others keeps them all), so that it cannot
    have memorized a wrong label of the same name. Of three folds of WikiGold 43 to 63 % of the others are left, of newswire, which has few names, 4 to 12
    % (of ten folds about a quarter): there it is plain cross-validation. The paper has 10 folds and 3 repetitions, of which one alone cannot tell a
    mistake of the judge from one of the annotator. Folds are drawn from the training seed
    (from an unseeded generator in the released code), and sentences with equal text are in one fold. repetitions x folds side trainings, 12
    by default (at most 9 times the cost of training), then one forward and one backward pass.
    """

    kinds = frozenset({"categorical"})
    problems = frozenset({"tagging"})
    native = frozenset({"tagging"})
    version: ClassVar[int] = 2  # 1: one repetition
    keeps = "N"
    follows: ClassVar[dict[str, str]] = {
        "schedule": "ours, because folds cost trainings: fewer of them, three repetitions as in the paper",
        "normalisation": "as the paper: the mean of weighted sentences",
        "batch_statistics": "as the paper: held-out taggers in evaluation mode",
        "predicts": "as the paper: the tagger of the last training",
    }
    family = "reweighting"
    cites = "Wang et al., 2019, arXiv:1909.01441"
    differs = "seeded folds, equal sentences together; all other sentences where too few share no entity; fewer folds; validation apart"

    weight: Tensor

    def __init__(self, folds: int = 4, repetitions: int = 3, factor: float = 0.7, least: float = 0.2) -> None:
        super().__init__()
        self.folds, self.repetitions, self.factor, self.least = folds, repetitions, factor, least

    def passes(self, epochs: int) -> Price:
        """Side trainings on what shares no entity with their fold, a look at the folds, and training."""
        side = self.repetitions * (self.folds - 1)
        return Price(1 + side + self.repetitions / epochs, 1 + side, at_most=True)

    def prepare(self, fit: FitFunction, run: RunInfo) -> None:
        """Count the mistakes of every round."""
        seen, mistakes = run.observed["train"], np.zeros(run.num_examples)
        contains, rng = entities(run), run.generator("folds")
        for _ in range(self.repetitions):
            for held in functional.group_folds(run.groups, self.folds, rng):
                rest = np.setdiff1d(np.arange(run.num_examples), held)
                named = contains[held].sum(0) > 0
                disjoint = rest[(contains[rest] @ named) == 0]
                chosen = disjoint if len(disjoint) >= max(2, self.least * len(rest)) else rest
                at = units_of(held, run.width)
                wrong = (fit(indices=chosen).predict(held).cpu().argmax(1) != seen.value[at]) & seen.live[at]
                mistakes[held] += wrong.reshape(-1, run.width).any(1).numpy()
        of_unit = torch.from_numpy(self.factor**mistakes).float().repeat_interleave(run.width)
        self.register_buffer("weight", of_unit.to(run.device))

    def objective(self, step: Step) -> Tensor:
        """Mean over units of weight times loss."""
        units = step.units()
        return (self.weight[units.index] * self.loss(units.output, units.target)).mean()

    def suspicion(self) -> Tensor:
        """1 - weight of the sentence."""
        return 1 - self.weight


def entities(run: RunInfo) -> csr_array:
    """(E, S) which of the S observed entities each sentence holds; entities are equal if their tokens are: their types may be wrong."""
    assert run.tokens is not None
    seen, tokens = run.observed["train"], run.tokens.cpu().numpy()
    grid = np.where(seen.live.numpy(), seen.value.numpy(), run.names.index("O")).reshape(run.num_examples, run.width)
    kind = np.array([name.partition("-")[2] for name in run.names], dtype=object)
    begins = np.array([name.startswith("B-") for name in run.names])
    number: dict[bytes, int] = {}
    rows, columns = [], []
    inside = kind[grid] != ""
    before = np.concatenate([np.full((len(grid), 1), "", dtype=object), kind[grid][:, :-1]], axis=1)
    starts = inside & (begins[grid] | (kind[grid] != before))
    for row, start in zip(*np.nonzero(starts), strict=True):
        end = start + 1
        while end < run.width and inside[row, end] and not starts[row, end]:
            end += 1
        rows.append(row)
        columns.append(number.setdefault(tokens[row, start:end].tobytes(), len(number)))
    return csr_array((np.ones(len(rows)), (rows, columns)), shape=(run.num_examples, max(1, len(number))))
