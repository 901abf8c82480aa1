"""Methods do what their papers claim, where it was fixed beforehand: paired over ten seeds on digits."""

from __future__ import annotations

from pathlib import Path

import pandas as pd
import pytest

from benchmark.grid import expand
from benchmark.paths import Paths
from benchmark.runner import run_cell
from benchmark.stats import Estimate, paired_difference
from benchmark.store import Row

SEEDS = [(seed, seed, seed) for seed in range(10)]
TRAINER = "quick(reference_folds=0)"


def scores(rows: list[Row]) -> pd.Series:
    assert all(row.status == "ok" for row in rows), next(row.error for row in rows if row.error)
    return pd.Series({row.seed: row.metrics["test/last/accuracy"] for row in rows})


@pytest.fixture(scope="module")
def gains(tmp_path_factory: pytest.TempPathFactory) -> dict[str, Estimate]:
    """Paired difference to erm (last) at 40 % symmetric noise, by method."""
    folder = tmp_path_factory.mktemp("behaviour")
    paths = Paths(Path(), folder / "results", folder / "cache")
    grid = expand([{"task": "digits", "noise": "symmetric(rate=0.4)", "trainer": TRAINER, "method": ["erm", "gce", "elr", "coteaching"]}], {}, {}, [])
    found = {cell.choice["method"]: scores(run_cell(cell, SEEDS, paths)) for cell in grid.cells}
    return {method: paired_difference(score, found["erm"]) for method, score in found.items()}


@pytest.mark.slow
@pytest.mark.parametrize("method", ["gce", "elr", "coteaching"])
def test_beats_erm_under_symmetric_noise(method: str, gains: dict[str, Estimate]) -> None:
    assert gains[method].n == 10
    assert gains[method].low > 0, gains[method]


@pytest.mark.slow
def test_erm_does_not_beat_itself(gains: dict[str, Estimate]) -> None:
    assert gains["erm"].value == 0
