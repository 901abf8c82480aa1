"""Rows that break a rule are named with it; honest rows pass, are published once, and fill the README."""

from __future__ import annotations

import json
from collections.abc import Callable
from pathlib import Path
from typing import Any

import pytest

from benchmark.board import readme
from benchmark.commands import publish
from benchmark.commands.doctor import check
from benchmark.config.grid import expand
from benchmark.config.identity import cell_id
from benchmark.config.registry import placed
from benchmark.core.errors import ConfigError, DataError
from benchmark.core.paths import ROOT, Paths
from benchmark.results import reference
from benchmark.results.row import Row
from benchmark.review.doctor import examine, read_rows
from benchmark.running.runner import run_cell

SEEDS = [(s, s, s) for s in range(3)]
Edit = Callable[[dict[str, Any]], None]


@pytest.fixture(scope="module")
def paths(tmp_path_factory: pytest.TempPathFactory) -> Paths:
    base = tmp_path_factory.mktemp("doctor")
    return Paths(base / "data", base / "results", base / "cache")


@pytest.fixture(scope="module")
def rows(paths: Paths) -> list[Row]:
    grid = {"task": "digits", "noise": "symmetric", "model": "linear", "trainer": "smoke(epochs=3,reference_folds=0)", "method": ["erm", "gce", "coteaching"]}
    return [row for cell in expand([grid], {}, {}, []).cells for row in run_cell(cell, SEEDS, paths)]


def test_honest_rows_break_no_rule(rows: list[Row], paths: Paths, capsys: pytest.CaptureFixture[str]) -> None:
    assert examine(rows) == []
    assert check(["rows", str(paths.results)]) == 0
    assert "9 rows, no rule broken" in capsys.readouterr().out


def set_selected_score(row: dict[str, Any]) -> None:
    row["metrics"]["val/noisy_val/noisy_val"] += 0.1


def out_of_range(row: dict[str, Any]) -> None:
    row["metrics"]["test/last/accuracy"] = 1.2


def set_config(row: dict[str, Any]) -> None:
    row["config"]["trainer"]["epochs"] = 30


def more_epochs(row: dict[str, Any]) -> None:
    row["cost"] |= {"forward": [100 * n for n in row["cost"]["forward"]], "epochs": 300}
    row["cost"]["passes"] = sum(row["cost"]["forward"]) + 2 * sum(row["cost"]["backward"])


def hidden_privilege(row: dict[str, Any]) -> None:
    row["config"]["method"] = {"_target_": "benchmark.methods.sample_selection.small_loss.SmallLoss", "ramp": 0.05}
    row["cell"] = cell_id({axis: placed(axis, config) for axis, config in row["config"].items()})


def foreign_method(row: dict[str, Any]) -> None:
    row["method"] = row["labels"]["method"] = "magic"


CASES: dict[str, tuple[str, Edit, str]] = {
    "selection that no checkpoint has": ("metrics", set_selected_score, "val/noisy_val/noisy_val is"),
    "impossible score": ("metrics", out_of_range, "outside [0, 1]"),
    "edited configuration": ("identity", set_config, "the configuration was edited"),
    "more training than allowed": ("budget", more_epochs, "epochs allow"),
    "passes that do not add up": ("budget", lambda row: row["cost"].update(passes=1), "add up to"),
    "privilege under another name": ("identity", hidden_privilege, "small_loss.SmallLoss was run"),
    "a method of somebody's own": ("identity", foreign_method, "method 'magic' is not in the suite"),
    "another label": ("identity", lambda row: row["labels"].update(noise="symmetric(rate=0.8)"), "its configuration is 'symmetric'"),
    "another test set": ("digests", lambda row: row["provenance"].update(test_digest="0" * 16), "test_digest is 0000000000000000"),
    "other noise": ("digests", lambda row: row["provenance"].update(noise_digest="0" * 16), "noise_digest is 0000000000000000"),
    "other code": ("code", lambda row: row["provenance"].update(source_digest="0" * 16), "source_digest is not that of this code"),
    "another protocol": ("protocol", lambda row: row["provenance"].update(protocol_version=0), "protocol_version is 0"),
    "no command": ("protocol", lambda row: row["provenance"].pop("command"), "provenance.command is missing"),
}


@pytest.mark.parametrize("name", CASES)
def test_each_broken_rule_is_named(name: str, rows: list[Row]) -> None:
    rule, edit, text = CASES[name]
    content = rows[0].model_dump(mode="json")
    edit(content)
    found = examine([Row.model_validate(content), *rows[1:]], known=rows)
    assert any(r == rule and text in said for _, r, said in found), found


def test_a_row_that_differs_is_named_not_those_that_agree(rows: list[Row]) -> None:
    """It stands first, and nothing is published that could judge."""
    wrong = rows[0].model_copy(update={"provenance": rows[0].provenance | {"test_digest": "0" * 16}})
    found = examine([wrong, *rows[1:]])
    assert [(rule, name) for name, rule, _ in found] == [("digests", f"{wrong.cell}-0 (digits symmetric erm)")]


def test_chosen_seeds_are_found(rows: list[Row]) -> None:
    assert [(rule, text) for _, rule, text in examine([*rows[:1], *rows[2:]])] == [("seeds", "seeds are 0, 2: they must be 0 to n - 1, at least 3, each once")]
    assert [rule for _, rule, _ in examine([rows[0], *rows])] == ["seeds"]


def test_what_is_no_row_is_named_with_its_line(rows: list[Row], tmp_path: Path, capsys: pytest.CaptureFixture[str]) -> None:
    extra = rows[0].model_dump(mode="json") | {"rank": 1}
    file = tmp_path / "rows.jsonl"
    file.write_text("".join(row.model_dump_json() + "\n" for row in rows) + json.dumps(extra) + "\n{broken\n")
    read, wrong = read_rows(file)
    assert len(read) == 9
    assert [(name, rule) for name, rule, _ in wrong] == [("rows.jsonl line 10", "schema"), ("rows.jsonl line 11", "schema")]
    assert check(["rows", str(file)]) == 1
    assert "9 rows, 2 findings, broken: schema" in capsys.readouterr().out
    with pytest.raises(DataError, match="does not exist"):
        read_rows(tmp_path / "none.jsonl")
    with pytest.raises(ConfigError, match="doctor: give rows FILE"):
        check(["patients"])


@pytest.fixture
def published(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> Path:
    """A tree of a test's own to publish to."""
    monkeypatch.setattr(reference, "RESULTS", tmp_path / "results")
    (tmp_path / "README.md").write_text(f"before\n{readme.block([])}\nafter\n")
    return tmp_path


def test_publishing_folds_rows_in_once_and_sorted(rows: list[Row], paths: Paths, published: Path, capsys: pytest.CaptureFixture[str]) -> None:
    assert publish.publish([f"paths.results={paths.results}"]) == 0
    first = (published / "results" / "reference.jsonl").read_bytes()
    assert [row.labels["method"] for row in reference.reference()] == ["coteaching"] * 3 + ["erm"] * 3 + ["gce"] * 3
    assert "9 rows added, 9 published" in capsys.readouterr().out
    assert publish.publish([f"paths.results={paths.results}"]) == 0
    assert (published / "results" / "reference.jsonl").read_bytes() == first
    text = (published / "README.md").read_text()
    assert text.startswith("before\n")
    assert text.endswith("\nafter\n")
    assert (published / "results" / "leaderboard.html").is_file()


def test_nothing_is_published_when_one_row_is_wrong(rows: list[Row], published: Path, capsys: pytest.CaptureFixture[str]) -> None:
    bad = rows[0].model_dump(mode="json")
    out_of_range(bad)
    file = published / "rows.jsonl"
    file.write_text("".join(row.model_dump_json() + "\n" for row in [Row.model_validate(bad), *rows[1:]]))
    assert publish.publish([f"rows={file}"]) == 1
    assert "nothing published: 1 findings in 9 rows" in capsys.readouterr().out
    assert not (published / "results" / "reference.jsonl").exists()
    file.write_text("".join(row.model_dump_json() + "\n" for row in rows))
    assert publish.publish([f"rows={file}"]) == 0
    assert all(row.provenance["self_reported"] for row in reference.reference())
    assert "| gce‡ |" in (published / "results" / "leaderboard.md").read_text()


def test_the_readme_has_its_markers() -> None:
    text = (ROOT / "README.md").read_text()
    assert text.count(readme.BEGIN) == text.count(readme.END) == 1
    with pytest.raises(DataError, match="it needs the lines"):
        readme.fill(ROOT / "LICENSE", [])
