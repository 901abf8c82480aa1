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


@dataclass(frozen=True)
class Advice:
    """An answer: methods best first with their means over tasks, and what the same rule costs on tasks that it has not seen."""

    table: pd.DataFrame  # index method: z low high first
    tasks: int
    cells: int
    regret: list[Regret] | None
    picks: list[dict[str, Any]]


def advise(z: pd.DataFrame, noise: str = ANY, baseline: str = "erm") -> Advice | None:
    """The methods by mean z over tasks, under one noise family or all.

    Args:
        z: standardized gains, one line per cell (index: task, noise family), one column per method that may be chosen, erm's zeros among them.
        noise: family that is suspected.
        baseline: the column that is always there.

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
    regret, picks = leave_one_task_out(z, baseline)
    return Advice(table.sort_values("z", ascending=False, kind="stable"), len(tasks), len(kept), regret, picks)


def leave_one_task_out(z: pd.DataFrame, baseline: str = "erm") -> tuple[list[Regret] | None, list[dict[str, Any]]]:
    """For every task and noise family: choose on the other tasks, and see how far the choice is behind the best method there.

    The page chooses by cells of the same family on other tasks, or by all their cells where there is none. Regret = max_m z - z of the choice,
    families of a task averaged, t-interval over tasks.

    Returns:
        The regret of the page, of always erm, and of the best method on average over the other tasks; what the page chose. (None, []) below three tasks.
    """
    by = z.groupby(level=["task", "family"], sort=False).mean()
    tasks = by.index.get_level_values("task")
    if tasks.nunique() < LEAST_TO_LEAVE_OUT:
        return None, []
    lines, picks = [], []
    for (task, family), values in by.iterrows():
        others = by[tasks != task]
        same = others[others.index.get_level_values("family") == family]
        choice = {PAGE: _best(same if len(same) else others), ERM: baseline, AVERAGE: _best(others)}
        best = str(values.idxmax())
        lines.append({"task": task, **{policy: values[best] - values[name] for policy, name in choice.items()}})
        picks.append({"task": task, "noise": family, "pick": choice[PAGE], "z": float(values[choice[PAGE]]), "best": best, "best_z": float(values[best])})
    per_task = pd.DataFrame(lines).groupby("task", sort=False).mean()
    return [
        Regret(name, mean_interval(per_task[name].to_numpy()), mean_interval((per_task[name] - per_task[PAGE]).to_numpy())) for name in (PAGE, ERM, AVERAGE)
    ], picks


def _best(z: pd.DataFrame) -> str:
    return str(z.groupby(level="task", sort=False).mean().mean().idxmax())


def answers(z: pd.DataFrame, cost: pd.Series, privileged: frozenset[str], budgets: Sequence[float], add: Callable[..., dict[str, Any]]) -> list[dict[str, Any]]:
    """``advise`` for every noise family, budget and whether privileged methods may be chosen; ``add`` makes an entry of each."""
    families = [ANY, *dict.fromkeys(z.index.get_level_values("family"))]
    out = []
    for budget, knows in product(budgets, (False, True)):
        allowed = [name for name in z.columns if name == "erm" or (cost.get(name, np.inf) <= budget and (knows or name not in privileged))]
        for family in families:
            found = advise(z[allowed], family)
            if found is not None:
                out.append(add(found, noise=family, budget=budget, privileged=knows))
    return out
