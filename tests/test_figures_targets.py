"""Tables behind the pictures of numbers, by hand, and that the pictures are made."""

from __future__ import annotations

from pathlib import Path

import numpy as np
import pandas as pd
import pytest

from benchmark.figures_targets import by_noise, by_rate, changes_by_noise, errors_by_rate

ERRORS = {"clean": (2.0, 2.2), "redrawn(rate=0.4)": (4.0, 3.0), "redrawn(rate=0.8)": (6.0, 5.7), "gaussian": (3.0, 3.3)}
RATES = {"clean": np.nan, "redrawn(rate=0.4)": 0.41, "redrawn(rate=0.8)": 0.79, "gaussian": np.nan}


def cells(problem: str = "regression") -> pd.DataFrame:
    lines = [
        {"task": task, "noise": noise, "model": "mlp", "trainer": "quick", "track": track, "problem": problem, "method": method}
        | {"mean": -factor * error, "rate": RATES[noise], "mrae": 100 * (error / 2 - 1)}
        for task, factor in (("a", 1.0), ("b", 10.0))
        for track in ("last", "noisy_val")
        for noise, pair in ERRORS.items()
        for method, error in zip(("erm", "huber"), pair, strict=True)
    ]
    return pd.DataFrame(lines)


def test_rates_begin_with_clean_targets_and_noise_without_a_rate_is_left_out() -> None:
    table = by_rate(cells())
    assert set(table["generator"]) == {"redrawn"}
    line = table[(table["task"] == "b") & (table["method"] == "huber")]
    assert line["rate"].tolist() == [0.0, 0.41, 0.79]
    assert line["mrae"].tolist() == pytest.approx([10.0, 50.0, 185.0])
    assert by_rate(cells("multiclass")).empty


def test_changes_are_relative_to_erm_and_the_best_method_comes_first() -> None:
    table = by_noise(cells())
    assert table.index.tolist() == ["huber", "erm"]
    assert table.loc["huber"].to_dict() == pytest.approx({"clean": 10.0, "redrawn(rate=0.4)": -25.0, "redrawn(rate=0.8)": -5.0, "gaussian": 10.0})
    assert (table.loc["erm"] == 0).all()


def test_pictures_are_written_and_name_the_methods(tmp_path: Path) -> None:
    errors_by_rate(cells(), tmp_path / "rate.svg")
    changes_by_noise(cells(), tmp_path / "noise.svg")
    assert "huber" in (tmp_path / "rate.svg").read_text()
    assert "-25" in (tmp_path / "noise.svg").read_text()
    errors_by_rate(cells("multiclass"), tmp_path / "none.svg")
    assert not (tmp_path / "none.svg").exists()
