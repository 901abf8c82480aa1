"""Which trial wins, by scores that never come from the test set."""

from __future__ import annotations

from pathlib import Path

import numpy as np
import pytest
from support.tuned import SEEDS, grid, row_of

from benchmark.commands.tune import SCORES, Tried, collected, normalized, winner
from benchmark.core.errors import ConfigError
from benchmark.results.store import Store


def test_winner_by_hand() -> None:
    nan = np.nan
    scores = np.array([[0.5, 0.7, 0.9, nan], [-30.0, -10.0, -20.0, -12.0], [0.4, 0.4, nan, 0.4]])
    assert normalized(scores) == pytest.approx(np.array([[0, 0.5, 1, 0], [0, 1, 0.5, 0.9], [1, 1, 0, 1]]))
    assert winner(scores) == 1  # 2.5 of 3; the second best 1.9
    assert winner(np.array([[0.1, 0.9, 0.4], [0.3, 0.1, 0.3]])) == 2  # 0 + 1, 1 + 0, 0.375 + 1
    assert winner(np.array([[nan, 0.9, 0.2], [0.9, 0.7, 0.1]])) == 1  # a failure weighs as much as the worst: 0 + 1, 1 + 0.75
    assert winner(np.array([[0.0, 1.0, 0.0], [0.0, 0.0, 1.0]])) == 1  # a tie goes to the lower number
    assert winner(np.array([[0.1, 0.2, 0.3], [0.3, 0.2, 0.1]])) == 0


def test_scores_never_come_from_the_test_set_and_a_failed_seed_fails_its_trial() -> None:
    for task, sign in (("digits", 1), ("diamonds", -1)):
        noise, method = ("symmetric", "gce") if task == "digits" else ("gaussian", "huber")
        (cells,) = grid("trials", task=task, noise=noise, method=method).variants
        values = [0.3, 0.6, None, 0.9]
        rows = [[row_of(cell, seed, value if seed[0] == 0 or value is None else value - 0.1) for seed in SEEDS] for cell, value in zip(cells, values)]  # noqa: B905
        rows[3][1] = row_of(cells[3], SEEDS[1], None)
        tried = Tried(cells, rows)
        assert tried.scores(SCORES["blind"]) == pytest.approx([sign * 0.25, sign * 0.55, np.nan, np.nan], nan_ok=True)
        chosen = winner(tried.scores(SCORES["blind"])[None])
        garbage = [
            [row.model_copy(update={"metrics": {k: (9e9 * i if k[:4] == "test" else v) for k, v in row.metrics.items()}}) for row in runs]
            for i, runs in enumerate(rows)
        ]
        assert winner(Tried(cells, garbage).scores(SCORES["blind"])[None]) == chosen == (1 if sign > 0 else 0)
        assert (tried.total("passes"), tried.total("seconds", SEEDS[1]), tried.failed) == (50, 1.0, 3)
    assert all(key.startswith("val/last/") for key in SCORES.values())
    with pytest.raises(ConfigError, match="no trial of diamonds gaussian huber has a score"):
        tried.scores("val/last/other")


def test_missing_trials_are_told(tmp_path: Path) -> None:
    store, found = Store(tmp_path), grid("trials")
    for cell in found.cells[1:]:
        store.write(row_of(cell, SEEDS[0], 0.5))
    with pytest.raises(ConfigError, match="17 runs of the trials are missing"):
        collected(found, SEEDS, tmp_path)
