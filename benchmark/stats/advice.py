"""Which method to use, and what such an answer is worth: regret on tasks that it has not seen."""

from __future__ import annotations

from collections.abc import Callable, Sequence
from dataclasses import dataclass
from itertools import product
from typing import Any

import numpy as np
import pandas as pd

from benchmark.stats.boards import rank_stability
from benchmark.stats.intervals import Estimate, mean_interval

ANY = "any"
LEAST_TO_LEAVE_OUT = 3  # tasks: with two, one task alone would choose for the other
PAGE, ERM, AVERAGE = "this page", "always erm", "always the best on average"


@dataclass(frozen=True)
class Regret:
    """Of a policy on tasks that were left out, in sd over seeds; ``over`` is its regret minus the page's, paired by task."""

    policy: str
    regret: Estimate
    over: Estimate


Trial = tuple[list[Regret] | None, list[dict[str, Any]]]  # regrets of the policies, and what the page chose task by task


@dataclass(frozen=True)
class Advice:
    """An answer: methods best first with their means over tasks, and what the same rule costs on tasks that it has not seen."""

    table: pd.DataFrame  # index method: z low high first
    tasks: int
    cells: int
    regret: list[Regret] | None
    picks: list[dict[str, Any]]


def advise(z: pd.DataFrame, noise: str = ANY, baseline: str = "erm", tried: Trial | None = None) -> Advice | None:
    """The methods by mean z over tasks, under one noise family or all.

    Args:
        z: standardized gains, one line per cell (index: task, noise family), one column per method that may be chosen, erm's zeros among them.
        noise: family that is suspected.
        baseline: the column that is always there.
        tried: ``leave_one_task_out(z)``, if that is known already.

    Returns:
        None without a cell of this family. Intervals are t-intervals over tasks, ``first`` is P(best) by bootstrap over tasks.
    """
    kept = z if noise == ANY else z[z.index.get_level_values("family") == noise]
    if kept.empty or list(z.columns) == [baseline]:
        return None
    tasks = kept.groupby(level="task", sort=False).mean()
    found = [mean_interval(tasks[name].to_numpy()) for name in tasks]
    table = pd.DataFrame({"z": [e.value for e in found], "low": [e.low for e in found], "high": [e.high for e in found]}, index=tasks.columns)
    table["first"] = rank_stability(tasks.to_numpy())["first"]
    table.loc[baseline, ["low", "high"]] = np.nan
    regret, picks = tried or leave_one_task_out(z, baseline)
    return Advice(table.sort_values("z", ascending=False, kind="stable"), len(tasks), len(kept), regret, picks)


def leave_one_task_out(z: pd.DataFrame, baseline: str = "erm") -> Trial:
    """For every task and noise family: choose on the other tasks, and see how far the choice is behind the best method there.

    The page chooses by cells of the same family on other tasks, or by all their cells where there is none. Regret = max_m z - z of the choice,
    families of a task averaged, t-interval over tasks.

    Returns:
        The regret of the page, of always erm, and of the best method on average over the other tasks; what the page chose. (None, []) below three tasks.
    """
    by = z.groupby(level=["task", "family"], sort=False).mean()
    (task, tasks), (family, _) = (pd.factorize(by.index.get_level_values(name)) for name in ("task", "family"))
    if len(tasks) < LEAST_TO_LEAVE_OUT:
        return None, []
    values = by.to_numpy()
    mean = by.groupby(level="task", sort=False).mean().to_numpy()[task]
    average = _others(mean / np.bincount(task)[task, None], np.zeros(len(task), dtype=int), task)  # each task counts once
    same = _others(values, family, task)
    choice = {
        PAGE: np.where(np.isfinite(same).all(1), same.argmax(1), average.argmax(1)),
        ERM: np.full(len(values), list(z.columns).index(baseline)),
        AVERAGE: average.argmax(1),
    }
    rows, best = np.arange(len(values)), values.argmax(1)
    behind = {policy: np.bincount(task, values.max(1) - values[rows, at]) / np.bincount(task) for policy, at in choice.items()}
    regret = [Regret(name, mean_interval(behind[name]), mean_interval(behind[name] - behind[PAGE])) for name in (PAGE, ERM, AVERAGE)]
    names, chosen = list(map(str, z.columns)), choice[PAGE]
    keys = ("task", "noise", "pick", "z", "best", "best_z")
    lines = zip(*zip(*by.index, strict=True), chosen, values[rows, chosen], best, values[rows, best], strict=True)
    return regret, [dict(zip(keys, (t, n, names[pick], float(own), names[top], float(most)), strict=True)) for t, n, pick, own, top, most in lines]


def _others(values: np.ndarray, group: np.ndarray, task: np.ndarray) -> np.ndarray:
    """Mean of each line's group over the tasks that are not the line's own, (R, M); NaN where there is none. Up to a factor that all methods share."""
    member = np.zeros((group.max() + 1, len(values)))
    member[group, np.arange(len(values))] = 1
    own = np.zeros((task.max() + 1, len(member), values.shape[1]))
    np.add.at(own, (task, group), values)
    count = np.zeros((task.max() + 1, len(member)))
    np.add.at(count, (task, group), 1)
    left = count.sum(0)[group] - count[task, group]
    with np.errstate(invalid="ignore", divide="ignore"):
        return np.asarray(((member @ values)[group] - own[task, group]) / np.where(left > 0, left, np.nan)[:, None])


def answers(z: pd.DataFrame, cost: pd.Series, privileged: frozenset[str], budgets: Sequence[float], add: Callable[..., dict[str, Any]]) -> list[dict[str, Any]]:
    """``advise`` for every noise family, budget and whether privileged methods may be chosen; ``add`` makes an entry of each."""
    families = [ANY, *dict.fromkeys(z.index.get_level_values("family"))]
    out, known = [], dict[tuple[str, ...], list[tuple[str, Advice]]]()  # many budgets allow the same methods
    for budget, knows in product(budgets, (False, True)):
        allowed = [name for name in z.columns if name == "erm" or (cost.get(name, np.inf) <= budget and (knows or name not in privileged))]
        if tuple(allowed) not in known:
            tried = leave_one_task_out(z[allowed])
            known[tuple(allowed)] = [(family, found) for family in families if (found := advise(z[allowed], family, tried=tried)) is not None]
        out += [add(found, noise=family, budget=budget, privileged=knows) for family, found in known[tuple(allowed)]]
    return out
