"""Methods do what their papers claim, where it was fixed beforehand: paired over ten seeds on digits.

What every other method does on a noise of its paper stands in docs/methods.md, whatever its sign.
"""

from __future__ import annotations

import functools
from collections.abc import Callable
from pathlib import Path

import pytest
from support.claimed import BEATS

from benchmark.board.claims import gain
from benchmark.config.grid import expand
from benchmark.core.paths import Paths
from benchmark.results.row import Row
from benchmark.running.runner import run_cell
from benchmark.stats import Estimate

SEEDS = [(seed, seed, seed) for seed in range(10)]
CELL = {"task": "digits", "trainer": "quick(reference_folds=0)"}

Gain = Callable[[str, str], Estimate]


@pytest.fixture(scope="module")
def gained(tmp_path_factory: pytest.TempPathFactory) -> Gain:
    """Paired difference to erm of a method under a noise; every cell is trained once."""
    folder = tmp_path_factory.mktemp("behaviour")
    paths = Paths(Path(), folder / "results", folder / "cache")

    @functools.cache
    def rows(method: str, noise: str) -> list[Row]:
        (cell,) = expand([{**CELL, "noise": noise, "method": method}], {}, {}, []).cells
        return run_cell(cell, SEEDS, paths)

    return lambda method, noise: gain(rows(method, noise), rows("erm", noise))


@pytest.mark.slow
@pytest.mark.parametrize(("method", "noise"), [(method, noise) for noise, methods in BEATS.items() for method in methods])
def test_beats_erm(method: str, noise: str, gained: Gain) -> None:
    found = gained(method, noise)
    assert found.n == 10
    assert found.low > 0, found


@pytest.mark.slow
@pytest.mark.parametrize("noise", BEATS)
def test_erm_does_not_beat_itself(noise: str, gained: Gain) -> None:
    assert gained("erm", noise).value == 0
