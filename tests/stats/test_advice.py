"""Which method is advised, and what the advice costs on tasks that it has not seen."""

from __future__ import annotations

import numpy as np
import pandas as pd
import pytest

from benchmark.stats.advice import AVERAGE, ERM, PAGE, advise, answers, leave_one_task_out


def table(values: dict[tuple[str, str], tuple[float, float]]) -> pd.DataFrame:
    """z of methods a and b, erm at zero, by (task, family)."""
    index = pd.MultiIndex.from_tuples(values, names=["task", "family"])
    return pd.DataFrame(list(values.values()), index=index, columns=["a", "b"]).assign(erm=0.0)


def test_advice_follows_the_suspected_noise() -> None:
    z = table({("s", "pair"): (2, 1), ("t", "pair"): (3, 1), ("s", "uniform"): (0, 4), ("t", "uniform"): (1, 5)})
    assert [advise(z, noise).table.index[0] for noise in ("pair", "uniform", "any")] == ["a", "b", "b"]  # type: ignore[union-attr]
    found = advise(z, "pair")
    assert found is not None
    assert found.table.loc["a", "z"] == 2.5
    assert (found.tasks, found.cells) == (2, 2)
    assert found.regret is None  # two tasks cannot leave one out
    assert advise(z, "open set") is None
    assert advise(z[["erm"]]) is None


def test_regret_is_of_tasks_that_the_choice_has_not_seen() -> None:
    favorites = {("t0", "n"): (5, 0), ("t1", "n"): (4, 3), ("t2", "n"): (1, 4)}
    regret, picks = leave_one_task_out(table(favorites))
    assert regret is not None
    # without t0: b (3.5 against 2.5), regret 5; without t1: a (3 against 2), regret 0; without t2: a, regret 3
    assert [pick["pick"] for pick in picks] == ["b", "a", "a"]
    by = {r.policy: r for r in regret}
    assert by[PAGE].regret.value == pytest.approx(8 / 3)
    assert by[ERM].regret.value == pytest.approx((5 + 4 + 4) / 3)
    assert by[AVERAGE].over.value == 0  # one family: the page chooses as it does
    assert by[ERM].over.low < 0 < by[ERM].over.high  # three tasks: no proof


def test_the_page_beats_the_average_where_families_have_their_own_best() -> None:
    rng = np.random.default_rng(0)
    values = {(f"t{t}", n): (5 * (n == "p") + 0.1 * rng.normal(), 4 * (n == "q") + 0.1 * rng.normal()) for t in range(6) for n in ("p", "q")}
    regret, _ = leave_one_task_out(table(values))
    assert regret is not None
    by = {r.policy: r for r in regret}
    assert by[PAGE].regret.value == pytest.approx(0, abs=1e-9)
    assert by[AVERAGE].over.low > 1


def test_budget_and_knowledge_narrow_the_choice() -> None:
    z = table({("s", "p"): (2, 1), ("t", "p"): (3, 1)})
    made = answers(z, pd.Series({"a": 2.0, "b": 1.0}), frozenset({"b"}), (1.5, 9.0), lambda found, **facts: {"best": found.table.index[0], **facts})
    best = {(m["budget"], m["privileged"]): m["best"] for m in made if m["noise"] == "p"}
    assert best == {(9.0, False): "a", (9.0, True): "a", (1.5, True): "b"}  # erm alone is no answer
