"""What is measured where papers claim a gain: paired, complete, and in the table as it is, whatever its sign."""

from __future__ import annotations

import csv
from pathlib import Path
from typing import Any

import pytest
from support.claimed import BEATS

from benchmark.board import claims
from benchmark.board.claims import gain, measured
from benchmark.commands import claims as commands_claims
from benchmark.config.build import option, resolve_target
from benchmark.config.grid import Grid, expand
from benchmark.config.registry import names, raw
from benchmark.core.errors import ConfigError
from benchmark.results.row import Row
from benchmark.results.store import Store

SEEDS = [(0, 0, 0), (1, 1, 1), (2, 2, 2)]


def grid() -> Grid:
    return expand([{"task": "digits", "noise": "symmetric(rate=0.4)", "method": ["erm", "gce(truncate=0.5)", "sce"], "trainer": "quick"}], {}, {}, [])


def row_of(cell: Any, seed: tuple[int, int, int], score: float) -> Row:
    return Row(cell=cell.id, seed=seed, status="ok", labels=cell.labels, config=dict(cell.config), metrics={"test/last/accuracy": score}, **cell.choice)


def test_gain_is_paired_by_seed() -> None:
    plain, other, _ = grid().cells
    base = [row_of(plain, seed, score) for seed, score in zip(SEEDS, (0.5, 0.7, 0.9), strict=True)]
    better = [row_of(other, seed, score) for seed, score in zip(reversed(SEEDS), (0.8, 0.8, 0.6), strict=True)]
    found = gain(better, base)
    assert (found.value, found.n) == (pytest.approx(0.1 / 3), 3)
    failed = better[0].model_copy(update={"status": "failed", "error": "Boom: x"})
    with pytest.raises(ValueError, match="Boom"):
        gain([failed], base)


def test_lines_are_written_whatever_their_sign(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    store, cells = Store(tmp_path / "results"), grid()
    for cell, shift in zip(cells.cells, (0.0, 0.1, -0.2), strict=True):
        for seed in SEEDS:
            store.write(row_of(cell, seed, 0.5 + shift * (1 + seed[0])))
    monkeypatch.setattr(commands_claims, "MEASURED", claims.ROOT / "docs" / "claims_of_a_test.csv")
    written: dict[str, bytes] = {}
    monkeypatch.setattr(commands_claims, "write_atomically", lambda path, content: written.update({path.name: content}))
    monkeypatch.setattr("benchmark.running.plan.planned", lambda arguments: (cells, SEEDS, tmp_path / "results"))
    assert commands_claims.claims([]) == 0
    (tmp_path / "claims.csv").write_bytes(written["claims_of_a_test.csv"])
    found = measured(tmp_path / "claims.csv")
    assert found["gce"] == ["truncate=0.5, symmetric(rate=0.4): +0.200 [-0.048, +0.448]"]
    assert found["sce"] == ["symmetric(rate=0.4): -0.400 [-0.897, +0.097]"]
    assert "erm" not in found
    monkeypatch.setattr("benchmark.running.plan.planned", lambda arguments: (cells, [*SEEDS, (3, 3, 3)], tmp_path / "results"))
    with pytest.raises(ConfigError, match="runs are missing"):
        commands_claims.claims([])


def test_what_is_recorded_are_cells_of_the_experiment_with_all_their_seeds() -> None:
    experiment = raw("experiment", "claims")
    cells = expand(experiment["hydra"]["sweeper"]["grid"], {}, {}, [])
    with claims.MEASURED.open(encoding="utf8") as file:
        lines = list(csv.DictReader(file))
    assert lines
    assert {(entry["method"], entry["noise"]) for entry in lines} <= {
        (cell.labels["method"], cell.labels["noise"]) for cell in cells.cells if cell.labels["method"] != "erm"
    }
    assert {int(entry["n"]) for entry in lines} == {len(experiment["seeds"])} == {10}


def test_what_beats_erm_on_part_of_digits_is_recorded_to_beat_it_on_all() -> None:
    with claims.MEASURED.open(encoding="utf8") as file:
        low = {(entry["method"], entry["noise"]): float(entry["low"]) for entry in csv.DictReader(file)}
    both = [(method, noise) for noise, methods in BEATS.items() for method in methods if (method, noise) in low]
    assert len(both) >= 8
    assert all(low[pair] > 0 for pair in both)


def test_claims_name_methods_that_exist() -> None:
    assert set(measured()) <= set(names("method"))
    for name in measured():
        assert "categorical" in resolve_target(option("method", name), "method").kinds
