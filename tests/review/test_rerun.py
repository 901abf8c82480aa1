"""The best submissions are run again with fresh seeds: honest rows agree, flattered ones are found."""

from __future__ import annotations

import itertools
import json
from pathlib import Path

import pytest

from benchmark.commands.verify import verify
from benchmark.config.grid import expand
from benchmark.core.errors import ConfigError
from benchmark.core.paths import Paths
from benchmark.results.row import Row
from benchmark.review.rerun import rerun
from benchmark.running.runner import run_cell

GRID = [{"task": "diabetes", "noise": "outliers", "model": "mlp", "trainer": "smoke(epochs=2,reference_folds=0)", "method": ["erm", "huber", "mae"]}]


@pytest.fixture(scope="module")
def paths(tmp_path_factory: pytest.TempPathFactory) -> Paths:
    base = tmp_path_factory.mktemp("rerun")
    return Paths(base / "data", base / "results", base / "cache")


@pytest.fixture(scope="module")
def rows(paths: Paths) -> list[Row]:
    return [row for cell in expand(GRID, {}, {}, []).cells for row in run_cell(cell, [(s, s, s) for s in range(3)], paths)]


@pytest.fixture(autouse=True)
def drawn(monkeypatch: pytest.MonkeyPatch) -> None:
    """What is drawn when the command is called is the same in every test: one honest method in twenty would be found lower otherwise."""
    numbers = itertools.count(17, 1001)
    monkeypatch.setattr("benchmark.review.rerun.secrets.randbelow", lambda _: next(numbers))


def test_honest_rows_agree_and_only_the_best_run_again(rows: list[Row], paths: Paths, capsys: pytest.CaptureFixture[str]) -> None:
    assert rerun(rows, [], 1, 3, paths) == 0
    said = capsys.readouterr().out
    lines = [line for line in said.splitlines() if "(regression): submitted" in line]
    assert [line.split()[0] for line in lines] == ["agrees"]
    made = [json.loads(file.read_text()) for file in (paths.results / "local" / "reruns" / "runs").rglob("*.json")]
    assert len(made) == 2 * 3  # the best method and erm
    assert len({tuple(row["seed"]) for row in made}) == 3
    assert all(row["seed"][0] >= 1000 and str(row["seed"][0]) in said for row in made)


def test_flattered_rows_are_lower_when_they_run_again(rows: list[Row], paths: Paths, tmp_path: Path, capsys: pytest.CaptureFixture[str]) -> None:
    """mae of the submission lacks nine tenths of its error; without published rows its own erm is what it is compared with."""
    better = [
        row.model_copy(update={"metrics": {name: value / 10 if name.endswith("/mae") else value for name, value in row.metrics.items()}})
        if row.method == "mae"
        else row
        for row in rows
    ]
    file = tmp_path / "rows.jsonl"
    file.write_text("".join(row.model_dump_json() + "\n" for row in better))
    assert verify(["TOP=2", "SEEDS=3", f"rows={file}", f"paths.results={tmp_path}", f"paths.cache={paths.cache}"]) == 1
    lines = [line.split()[:2] for line in capsys.readouterr().out.splitlines() if "submitted" in line]
    assert lines[0] == ["LOWER", "mae"]
    assert lines[1] == ["agrees", "huber"]


def test_what_cannot_be_verified_is_said(rows: list[Row], paths: Paths) -> None:
    with pytest.raises(ConfigError, match="no published row is self-reported: give rows=FILE"):
        verify(["TOP=5"])
    with pytest.raises(ConfigError, match="at least one method and two seeds"):
        rerun(rows, [], 1, 1, paths)
    with pytest.raises(ConfigError, match="no method of the submitted rows ranks"):
        rerun([row for row in rows if row.method == "erm"], [], 1, 2, paths)
    with pytest.raises(ConfigError, match="TOP=five is no number"):
        verify(["TOP=five"])
