"""What the page holds of each cell."""

from __future__ import annotations

import numpy as np
import pytest
from support.boardrows import made_rows

from benchmark.board.pagerows import details
from benchmark.stats import CELL, mean_interval


def test_curves_of_a_cell_have_the_interval_over_its_seeds() -> None:
    made = [row for row in made_rows(tasks=1) if (row.method, row.labels["noise"]) == ("gce", "clean")]
    files, _ = details(made, [tuple(made[0].labels[axis] for axis in CELL)], {"gce": 0}, None)
    (curve,) = files[0][0]["curves"]
    for k in range(4):
        found = mean_interval(np.array([row.metrics[f"val/checkpoint_{k}/noisy_val"] for row in made]))
        assert curve["noisy_val"][k] == pytest.approx(found.value, rel=1e-4)
        assert curve["noisy_val_half"][k] == pytest.approx(found.high - found.value, rel=1e-2)
