"""What all methods of a cell share."""

from __future__ import annotations

import numpy as np
import pytest
import torch
from support.tiny import PROBLEMS

from benchmark.config.cells import Cell
from benchmark.config.grid import expand
from benchmark.core.paths import Paths
from benchmark.data.splits import halved
from benchmark.running.conditions import Conditions, _conditions
from benchmark.running.runner import Options, run_cell

SEED = (0, 0, 0)


@pytest.fixture
def cells() -> list[Cell]:
    product = {"task": "digits(subset=500)", "noise": "symmetric(rate=0.4)", "method": ["erm", "gce"], "model": "linear", "trainer": "smoke"}
    return expand([product], {}, {}, []).cells


def test_altered_reference_predictions_are_named_and_made_again(cells: list[Cell], paths: Paths) -> None:
    (first,) = run_cell(cells[0], [SEED], paths)
    (path,) = (paths.cache / "reference").glob("*.npz")
    good = path.read_bytes()
    path.write_bytes(good[:200] + bytes([good[200] ^ 1]) + good[201:])
    _conditions.cache_clear()
    (again,) = run_cell(cells[0], [SEED], paths, Options(on_existing="rerun"))
    assert path.read_bytes() == good
    assert again.metrics == first.metrics
    assert f"{path} was altered" in (paths.results / "logs" / f"{cells[0].id}.log").read_text()


@pytest.mark.parametrize("problem", PROBLEMS)
def test_halves_part_the_validation_set_with_its_right_labels(problem: str, settings: dict[str, Conditions]) -> None:
    conditions = settings[problem]
    data, rest, truth = halved(conditions.data, conditions.truth, "name")
    whole, width = conditions.data.val, conditions.data.problem.width
    assert abs(len(data.val) - len(rest)) <= 2
    both = torch.cat([data.val.x, rest.x]).flatten(1)
    assert sorted(map(tuple, both.tolist())) == sorted(map(tuple, whole.x.flatten(1).tolist()))
    at = [int((whole.x.flatten(1) == x).all(1).nonzero()[0]) for x in rest.x.flatten(1)]
    assert conditions.truth.val is not None
    np.testing.assert_array_equal(truth.val, conditions.truth.val.reshape(-1, width)[at].reshape(-1))
    np.testing.assert_array_equal(truth.y_val, conditions.truth.y_val[at])
    assert torch.equal(rest.value, whole.value[at])
    assert torch.equal(halved(conditions.data, conditions.truth, "name")[1].x, rest.x)
