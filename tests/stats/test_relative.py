"""MRAE against a calculation by hand."""

from __future__ import annotations

import numpy as np
import pandas as pd
import pytest

from benchmark.stats import relative_errors

ERRORS = {
    ("clean", "erm"): [2.0, 4.0, 3.0],
    ("clean", "mae"): [1.0, 2.0, 3.0],
    ("noisy", "erm"): [4.0, 8.0, 6.0],
    ("noisy", "mae"): [2.5, 3.0, 3.5],
    ("noisy", "huber"): [3.0, 3.0, np.nan],
}


def runs(sign: int = -1, task: str = "t", **left_out: str) -> pd.DataFrame:
    lines = [
        {"task": task, "noise": noise, "model": "mlp", "trainer": "quick", "track": "last", "method": method, "seed": seed, "sign": sign, "score": sign * value}
        for (noise, method), values in ERRORS.items()
        for seed, value in enumerate(values)
        if np.isfinite(value) and left_out.get(noise) != method
    ]
    return pd.DataFrame(lines)


def found(data: pd.DataFrame, noise: str, method: str) -> list[float]:
    line = relative_errors(data).set_index(["noise", "method"]).loc[(noise, method)]
    return [float(line["mrae"]), float(line["mrae_l1"])]


def test_means_over_the_seeds_that_both_have() -> None:
    data = runs()
    assert found(data, "noisy", "erm") == pytest.approx([100.0, 200.0])
    assert found(data, "noisy", "mae") == pytest.approx([0.0, 50.0])
    assert found(data, "noisy", "huber") == pytest.approx([0.0, 100.0])  # 6 / 6 and 6 / 3 over two seeds
    assert found(data, "clean", "mae") == pytest.approx([-100 / 3, 0.0])


def test_nothing_without_the_reference_and_nothing_of_scores_that_are_no_errors() -> None:
    assert np.isnan(found(runs(clean="mae"), "noisy", "erm")[1])
    assert found(runs(clean="mae"), "noisy", "erm")[0] == pytest.approx(100.0)
    assert np.isnan(found(runs(sign=1), "noisy", "erm")).all()


def test_another_task_is_no_reference() -> None:
    other = runs(task="u")
    both = pd.concat([runs()[lambda t: t["noise"] == "noisy"], other])
    table = relative_errors(both).set_index(["task", "noise", "method"])
    assert np.isnan(table.loc[("t", "noisy", "erm"), "mrae"])
    assert table.loc[("u", "noisy", "erm"), "mrae"] == pytest.approx(100.0)
