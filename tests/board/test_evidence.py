"""Advice and its regret, rank transfer, and orders under other test labels: hand-made cases with known answers."""

from __future__ import annotations

import pytest
from support.boardrows import made_rows

from benchmark.board import evidence
from benchmark.board.comparisons import compute
from benchmark.config.grid import parse
from benchmark.config.registry import names


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
