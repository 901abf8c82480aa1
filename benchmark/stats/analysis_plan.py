"""The primary analysis, written down before anything is published.

A published board stores ``PLAN.digest()``. Whoever changes the plan changes the digest, and a test pins it: a new digest
means that what was published before is exploratory under the new plan.
"""

from __future__ import annotations

from dataclasses import asdict, dataclass

import pandas as pd

from benchmark.core.digests import digest
from benchmark.core.protocol import DEVELOPMENT, PROTOCOL_VERSION, is_development
from benchmark.stats.boards import Board, board
from benchmark.stats.intervals import LEAST_SEEDS, LEVEL
from benchmark.stats.power import ALPHA, POWER
from benchmark.stats.ratios import GATE
from benchmark.stats.selection import LEAST_AGREEMENT, LEAST_MEMORIZATION, LEAST_RHO, informative_only, memorizing_only, regime_gate
from benchmark.stats.signflip import DRAWS, EXACT, LEAST_TASKS


@dataclass(frozen=True)
class AnalysisPlan:
    """One primary analysis per problem kind: whether a method differs from erm over tasks.

    Numbers come from the code that uses them, so that changing one there changes the digest too.
    """

    metrics: tuple[tuple[str, str], ...] = (("multiclass", "accuracy"), ("multilabel", "map"), ("regression", "mae"), ("tagging", "f1"))
    selection: str = "last"
    beside: tuple[str, ...] = ("noisy_val",)  # estimates and simultaneous intervals without stars, on cells with rho_sel >= least_rho
    baseline: str = "erm"
    excluded_noise: tuple[str, ...] = ("clean",)
    development: tuple[str, ...] = DEVELOPMENT  # never ranked, nor are parts of them
    tiers: str = "networks that saw the task alone; those that read or begin as pretrained encoders are a tier of their own, estimates only"
    regime: str = "cells where erm does not memorize are shown apart; cells where that cannot be measured stay"
    effect: str = "mean over seeds of (method - erm) / pooled seed sd of the cell, cells of a task averaged"
    blocks: str = "task: options that name other data make another one, all others do not"
    completeness: str = "methods with every run of the board; runs that erm and half of the methods, weighted by coverage, have"
    test: str = "two-sided sign-flip over tasks, studentized, single-step max-T over methods"
    flips: str = f"all up to 2^{EXACT}, else {DRAWS} with seed 0"
    alpha: float = ALPHA
    level: float = LEVEL
    least_tasks: int = LEAST_TASKS
    least_seeds: int = LEAST_SEEDS
    least_rho: float = LEAST_RHO
    least_memorization: float = LEAST_MEMORIZATION
    least_agreement: float = LEAST_AGREEMENT
    ratio_gate: float = GATE
    power: float = POWER
    protocol: int = PROTOCOL_VERSION

    def digest(self) -> str:
        """16 hexadecimal digits of everything above."""
        return digest(asdict(self))

    def metric(self, problem: str) -> str:
        """The primary metric of a problem kind."""
        return dict(self.metrics)[problem]


PLAN = AnalysisPlan()


def primary(data: pd.DataFrame, rho: pd.DataFrame, plan: AnalysisPlan = PLAN) -> dict[tuple[str, str], Board]:
    """The boards of the plan, by problem kind and track.

    Args:
        data: one line per run and track: problem, task, noise, model, trainer, method, track, seed, score (larger is better), memorization,
            ceiling, pretrained.
        rho: one line per cell, as ``rho_sel`` gives it.
        plan: what is analyzed.
    """
    boards = {}
    ranked = data[~data["task"].isin([task for task in data["task"].unique() if is_development(task)]) & ~data["pretrained"]]
    for problem, rows in ranked.groupby("problem", sort=True, observed=True):
        kept = memorizing_only(rows, regime_gate(rows, plan.baseline))
        for track in (plan.selection, *plan.beside):
            chosen = kept[kept["track"] == track]
            usable = informative_only(chosen, rho) if track == "noisy_val" else chosen
            boards[str(problem), track] = board(usable, plan.baseline, plan.alpha, confirm=track == plan.selection)
    return boards
