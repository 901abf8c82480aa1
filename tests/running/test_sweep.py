"""What a sweep asks of its words, and how its workers share a grid."""

from __future__ import annotations

from pathlib import Path

import pytest
from hydra.core.override_parser.overrides_parser import OverridesParser

from benchmark.config.grid import expand
from benchmark.core.errors import ConfigError
from benchmark.running.sweep import grid_of, report, seed_tuples, spread


def test_a_setting_that_is_no_axis_cannot_be_swept() -> None:
    for override in ("seeds=0,1", "launcher=basic,joblib", "trainer.lr=0.1,0.2"):
        with pytest.raises(ConfigError, match=f"{override} sweeps over a setting that is no axis"):
            grid_of({"grid": [], "narrow": {}, "extra": []}, OverridesParser.create().parse_overrides([override]), {})


def test_seeds_may_be_one_number() -> None:
    assert seed_tuples(3, {"noise": None, "train": 4}) == [(3, 3, 4)]
    for wrong in (None, "a", "0,1", 0.5, True):
        with pytest.raises(ConfigError, match=f"seeds={wrong} is not a list of seeds"):
            seed_tuples(wrong, {})


def test_a_sweep_without_a_row_leaves_the_board_of_the_last_one(tmp_path: Path) -> None:
    grid = expand([{"task": "digits", "noise": "clean", "method": "erm", "trainer": "smoke"}], {}, {}, [])
    shown: list[object] = []
    assert report(grid, [(0, 0, 0)], tmp_path, lambda *given: shown.append(given)) == []
    assert shown == []


def test_workers_begin_in_different_parts_of_the_grid() -> None:
    methods = ["erm", "gce"]
    products = [{"task": "digits", "noise": ["clean", "symmetric"], "method": methods}, {"task": "yeast", "noise": "clean", "method": methods}]
    cells = expand(products, {}, {"trainer": "quick"}, []).cells
    seeds = [(s, s, s) for s in range(3)]
    jobs = [(cell, seeds) for cell in cells]
    assert spread(jobs, 1) == jobs
    names = [f"{cell.choice['task']} {cell.choice['noise']} {cell.choice['method']} {[s for s, *_ in own]}" for cell, own in spread(jobs, 2)]
    assert names == [
        *("digits clean erm [0, 1, 2]", "digits symmetric gce [1, 2]", "digits symmetric erm [2]", "digits clean gce [0, 1, 2]"),
        *("yeast clean erm [0, 1, 2]", "digits symmetric erm [0, 1]", "yeast clean gce [0, 1, 2]", "digits symmetric gce [0]"),
    ]
    for workers in (2, 3, 7, 40):
        found = [(cell.id, seed) for cell, own in spread(jobs, workers) for seed in own]
        assert sorted(found) == sorted((cell.id, seed) for cell in cells for seed in seeds)
    assert spread([], 2) == []


def test_workers_share_at_most_one_seed_of_a_block() -> None:
    """What methods share is made once per task, noise and seed: 24 runs of a block, the second of three, are halved."""
    methods = ["erm", "gce", "mae", "mixup", "elr", "sop", "forward", "small_loss"]
    noises = ["clean", "symmetric", "asymmetric"]
    cells = expand([{"task": "digits", "noise": noises, "method": methods}], {}, {"trainer": "quick"}, []).cells
    order = spread([(cell, [(s, s, s) for s in range(3)]) for cell in cells], 2)
    busy, made = [0, 0], [set[tuple[str, int]](), set[tuple[str, int]]()]
    for job, own in order:  # whoever is free takes the next
        worker = busy.index(min(busy))
        busy[worker] += len(own)
        made[worker] |= {(job.choice["noise"], seed) for seed, *_ in own}
    assert busy == [36, 36]
    assert made[0] & made[1] == {("symmetric", 1)}
