"""Curves go where they are told to, one W&B run per row."""

from __future__ import annotations

import csv
from pathlib import Path

import pytest

from benchmark.config.grid import expand
from benchmark.core.errors import ConfigError
from benchmark.core.paths import Paths
from benchmark.running.loggers import open_logger
from benchmark.running.runner import Options, run_cell

GRID = [{"task": "digits", "noise": "symmetric", "trainer": "smoke(epochs=2,reference_folds=0)", "method": "erm"}]


def test_csv_has_a_line_per_checkpoint(paths: Paths) -> None:
    (cell,) = expand(GRID, {}, {}, []).cells
    (row,) = run_cell(cell, [(0, 0, 0)], paths, Options(logger="csv"))
    (file,) = (paths.results / "curves").glob("*.csv")
    lines = list(csv.DictReader(file.open()))
    assert [line["epoch"] for line in lines] == ["1", "2"]
    assert float(lines[-1]["primary/test"]) == row.metrics["test/last/accuracy"]


def test_unknown_logger_is_refused(tmp_path: Path) -> None:
    (cell,) = expand(GRID, {}, {}, []).cells
    with pytest.raises(ConfigError, match="tensorboard"), open_logger("tensorboard", cell, (0, 0, 0), tmp_path):
        pass
