"""Tables behind the pictures of numbers, by hand, and that the pictures are made."""

from __future__ import annotations

from pathlib import Path

import numpy as np
import pandas as pd
import pytest

from benchmark.board.figures_studies import by_noise, by_rate, errors_by_rate, gains_by_noise

ERRORS = {"clean": (2.0, 2.2), "redrawn(rate=0.4)": (4.0, 3.0), "redrawn(rate=0.8)": (6.0, 5.7), "gaussian": (3.0, 3.3)}
RATES = {"clean": np.nan, "redrawn(rate=0.4)": 0.41, "redrawn(rate=0.8)": 0.79, "gaussian": np.nan}


def cells(problem: str = "regression") -> pd.DataFrame:
    lines = [
        {"task": task, "noise": noise, "model": "mlp", "trainer": "quick", "problem": problem, "method": method}
        | {"mean": -factor * error, "gain": factor * (pair[0] - error), "rate": RATES[noise], "mrae": 100 * (error / 2 - 1)}
        | {"sign": -1, "kind": "baseline" if method == "erm" else "robust loss"}
        for task, factor in (("a", 1.0), ("b", 10.0))
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


def test_gains_are_relative_to_the_error_of_erm_and_stand_by_kind() -> None:
    table = by_noise(cells())
    assert table.index.tolist() == [("robust loss", "huber")]
    found = {name.replace("\n", " "): value for name, value in table.iloc[0].items()}
    assert found == pytest.approx(
        {f"{task} {noise}": gain for task in "ab" for noise, gain in (("clean", -10), ("redrawn(rate=0.4)", 25), ("redrawn(rate=0.8)", 5), ("gaussian", -10))}
    )


def test_many_columns_become_one_for_each_noise_and_the_best_kind_comes_first() -> None:
    tasks = [cells().assign(task=f"task {at}") for at in range(4)]
    worse = pd.concat(tasks)[lambda table: table["method"] == "huber"].assign(method="sigua", kind="sample selection", gain=-1.0)
    table = by_noise(pd.concat([*tasks, worse]))
    assert table.index.tolist() == [("robust loss", "huber"), ("sample selection", "sigua")]
    assert list(table) == list(ERRORS)


def test_scores_that_are_no_errors_are_compared_in_points() -> None:
    table = by_noise(cells().assign(sign=1, problem="multiclass"))
    assert table.loc[("robust loss", "huber"), "a\ngaussian"] == pytest.approx(-30)


def test_pictures_are_written_and_name_the_methods(tmp_path: Path) -> None:
    assert errors_by_rate(cells(), tmp_path / "rate.svg")
    gains_by_noise(cells(), tmp_path / "noise.svg")
    assert "huber" in (tmp_path / "rate.svg").read_text()
    assert "+25" in (tmp_path / "noise.svg").read_text()
    assert not errors_by_rate(cells("multiclass"), tmp_path / "none.svg")
    assert not (tmp_path / "none.svg").exists()
