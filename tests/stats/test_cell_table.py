"""The vectorized table of all cells against the functions of single cells, and its speed."""

from __future__ import annotations

import time

import numpy as np
import pandas as pd
import pytest
from scipy import stats as scipy_stats

from benchmark.core.errors import DataError
from benchmark.stats import (
    CELL,
    Estimate,
    board,
    cell_table,
    damage_reduction,
    decompose,
    gap_closed,
    holm,
    informative_only,
    mean_interval,
    paired_difference,
    regime_gate,
    rho_sel,
    smallest_effect,
)


def sweep(tasks: int, noises: int, methods: int, seeds: int, rng: np.random.Generator, tracks: tuple[str, ...] = ("last", "noisy_val")) -> pd.DataFrame:
    """Rows as the board reads them: one clean cell a task, damage of .1 under noise, seeds that differ by .01."""
    names = [
        (f"task{t}", "clean" if n == 0 else f"noise{n}", "mlp", "quick", track, "erm" if m == 0 else f"method{m}", (s, s, s))
        for t in range(tasks)
        for n in range(noises + 1)
        for track in tracks
        for m in range(methods + 1)
        for s in range(seeds)
    ]
    data = pd.DataFrame(names, columns=[*CELL, "track", "method", "seed"])
    data["score"] = (
        0.8 - 0.1 * (data["noise"] != "clean") + 0.005 * data["method"].str[-1].map(lambda c: int(c) if c.isdigit() else 0) + 0.01 * rng.normal(size=len(data))
    )
    return data.assign(memorization=0.3, ceiling=0.9)


@pytest.fixture(scope="module")
def data() -> pd.DataFrame:
    """A sweep with holes: failed runs of a method, of erm, and of erm on right labels."""
    full = sweep(3, 2, 4, 9, np.random.default_rng(0))
    holes = np.random.default_rng(1).random(len(full)) < 0.15
    return full[~holes].sample(frac=1, random_state=2)


def check(line: pd.Series, name: str, expected: Estimate) -> None:
    assert line[[name, f"{name}_low", f"{name}_high"]].tolist() == pytest.approx([expected.value, expected.low, expected.high], nan_ok=True), name


def test_every_number_equals_the_function_of_one_cell(data: pd.DataFrame) -> None:
    scores = {key: group.set_index("seed")["score"] for key, group in data.groupby([*CELL, "track", "method"])}
    table = cell_table(data)
    assert len(table) == len(scores)
    shown = 0
    for _, line in table.iterrows():
        task, noise, model, trainer, track, method = line[[*CELL, "track", "method"]]
        own = scores[task, noise, model, trainer, track, method]
        expected = mean_interval(own.to_numpy())
        assert line[["n", "mean", "sd", "low", "high"]].tolist() == pytest.approx([expected.n, expected.value, expected.sd, expected.low, expected.high])
        if method == "erm":
            assert line[["gain", "gap_closed", "damage_reduction", "p", "p_holm", "detectable"]].isna().all()
            continue
        erm = scores[task, noise, model, trainer, track, "erm"]
        gain = paired_difference(own, erm)
        check(line, "gain", gain)
        both = own.index.intersection(erm.index)
        assert line["p"] == pytest.approx(scipy_stats.ttest_rel(own[both], erm[both]).pvalue)
        assert (line["gain_n"], line["gain_sd"]) == (gain.n, pytest.approx(gain.sd))
        assert line["detectable"] == pytest.approx(gain.sd * smallest_effect(gain.n))
        if noise == "clean":
            assert line[["gap_closed", "damage_reduction", "clean_gain", "damage_reduced"]].isna().all()
            continue
        erm_clean, own_clean = (scores[task, "clean", model, trainer, track, m] for m in ("erm", method))
        check(line, "gap_closed", gap_closed(own, erm, erm_clean))
        check(line, "damage_reduction", damage_reduction(own, own_clean, erm, erm_clean))
        parts = decompose(own, own_clean, erm, erm_clean)
        check(line, "clean_gain", parts.clean_gain)
        check(line, "damage_reduced", parts.damage_reduced)
        shown += bool(np.isfinite(line["gap_closed"]))
    assert shown > 20


def test_parts_of_the_gain_add_up_where_no_seed_is_missing() -> None:
    table = cell_table(sweep(2, 2, 3, 4, np.random.default_rng(3)))
    noisy = table[(table["noise"] != "clean") & (table["method"] != "erm")]
    assert noisy["gain"].to_numpy() == pytest.approx((noisy["clean_gain"] + noisy["damage_reduced"]).to_numpy(), abs=1e-14)


def test_p_values_are_adjusted_over_the_methods_of_a_cell(data: pd.DataFrame) -> None:
    table = cell_table(data)
    for _, cell in table.groupby([*CELL, "track"]):
        assert cell["p_holm"].to_numpy() == pytest.approx(holm(cell["p"].to_numpy()), nan_ok=True)


def test_no_stars_below_eight_seeds() -> None:
    strong = sweep(1, 1, 2, 8, np.random.default_rng(4))
    strong.loc[strong["method"] == "method1", "score"] += 1
    table = cell_table(strong).set_index(["noise", "track", "method"])["stars"]
    assert table["noise1", "last", "method1"] == "***"
    fewer = cell_table(strong[strong["seed"] != (0, 0, 0)])
    assert (fewer["stars"] == "").all()
    assert (fewer["p_holm"] < 1e-4).any()


def test_one_seed_has_means_but_no_intervals() -> None:
    table = cell_table(sweep(1, 1, 1, 1, np.random.default_rng(5)))
    assert table["mean"].notna().all()
    assert table[["low", "high", "sd", "gain_low", "p", "detectable", "gap_closed"]].isna().all(axis=None)
    assert table["gain"].notna().sum() == 4


def test_cells_without_erm_or_without_right_labels_have_no_comparison() -> None:
    rows = sweep(1, 1, 2, 3, np.random.default_rng(6))
    assert cell_table(rows[rows["method"] != "erm"])["gain"].isna().all()
    noisy = cell_table(rows[rows["noise"] != "clean"])
    assert noisy[["gap_closed", "damage_reduction", "clean_gain"]].isna().all(axis=None)
    assert noisy["gain"].notna().sum() == 4


def test_a_run_that_occurs_twice_is_refused() -> None:
    rows = sweep(1, 1, 1, 2, np.random.default_rng(7))
    with pytest.raises(DataError, match=r"two rows for task0 noise1 mlp quick last method1 \(0, 0, 0\)"):
        cell_table(pd.concat([rows, rows[(rows["method"] == "method1") & (rows["noise"] == "noise1")].iloc[[0]]]))


def test_twenty_thousand_rows_take_seconds() -> None:
    """Cells, rho_sel, the regime gate and eight boards; measured .9 s."""
    data = sweep(32, 4, 12, 10, np.random.default_rng(8))
    runs = data[data["track"] == "last"]
    assert len(runs) > 20_000
    curves = runs.loc[runs.index.repeat(11), [*CELL, "method", "seed"]].assign(checkpoint=np.tile(np.arange(11), len(runs)))
    curves["clean"] = np.random.default_rng(9).normal(size=len(curves))
    curves["noisy"] = curves["clean"]
    kind = data["task"].str[4:].astype(int) % 4
    start = time.process_time()
    cell_table(data)
    rho = rho_sel(curves)
    regime_gate(data)
    for (_, track), rows in data.groupby([kind, "track"]):
        board(informative_only(rows, rho) if track == "noisy_val" else rows)
    assert time.process_time() - start < 3
