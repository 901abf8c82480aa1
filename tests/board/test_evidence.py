"""Advice and its regret, rank transfer, and orders under other test labels: hand-made cases with known answers."""

from __future__ import annotations

import numpy as np
import pandas as pd
import pytest
from scipy.stats import spearmanr, studentized_range
from support.boardrows import made_rows

from benchmark.board import evidence
from benchmark.board.comparisons import compute
from benchmark.config.grid import parse
from benchmark.config.registry import names
from benchmark.stats.advice import AVERAGE, ERM, PAGE, advise, answers, leave_one_task_out
from benchmark.stats.orders import cliques, critical_difference, label_sensitivity, nemenyi, rank_transfer, spearman


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


def test_spearman_and_transfer() -> None:
    rng = np.random.default_rng(0)
    x, y = rng.integers(0, 5, 12), rng.integers(0, 5, 12)
    assert spearman(x, y) == pytest.approx(spearmanr(x, y).statistic)
    assert np.isnan(spearman(np.ones(4), np.arange(4)))
    z = pd.DataFrame([[1, 2, 3, 4], [4, 3, 2, 1], [1, 2, 3, 4.5]], index=["cheap", "dear", "cheapest"], columns=list("abcd"))
    found = rank_transfer(z, pd.Series({"cheap": 2.0, "dear": 9.0, "cheapest": 1.0}))
    assert found is not None
    assert found.tasks == ["cheapest", "cheap", "dear"]
    assert found.correlation[0].tolist() == [1, 1, -1]
    assert found.halves.value == -1
    assert rank_transfer(z.iloc[:1], pd.Series({"cheap": 2.0})) is None
    assert rank_transfer(z[["a", "b"]], pd.Series({"cheap": 2.0, "dear": 9.0, "cheapest": 1.0})) is None


def test_other_test_labels_that_reverse_the_order_are_found() -> None:
    lines = [
        {
            "task": "t",
            "noise": "n",
            "model": "m",
            "trainer": "q",
            "labels": labels,
            "method": method,
            "seed": seed,
            "score": at + 0.01 * seed,
            "other": sign * at,
        }
        for labels, sign in (("corrected", 1), ("votes", -1))
        for at, method in enumerate("abc")
        for seed in range(3)
    ]
    found = label_sensitivity(pd.DataFrame(lines)).set_index("labels")
    assert found["tau"].to_dict() == {"corrected": 1, "votes": -1}
    assert found.loc["votes", ["first", "first_other", "shift"]].tolist() == ["c", "a", -2]
    assert found.loc["corrected", "shift"] == 0


def test_evidence_of_rows() -> None:
    rows = made_rows()
    for row in rows:
        row.metrics["test_corrected/last/accuracy"] = row.metrics["test/last/accuracy"] - 0.01
        row.metrics["test_soft/last/agreement"] = 1 - row.metrics["test/last/accuracy"]
        row.metrics |= {"test_soft/last/cross_entropy": 1.0, "test_soft/noisy_val/agreement": 0.5}  # no score that ranks
    found = compute(rows)
    said = list(evidence.advice(found.cells, found.data))
    (anything,) = [a for a in said if a["noise"] == "any" and a["budget"] > 1e6 and not a["privileged"]]
    assert (anything["problem"], anything["tasks"], anything["development"]) == ("multiclass", 7, False)
    assert anything["methods"][0]["name"] == "elr"
    assert all(m["name"] != "small_loss" for m in anything["methods"])
    assert {(line["labels"], line["tau"]) for line in evidence.sensitivity(found.further)} == {("corrected", 1.0), ("soft", -1.0)}
    (last, _) = evidence.transfer(found.boards, found.data)
    assert last["tasks"] == [f"made{t}" for t in range(7)]
    assert last["halves"] > 0.5


def test_published_numbers_must_say_where_they_come_from(tmp_path: pytest.TempPathFactory, monkeypatch: pytest.MonkeyPatch) -> None:
    file = tmp_path / "published.yaml"  # type: ignore[operator]
    monkeypatch.setattr(evidence, "PUBLISHED", file)
    file.write_text("- {method: elr, task: cifar10, noise: symmetric(rate=0.4), value: 0.9, source: somewhere}\n")
    with pytest.raises(evidence.DataError, match=r"published.yaml entry 1: it needs exactly method, task"):
        evidence.published()


@pytest.mark.parametrize("methods", [2, 3, 7, 30, 60])
def test_critical_differences_are_those_of_the_studentized_range(methods: int) -> None:
    assert nemenyi(methods) == pytest.approx(studentized_range.ppf(0.95, methods, np.inf) / np.sqrt(2), abs=1e-5)
    assert critical_difference(methods, 40) == pytest.approx(critical_difference(methods, 10) / 2)


def test_groups_hold_all_that_are_close_and_none_is_inside_another() -> None:
    ranks = np.array([1.0, 1.2, 2.0, 2.1, 4.0])
    found = cliques(ranks, 0.95)
    assert found == [(0, 1), (1, 3)]
    close = {(i, j) for i in range(5) for j in range(i + 1, 5) if ranks[j] - ranks[i] <= 0.95}
    assert close == {(i, j) for first, last in found for i in range(first, last + 1) for j in range(i + 1, last + 1)}
    assert cliques(ranks, 0.05) == []


def test_every_published_number_is_a_share_of_a_method_of_the_suite_and_is_given_once() -> None:
    entries = evidence.published()
    assert {entry["method"] for entry in entries} <= set(names("method"))
    assert all(0 < float(entry["value"]) < 1 for entry in entries)
    keys = [(entry["method"], entry["task"], entry["noise"], entry["source"]) for entry in entries]
    assert len(set(keys)) == len(keys)
    for entry in entries:
        if entry["task"] in names("task"):
            assert parse("noise", entry["noise"])  # a label that a cell could have
    assert {"cifar10n", "cifar100n", "wikigold", "noisebench"} <= {entry["task"] for entry in entries}
    leaderboard = [entry for entry in entries if entry["source"].startswith("Wei et al.")]
    assert [entry["method"] for entry in leaderboard if entry["sure"] == "unsure"] == ["coteaching", "coteaching"]
    assert all("quoted by" in entry["source"] for entry in leaderboard if entry["sure"] == "secondary")
